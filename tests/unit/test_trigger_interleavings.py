"""Changes of one trigger at once, in every order of their calls to the record and to EventBridge.

Whoever comes last to either: afterwards EventBridge has what the record says, and nothing is left unsettled.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from stepcall.domain.trigger import Trigger
from stepcall.domain.trigger_errors import TriggerIsChangingError, TriggerNotFoundError
from stepcall.domain.trigger_request import TriggerRequest
from stepcall.use_cases.delete_trigger import delete_trigger
from stepcall.use_cases.settle_trigger import settle_trigger
from stepcall.use_cases.trigger_dependencies import TriggerDependencies
from stepcall.use_cases.update_trigger import UpdateTrigger, update_trigger
from tests.unit.interleaving import Gate, Scene, explore
from tests.unit.run_world import CALLER
from tests.unit.trigger_world import HOURLY, TriggerWorld

OF_STORE = ("get", "replace", "delete", "settle", "recheck")
OF_SOURCES = ("ensure", "remove")


class Answer:
    """What a call has come to; equal by what it says, as a trigger's input has no hash."""

    def __init__(self, value: Any, error: Exception | None = None) -> None:
        self._value, self._error = value, error
        self._said = repr((value, error))

    @classmethod
    def of(cls, call: Callable[[], Any]) -> "Answer":
        try:
            return cls(call())
        except Exception as exc:
            return cls(None, exc)

    def open(self) -> Any:
        if self._error:
            raise self._error
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Answer) and self._said == other._said

    def __hash__(self) -> int:
        return hash(self._said)


class Gated:
    """Lets one thread at a time make one of these calls."""

    def __init__(self, of: Any, gate: Gate, methods: Sequence[str]) -> None:
        self._of, self._gate, self._methods = of, gate, methods

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._of, name)
        if name not in self._methods:
            return method
        return lambda *args, **kwargs: self._gate.call(lambda: Answer.of(lambda: method(*args, **kwargs))).open()


class Changes:
    """A trigger that EventBridge has, and some who change it at the same time."""

    def __init__(self, gate: Gate, works: Sequence[str]) -> None:
        self.world = TriggerWorld()
        self.trigger = self.world.create(**HOURLY)
        self._works = works
        store, sources = (
            Gated(of, gate, methods)
            for of, methods in ((self.world.triggers, OF_STORE), (self.world.sources, OF_SOURCES))
        )
        self.deps: TriggerDependencies = replace(self.world.deps, triggers=store, sources=sources)

    def works(self) -> Sequence[Callable[[], object]]:
        return [getattr(self, work) for work in self._works]

    def disable(self) -> None:
        self._update(enabled=False)

    def retime(self) -> None:
        self._update(expression="rate(2 hours)")

    def remove(self) -> None:
        with suppress(TriggerNotFoundError):
            delete_trigger(self.world.workflow_id, self.trigger.trigger_id, CALLER, self.deps)

    def settle(self) -> None:
        """As a sweep does it, or a sweep that runs twice."""
        with suppress(TriggerIsChangingError):
            settle_trigger(self.trigger.key, self.deps)

    def recheck(self) -> None:
        """As who was set off by a revision that the record does not have."""
        self.deps.triggers.recheck(self.trigger.key, self.world.now())

    def _update(self, **said: Any) -> None:
        command = UpdateTrigger(self.world.workflow_id, self.trigger.trigger_id, TriggerRequest(**said))
        with suppress(TriggerNotFoundError):
            update_trigger(command, CALLER, self.deps)

    def state(self) -> object:
        return repr((self._records(), self.world.sources.has, self.world.unsettled()))

    def _records(self) -> Sequence[Trigger]:
        return self.world.triggers.list_by_workflow(CALLER.tenant, self.world.workflow_id)

    def check(self) -> None:
        if "recheck" in self._works:
            self.world.sweep()
        has = {each.trigger_id: replace(each, is_settled=True) for each in self.world.sources.has.values()}
        assert has == {each.trigger_id: each for each in self._records()}
        assert self.world.unsettled() == []


@pytest.mark.parametrize(
    ("works", "least"),
    [
        (("disable", "retime"), 100),
        (("disable", "disable"), 30),
        (("disable", "remove"), 50),
        (("remove", "remove"), 30),
        (("remove", "settle"), 20),
        (("disable", "settle"), 20),
        (("disable", "recheck"), 10),
        (("remove", "recheck"), 10),
        (("settle", "settle"), 5),
    ],
)
def test_in_every_order_eventbridge_ends_with_what_the_record_says(works: Sequence[str], least: int) -> None:
    def scene(gate: Gate) -> Scene:
        return Changes(gate, works)

    assert explore(scene) >= least
