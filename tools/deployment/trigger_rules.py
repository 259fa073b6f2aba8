"""The EventBridge rules that triggers made: CloudFormation does not know them, and deletes no bus that has any."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

DEFAULT_BUS = "default"


def find_trigger_rules(events: Any, stack: str, bus: str | None) -> list[tuple[str, str]]:
    """(bus, rule) of each: `tr-…` on the stack's own bus, `STACK_…` on the account's.

    A deletion that failed half-way may have taken the stack's bus, and is repeated.
    """
    own = []
    if bus:
        with suppress(events.exceptions.ResourceNotFoundException):
            own = [(bus, name) for name in _names(events, bus, "tr-")]
    return own + [(DEFAULT_BUS, name) for name in _names(events, DEFAULT_BUS, f"{stack}_")]


def _names(events: Any, bus: str, prefix: str) -> Iterator[str]:
    token: dict[str, str] = {}
    while True:
        page = events.list_rules(EventBusName=bus, NamePrefix=prefix, **token)
        yield from (rule["Name"] for rule in page["Rules"] if "ManagedBy" not in rule)
        if "NextToken" not in page:
            return
        token = {"NextToken": page["NextToken"]}


def delete_rule(events: Any, bus: str, name: str) -> None:
    """One that is gone meanwhile is fine: the stack still works, and its sweep deletes rules, too."""
    with suppress(events.exceptions.ResourceNotFoundException):
        targets = [target["Id"] for target in events.list_targets_by_rule(EventBusName=bus, Rule=name)["Targets"]]
        if targets:  # five at most
            events.remove_targets(EventBusName=bus, Rule=name, Ids=targets)
        events.delete_rule(EventBusName=bus, Name=name)
