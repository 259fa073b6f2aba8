"""Metrics as CloudWatch's embedded metric format: a line of the log, so that nobody waits for a call.

Source: docs.aws.amazon.com/AmazonCloudWatch, "Specification: Embedded metric format".
"""

from collections.abc import Mapping
from types import MappingProxyType

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from stepcall.use_cases.metrics import Measured, Metric

NAMESPACE = "Stepcall"
DIMENSION = "service"
"""Powertools' name. Its value is the stack's name, and there is no other: each value of one is a metric to pay."""
UNITS: Mapping[Metric, MetricUnit] = MappingProxyType(
    {
        Metric.START_LATENCY: MetricUnit.Milliseconds,
        Metric.RUN_DURATION: MetricUnit.Milliseconds,
        Metric.QUEUE_AGE: MetricUnit.Seconds,
    }
)
"""Of what is no count."""


class EmbeddedMetrics:
    """See `use_cases.metrics.Metrics`."""

    def __init__(self, stack: str) -> None:
        self._stack = stack

    def __call__(self, measured: Measured, /) -> None:
        # one of its own for each call: Powertools' usual one keeps what all threads of a process add
        emf = EphemeralMetrics(namespace=NAMESPACE, service=self._stack)
        for metric, values in measured.items():
            for value in values:
                emf.add_metric(metric, UNITS.get(metric, MetricUnit.Count), value)
        if emf.metric_set:  # a hundred values of one metric have been written meanwhile
            emf.flush_metrics()
