"""What functions take that nobody waits for: events, figures, the sweep. No face loads it."""

import time
from functools import cache
from random import sample
from typing import TYPE_CHECKING

from stepcall.aws.event_bus import EventBridgeBus
from stepcall.runtime.client_wiring import make_client
from stepcall.runtime.emf import EmbeddedMetrics
from stepcall.runtime.settings import EventSettings, MetricSettings
from stepcall.runtime.wiring import start_fields

if TYPE_CHECKING:
    from stepcall.use_cases.sweep_runs import SweepDependencies
    from stepcall.use_cases.sweep_triggers import TriggerSweepDependencies


@cache
def event_bus() -> EventBridgeBus:
    return EventBridgeBus(make_client("events"), EventSettings.from_env().bus)


@cache
def metrics() -> EmbeddedMetrics:
    return EmbeddedMetrics(MetricSettings.from_env().stack)


@cache
def sweep_dependencies() -> "SweepDependencies":
    from stepcall.use_cases.sweep_runs import ListedTo, SweepDependencies  # noqa: PLC0415 - of the sweep alone

    return SweepDependencies(
        **start_fields(),
        metrics=metrics(),
        choose=sample,
        listed_to=ListedTo(),
        sleep=time.sleep,
        monotonic=time.monotonic,
    )


@cache
def trigger_sweep_dependencies() -> "TriggerSweepDependencies":
    from stepcall.runtime.trigger_wiring import trigger_sources, triggers  # noqa: PLC0415 - of the sweep alone
    from stepcall.use_cases.sweep_triggers import TriggerSweepDependencies  # noqa: PLC0415

    return TriggerSweepDependencies(
        triggers=triggers(),
        sources=trigger_sources(),
        now=start_fields()["now"],
        log=start_fields()["log"],
        metrics=metrics(),
        choose=sample,
        monotonic=time.monotonic,
    )
