"""The port to metrics: what operators see as curves, and what alarms watch. docs/operations.md has them all."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol


class Metric(StrEnum):
    RUNS_STARTED = "RunsStarted"
    RUNS_COMPLETED = "RunsCompleted"
    RUNS_FAILED = "RunsFailed"
    RUNS_CANCELLED = "RunsCancelled"
    START_LATENCY = "StartLatency"
    """Milliseconds from accepting a run to its first task."""
    RUN_DURATION = "RunDuration"
    """Milliseconds from a run's first task to its end."""
    QUEUE_AGE = "QueueAge"
    """Seconds that the oldest PENDING run has waited; 0 when none waits."""
    SWEEPER_REPAIRS = "SweeperRepairs"
    WEBHOOK_FAILURES = "WebhookFailures"
    """Attempts to deliver a webhook that failed."""
    INVALID_EVENTS = "InvalidEvents"
    """Events that were to start a run and never will."""


Measured = Mapping[Metric, Sequence[float]]


class Metrics(Protocol):
    def __call__(self, measured: Measured, /) -> None:
        """Write what was measured: of counts their number, of the others each value. What has no value is left out."""
