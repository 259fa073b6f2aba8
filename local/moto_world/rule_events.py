"""Events to the targets of rules: moto raises for a function, in the caller's PutEvents, and minds no rule's state.

What becomes an event of a bus, and which pattern it matches, is left to moto, but for the objects of arrays.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice, product
from typing import Any
from uuid import uuid4

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.events.exceptions import ValidationException
from moto.events.models import EventsBackend, Rule, events_backends

from local.event_times import spell_second
from local.moto_world.replacing import replaced
from local.template import REGION

Event = dict[str, Any]
Deliver = Callable[[Mapping[str, Any], Event], None]
"""The target as it is written in the rule, and the event as EventBridge sends it."""
MOST_VIEWS = 1000
FIELDS = ("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")


@contextmanager
def matched_events_go_to(deliver: Deliver, services: frozenset[str]) -> Iterator[None]:
    """Targets of these services get their events from `deliver`, the others from moto."""
    with replaced(Rule, "send_to_targets", _send_by(deliver, services, Rule.send_to_targets)):
        yield


def _send_by(deliver: Deliver, services: frozenset[str], send_as_moto_does: Callable[..., None]) -> Any:
    def send_to_targets(self: Any, event: Any, transform_input: bool = True) -> None:
        # moto lets a rule without a pattern, which is one with a schedule, match everything
        if self.state == "DISABLED" or not self.event_pattern.get_pattern():
            return
        if not any(map(self.event_pattern.matches_event, islice(_views(event), MOST_VIEWS))):
            return
        ours = [target for target in self.targets if target["Arn"].split(":")[2] in services]
        for target in ours:
            deliver(target, as_sent(event))
        others = copy.copy(self)
        others.targets = [target for target in self.targets if target not in ours]
        send_as_moto_does(others, event, transform_input)

    return send_to_targets


@contextmanager
def scheduled_rules_go_to(
    changed: Callable[[Any], None], find_fault: Callable[[str, str], str | None]
) -> Iterator[None]:
    """`changed` is told of each rule with a schedule that is made or changed; each change makes another object."""
    put_as_moto_does = EventsBackend.put_rule

    def put_rule(self: Any, *said: Any, **named: Any) -> Rule:
        expression = named.get("scheduled_expression")
        if expression and (fault := find_fault(expression, "UTC")):
            raise ValidationException(f"Parameter ScheduleExpression is not valid. {fault}")
        rule = put_as_moto_does(self, *said, **named)
        if rule.scheduled_expression:
            changed(rule)
        return rule

    with replaced(EventsBackend, "put_rule", put_rule):
        yield


def is_kept(rule: Any) -> bool:
    bus = events_backends[DEFAULT_ACCOUNT_ID][REGION].event_buses.get(rule.event_bus_name)
    return bus is not None and bus.rules.get(rule.name) is rule


def _views(value: Any) -> Iterator[Any]:
    """An event with one object of each array in that array's place: a pattern looks into objects only, and on AWS into
    those of arrays too, where all that it says of an array's objects must be so of one of them."""
    if isinstance(value, dict):
        members = product(*([*islice(_views(member), MOST_VIEWS)] for member in value.values()))
        yield from (dict(zip(value, each, strict=True)) for each in members)
    elif isinstance(value, list) and any(isinstance(element, dict) for element in value):
        yield from (view for element in value for view in _views(element))
    else:
        yield value


def as_sent(event: Mapping[str, Any]) -> Event:
    """Without the fields that moto adds for itself, and with the time as text."""
    sent = {name: event[name] for name in FIELDS}
    return sent if isinstance(sent["time"], str) else sent | {"time": spell_second(float(sent["time"]))}


def rules() -> list[Any]:
    """Every rule of every bus."""
    buses = events_backends[DEFAULT_ACCOUNT_ID][REGION].event_buses.values()
    return [rule for bus in buses for rule in bus.rules.values()]


def put_on_default_bus(event: Event) -> None:
    """An event as a service of AWS sends it: nobody else may use its source."""
    for rule in list(events_backends[DEFAULT_ACCOUNT_ID][REGION].event_buses["default"].rules.values()):
        rule.send_to_targets(event)  # type: ignore[arg-type]


def service_event(source: str, kind: str, instant: float, resource: str, detail: Event) -> Event:
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": kind,
        "source": source,
        "account": DEFAULT_ACCOUNT_ID,
        "time": spell_second(instant),
        "region": REGION,
        "resources": [resource],
        "detail": detail,
    }
