"""What the events of runs say in figures."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from stepcall.domain.run_events import RunEvent, RunEventType
from stepcall.use_cases.metrics import Measured, Metric

COUNTED_AS: Mapping[RunEventType, Metric] = MappingProxyType(
    {
        RunEventType.STARTED: Metric.RUNS_STARTED,
        RunEventType.COMPLETED: Metric.RUNS_COMPLETED,
        RunEventType.FAILED: Metric.RUNS_FAILED,
        RunEventType.CANCELLED: Metric.RUNS_CANCELLED,
    }
)


def measure_runs(events: Iterable[RunEvent]) -> Measured:
    """Counts and times of these events. An event that is told again is measured again."""
    counts: defaultdict[Metric, float] = defaultdict(float)
    times: defaultdict[Metric, list[float]] = defaultdict(list)
    for event in events:
        counts[COUNTED_AS[event.type]] += 1
        run = event.run
        if event.type is RunEventType.STARTED and run.started_at:
            times[Metric.START_LATENCY].append(_milliseconds(run.accepted_at, run.started_at))
        elif run.started_at and run.completed_at:  # what was cancelled while it waited has no duration
            times[Metric.RUN_DURATION].append(_milliseconds(run.started_at, run.completed_at))
    return {**{metric: [count] for metric, count in counts.items()}, **times}


def _milliseconds(start: datetime, end: datetime) -> float:
    """Not below 0, for the clocks of hosts differ."""
    return max(0.0, (end - start) / timedelta(milliseconds=1))
