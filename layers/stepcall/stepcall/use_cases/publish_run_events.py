"""Tell the world what has happened to runs, change by change as the runs table's stream has them."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from stepcall.domain.run_events import RunChange, RunEvent, event_of
from stepcall.use_cases.dependencies import Log
from stepcall.use_cases.event_bus import EventBus

TellWebhooks = Callable[[Sequence[RunEvent]], int | None]
"""See `tell_webhooks`."""


class StreamedChange(NamedTuple):
    """`place` is where in the stream the change is."""

    place: str
    change: RunChange


def publish_run_events(
    changes: Iterable[StreamedChange], bus: EventBus, tell_webhooks: TellWebhooks, log: Log
) -> str | None:
    """Put the events of the changes onto the bus, and tell their webhooks, in their order.

    The place of the first change whose event was not wholly told: from there on all have to come again. None when all
    is told. Neither waits for the other: what the one does not take is told to the other all the same.
    """
    told = [(place, event) for place, change in changes if (event := event_of(change))]
    events = [event for _, event in told]
    failed = [position for position in (_put(events, bus, log), tell_webhooks(events)) if position is not None]
    return told[min(failed)][0] if failed else None


def _put(events: Sequence[RunEvent], bus: EventBus, log: Log) -> int | None:
    """The position of the first that the bus did not take."""
    refusal = bus.put(events)
    for event in events[: refusal.position if refusal else None]:
        log("run_event_published", **_facts(event))
    if refusal is None:
        return None
    log("run_event_not_taken", code=refusal.code, **_facts(events[refusal.position]))
    return refusal.position


def _facts(event: RunEvent) -> dict[str, str]:
    run = event.run
    return {"type": event.type, "event_id": str(event.event_id), "run_id": str(run.run_id), "tenant": run.tenant}
