"""Tell the world what has happened to runs, change by change as the runs table's stream has them."""

from collections.abc import Iterable
from typing import NamedTuple

from stepcall.domain.run_events import RunChange, RunEvent, event_of
from stepcall.use_cases.dependencies import Log
from stepcall.use_cases.event_bus import EventBus


class StreamedChange(NamedTuple):
    """`place` is where in the stream the change is."""

    place: str
    change: RunChange


def publish_run_events(changes: Iterable[StreamedChange], bus: EventBus, log: Log) -> str | None:
    """Put the events of the changes onto the bus, in their order.

    The place of the first change whose event the bus did not take: from there on all have to come again. None when all
    is told.
    """
    told = [(place, event) for place, change in changes if (event := event_of(change))]
    refusal = bus.put([event for _, event in told])
    for _, event in told[: refusal.position if refusal else None]:
        log("run_event_published", **_facts(event))
    if refusal is None:
        return None
    place, event = told[refusal.position]
    log("run_event_not_taken", code=refusal.code, **_facts(event))
    return place


def _facts(event: RunEvent) -> dict[str, str]:
    run = event.run
    return {"type": event.type, "event_id": str(event.event_id), "run_id": str(run.run_id), "tenant": run.tenant}
