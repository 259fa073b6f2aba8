"""A figure with what it stands beside, and the table of figures."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

HEADINGS = ("", "measured", "reference", "ratio", "reach", "within reach")
KeyT = TypeVar("KeyT")


@dataclass(frozen=True)
class Reach:
    """What we want: a limit for the figure itself, or for its ratio to the reference."""

    limit: float
    of_ratio: bool = False
    at_least: bool = False

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}{' ×' if self.of_ratio else ''}"

    def holds(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True)
class Figure:
    """One row: what was measured, beside a reference of the same run where there is one."""

    row: str
    measured: float
    unit: str
    reference: float | None = None
    reach: Reach | None = None

    @property
    def ratio(self) -> float | None:
        return self.measured / self.reference if self.reference else None

    @property
    def within_reach(self) -> bool | None:
        """None where there is no reach."""
        value = self.ratio if self.reach and self.reach.of_ratio else self.measured
        return self.reach.holds(value) if self.reach and value is not None else None

    def to_json(self) -> dict[str, Any]:
        reach = str(self.reach) if self.reach else None
        return asdict(self) | {"ratio": self.ratio, "reach": reach, "within_reach": self.within_reach}

    def cells(self) -> tuple[str, ...]:
        within = {None: "", True: "yes", False: "no"}[self.within_reach]
        reference = "" if self.reference is None else f"{_spell(self.reference)} {self.unit}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f} ×"
        reach = str(self.reach) if self.reach else ""
        return self.row, f"{_spell(self.measured)} {self.unit}".rstrip(), reference, ratio, reach, within


def table_of(figures: Iterable[Figure]) -> str:
    rows = [HEADINGS, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join("  ".join(map(_align, row, widths, range(len(row)))).rstrip() for row in rows)


def interleave(subjects: Mapping[KeyT, Callable[[int], float]], rounds: int) -> dict[KeyT, list[float]]:
    """Each subject's samples, taken in turns: A B A B. A subject is called with the number of the round."""
    samples: dict[KeyT, list[float]] = {name: [] for name in subjects}
    for number in range(rounds):
        for name, subject in subjects.items():
            samples[name].append(subject(number))
    return samples


def median(samples: Sequence[float]) -> float:
    return statistics.median(samples)


def percentile(samples: Sequence[float], percent: int) -> float:
    """The smallest sample that `percent` of them do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _align(text: str, width: int, column: int) -> str:
    return text.ljust(width) if column in {0, len(HEADINGS) - 1} else text.rjust(width)


def _spell(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
