"""Writes the stores of the example as CSV: the same ones every time, on every machine.

python examples/stores/generate.py > stores.csv
"""

import csv
import io
import random
from collections.abc import Iterator
from typing import NamedTuple

SEED = 20231004
STORES_PER_CITY = 250
CITIES = {
    "Madrid": (40.4168, -3.7038),
    "Barcelona": (41.3874, 2.1686),
    "Valencia": (39.4699, -0.3763),
    "Sevilla": (37.3891, -5.9845),
    "Zaragoza": (41.6488, -0.8891),
    "Bilbao": (43.2630, -2.9350),
}
TYPES = ("Supermarket", "Hypermarket", "Convenience", "Bakery", "Pharmacy")
SPREAD_DEGREES = 0.06


class Store(NamedTuple):
    store_id: int
    name: str
    city: str
    store_type: str
    latitude: float
    longitude: float
    size_m2: int
    yearly_revenue: float
    """In euros."""
    opened_on: str


def make_stores() -> Iterator[Store]:
    chance = random.Random(SEED)  # noqa: S311 - no secret comes of it
    for city, centre in CITIES.items():
        for number in range(1, STORES_PER_CITY + 1):
            yield _make_store(chance, city, centre, number)


def _make_store(chance: random.Random, city: str, centre: tuple[float, float], number: int) -> Store:
    store_type = TYPES[int(chance.random() * len(TYPES))]
    size = 60 + int(chance.random() ** 2 * 2400)
    return Store(
        store_id=list(CITIES).index(city) * STORES_PER_CITY + number,
        name=f"{store_type} {number}, {city}",
        city=city,
        store_type=store_type,
        latitude=round(centre[0] + _near_nought(chance) * SPREAD_DEGREES, 6),
        longitude=round(centre[1] + _near_nought(chance) * SPREAD_DEGREES, 6),
        size_m2=size,
        yearly_revenue=round(size * (2500 + chance.random() * 3000), 2),
        opened_on=f"{1985 + int(chance.random() * 38)}-{1 + int(chance.random() * 12):02d}-01",
    )


def _near_nought(chance: random.Random) -> float:
    """About normal: `gauss` may change with Python, `random` does not."""
    return sum(chance.random() for _ in range(4)) - 2


def write_csv() -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Store._fields)
    writer.writerows(make_stores())
    return text.getvalue()


if __name__ == "__main__":
    print(write_csv(), end="")
