"""Tell the world what has happened to runs, change by change as the runs table's stream has them."""

from collections.abc import Iterable
from typing import NamedTuple

from stepcall.domain.run_events import RunChange, RunEvent, event_of
from stepcall.use_cases.dependencies import Log
from stepcall.use_cases.event_bus import EventBus
from stepcall.use_cases.measure_runs import measure_runs
from stepcall.use_cases.metrics import Metrics


class StreamedChange(NamedTuple):
    """`place` is where in the stream the change is."""

    place: str
    change: RunChange


def publish_run_events(changes: Iterable[StreamedChange], bus: EventBus, log: Log, metrics: Metrics) -> str | None:
    """Put the events of the changes onto the bus, in their order, and measure those that it took.

    The place of the first change whose event the bus did not take: from there on all have to come again. None when all
    is told.
    """
    told = [(place, event) for place, change in changes if (event := event_of(change))]
    refusal = bus.put([event for _, event in told])
    taken = [event for _, event in told[: refusal.position if refusal else None]]
    for event in taken:
        log("run_event_published", **_facts(event))
    metrics(measure_runs(taken))
    if refusal is None:
        return None
    place, event = told[refusal.position]
    log("run_event_not_taken", code=refusal.code, **_facts(event))
    return place


def _facts(event: RunEvent) -> dict[str, str]:
    run = event.run
    about_run = {"run_id": str(run.run_id), "tenant": run.tenant, "correlation_id": run.correlation_id}
    return {"type": event.type, "event_id": str(event.event_id), **about_run}
