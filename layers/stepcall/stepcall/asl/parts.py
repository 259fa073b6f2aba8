"""Tasks as a tree of what runs in series and what in parallel, and how long its longest way is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Series:
    """One after the other."""

    parts: "tuple[Part, ...]"


@dataclass(frozen=True, slots=True)
class Parallel:
    """All at once; what comes after waits for all of them."""

    parts: "tuple[Part, ...]"


Part: TypeAlias = "int | Series | Parallel"
"""A task is its number."""
Order: TypeAlias = Sequence[int]
"""Of each task, as bits: which others have to be done before it, also indirectly."""


def series(parts: Sequence[Part]) -> Part:
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Series) else (part,))]
    return flat[0] if len(flat) == 1 else Series(tuple(flat))


def parallel(parts: Sequence[Part]) -> Part:
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Parallel) else (part,))]
    return flat[0] if len(flat) == 1 else Parallel(tuple(flat))


def span_of(part: Part, weights: Sequence[float]) -> float:
    """How long its longest way is, where each task takes its weight."""
    match part:
        case Series(parts):
            return sum(span_of(inner, weights) for inner in parts)
        case Parallel(parts):
            return max(span_of(inner, weights) for inner in parts)
        case task:
            return weights[task]


def longest_way(members: int, order: Order, weights: Sequence[float]) -> float:
    """How long these tasks take at least, each beginning as soon as what it waits for is done."""
    ends: dict[int, float] = {}
    for task in sorted(bits(members), key=lambda task: order[task].bit_count()):
        ends[task] = weights[task] + max((ends[before] for before in bits(order[task] & members)), default=0.0)
    return max(ends.values())


def bits(mask: int) -> Iterator[int]:
    """The numbers of a set, ascending."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
