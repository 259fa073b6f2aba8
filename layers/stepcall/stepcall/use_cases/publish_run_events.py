"""Tell the world what has happened to runs, change by change as the runs table's stream has them."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from stepcall.domain.run_events import RunChange, RunEvent, event_of
from stepcall.use_cases.dependencies import Log
from stepcall.use_cases.event_bus import EventBus
from stepcall.use_cases.measure_runs import measure_runs
from stepcall.use_cases.metrics import Metrics

TellWebhooks = Callable[[Sequence[RunEvent]], int | None]
"""See `tell_webhooks`."""


class StreamedChange(NamedTuple):
    """`place` is where in the stream the change is."""

    place: str
    change: RunChange


def publish_run_events(
    changes: Iterable[StreamedChange], bus: EventBus, tell_webhooks: TellWebhooks, log: Log, metrics: Metrics
) -> str | None:
    """Put the events of the changes onto the bus, measure those that it took, and tell their webhooks, in their order.

    The place of the first change whose event was not wholly told: from there on all have to come again. None when all
    is told. Neither waits for the other: what the one does not take is told to the other all the same.
    """
    told = [(place, event) for place, change in changes if (event := event_of(change))]
    events = [event for _, event in told]
    failed = [place for place in (_put(events, bus, log, metrics), tell_webhooks(events)) if place is not None]
    return told[min(failed)][0] if failed else None


def _put(events: Sequence[RunEvent], bus: EventBus, log: Log, metrics: Metrics) -> int | None:
    """The position of the first that the bus did not take."""
    refusal = bus.put(events)
    taken = events[: refusal.position if refusal else None]
    for event in taken:
        log("run_event_published", **_facts(event))
    metrics(measure_runs(taken))
    if refusal is None:
        return None
    log("run_event_not_taken", code=refusal.code, **_facts(events[refusal.position]))
    return refusal.position


def _facts(event: RunEvent) -> dict[str, str]:
    run = event.run
    about_run = {"run_id": str(run.run_id), "tenant": run.tenant, "correlation_id": run.correlation_id}
    return {"type": event.type, "event_id": str(event.event_id), **about_run}
