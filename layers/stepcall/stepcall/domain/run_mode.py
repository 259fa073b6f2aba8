"""Which part of a workflow a run runs. Source: contracts/amperity.md, "Start: request"."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Stage(StrEnum):
    """Where in a workflow a task stands: what brings data in, what makes databases of it, what hands it on."""

    SOURCE = "source"
    REFRESH = "refresh"
    ACTIVATION = "activation"


class RunMode(StrEnum):
    """How much of a workflow a run runs: its sources, all up to its databases, everything."""

    SOURCE = "source"
    REFRESH = "refresh"
    FULL = "full"

    def takes(self, stage: Stage | None) -> bool:
        """Whether a task of that stage runs; one without a stage runs with everything, and only then."""
        return self is RunMode.FULL or stage in STAGES[self]


STAGES: Mapping[RunMode, frozenset[Stage]] = MappingProxyType(
    {
        RunMode.SOURCE: frozenset({Stage.SOURCE}),
        RunMode.REFRESH: frozenset({Stage.SOURCE, Stage.REFRESH}),
        RunMode.FULL: frozenset(Stage),
    }
)
