"""Whose it is, is asked at every door of every store, or there is a reason why it is not."""

import importlib
import inspect
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import is_protocol

from stepcall import stores

AFTER_READING = "a face has read it as the tenant's own just before"
BY_STATE_MACHINE = "a state machine asks: what it carries is the id of a run that a tenant's caller has started"
BY_SWEEP = "the sweep asks, for every tenant, and answers nobody"
WITHOUT_TENANT: Mapping[str, str] = {
    "ApiKeyStore.get": "this is how a tenant is known: whoever has the key's text is the tenant",
    "WorkflowStore.get_version": "a state machine asks, or read_workflow, which compares the tenant of what it gets",
    "WorkflowStore.list_versions": AFTER_READING,
    "RunStore.list_open": BY_SWEEP,
    "TriggerStore.list_unsettled": BY_SWEEP,
    "RunStore.move_machine": BY_SWEEP,
    "RunStore.get_for_work": f"{BY_STATE_MACHINE}; and {BY_SWEEP}",
    "RunStore.get_for_end": BY_STATE_MACHINE,
    "RunStore.list_instances": f"{BY_STATE_MACHINE}; and {AFTER_READING}",
    "RunStore.set_instances": BY_STATE_MACHINE,
    "RunStore.begin_run": BY_STATE_MACHINE,
    "RunStore.complete_task": BY_STATE_MACHINE,
    "RunStore.skip_task": BY_STATE_MACHINE,
    "RunStore.record_task_error": BY_STATE_MACHINE,
    "RunStore.fail_task": BY_STATE_MACHINE,
    "RunStore.list_children": "who follows the ends of runs cancels what a run that has ended has started",
    "RunStore.forget_child": "as RunStore.list_children",
    "RunStore.count_below": "who starts a run by a task has read that one's run a moment before",
    "RunStore.await_task": BY_STATE_MACHINE,
    "RunStore.settle_task": "decide_task has found the run in its tenant a moment before",
    "RunStore.abandon": "start_run ends what it has put itself a moment before",
    "RunStore.end": f"{BY_STATE_MACHINE}; and {BY_SWEEP}; for cancel_run, {AFTER_READING}",
    "DeliveryStore.get": BY_STATE_MACHINE,
    "DeliveryStore.find_first_open": f"{BY_STATE_MACHINE}; and the stream tells of a run; and {AFTER_READING}",
    "DeliveryStore.find_by_id": f"{AFTER_READING} of its run",
    "DeliveryStore.list_by_target": f"{AFTER_READING} of its run",
    "DeliveryStore.list_by_run": f"{AFTER_READING} of its run",
    "PayloadStore.put": "the name begins with the id of the run that is being worked on",
    "PayloadStore.put_around": "as PayloadStore.put, of a run that was read a moment before",
    "PayloadStore.get": "what is asked for stands in the record of a run that was read by its tenant",
    "PayloadStore.url": "as PayloadStore.get",
}


def protocols() -> Iterator[type]:
    """Every port of the stores."""
    for path in sorted(Path(stores.__path__[0]).glob("*_store.py")):
        if not path.name.startswith(("dynamo_", "memory_", "cached_")):
            module = importlib.import_module(f"stepcall.stores.{path.stem}")
            yield from (
                value
                for value in vars(module).values()
                if inspect.isclass(value) and value.__module__ == module.__name__ and is_protocol(value)
            )


def methods() -> dict[str, Any]:
    return {
        f"{protocol.__name__}.{name}": method
        for protocol in protocols()
        for name, method in vars(protocol).items()
        if inspect.isfunction(method) and not name.startswith("_")
    }


def names_the_tenant(method: Any) -> bool:
    """As a parameter, or in a record that is passed."""
    hints = typing.get_type_hints(method)
    return any(
        name == "tenant" or any("tenant" in vars(kind).get("__annotations__", {}) for kind in inspect.getmro(hint))
        for name, hint in hints.items()
        if name == "tenant" or (inspect.isclass(hint) and name != "return")
    )


def test_all_ports_are_looked_at() -> None:
    assert {protocol.__name__ for protocol in protocols()} >= {
        "ApiKeyStore",
        "PayloadStore",
        "RateLimitStore",
        "RunStore",
        "WorkflowStore",
    }


@pytest.mark.parametrize("name", methods())
def test_a_store_is_told_the_tenant_or_there_is_a_reason(name: str) -> None:
    assert names_the_tenant(methods()[name]) != (name in WITHOUT_TENANT)


def test_no_reason_is_left_for_what_is_no_more() -> None:
    assert WITHOUT_TENANT.keys() <= methods().keys()
