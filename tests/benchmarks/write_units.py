"""DynamoDB's write units, computed from items before and after a write.

Sizes: docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html. Index writes: GSI.html,
"Provisioned throughput considerations". A write costs a unit per KB, begun, of the larger of both items; in a
transaction twice that. An index costs its own units where its entry changes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Item = Mapping[str, Mapping[str, Any]]
BYTES_PER_UNIT = 1024


@dataclass(frozen=True)
class Index:
    """`attributes` are those that an entry holds; None for all."""

    keys: tuple[str, ...]
    attributes: frozenset[str] | None

    @classmethod
    def of(cls, description: Mapping[str, Any], table_keys: tuple[str, ...]) -> "Index":
        """From DescribeTable's answer."""
        keys = tuple(key["AttributeName"] for key in description["KeySchema"])
        projection = description["Projection"]
        if projection["ProjectionType"] == "ALL":
            return cls(keys, None)
        return cls(keys, frozenset({*keys, *table_keys, *projection.get("NonKeyAttributes", ())}))

    def entry(self, item: Item) -> Item:
        """Empty for an item that the index does not hold."""
        if not all(key in item for key in self.keys):
            return {}
        return {name: value for name, value in item.items() if self.attributes is None or name in self.attributes}


def table_units(before: Item, after: Item, *, transaction: bool) -> int:
    return units_of(before, after) * (2 if transaction else 1)


def index_units(index: Index, before: Item, after: Item) -> int:
    old, new = index.entry(before), index.entry(after)
    if old == new:
        return 0
    if old and new and any(old[key] != new[key] for key in index.keys):
        return units_of(old, {}) + units_of({}, new)  # the entry moves
    return units_of(old, new)


def units_of(before: Item, after: Item) -> int:
    return math.ceil(max(size_of(before), size_of(after)) / BYTES_PER_UNIT)


def size_of(item: Item) -> int:
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    [(kind, held)] = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "B":
            return len(held)
        case "BS":
            return sum(map(len, held))
        case "N":
            return len(held.lstrip("-0").replace(".", "").rstrip("0")) // 2 + 1  # AWS: about half a byte per digit
    raise ValueError(f"items of ours hold no {kind}")
