"""Checking a definition beside reading the same document as plain pydantic models; and the first check of a process."""

from typing import Any

from tests.benchmarks.compiling import LINEAR
from tests.benchmarks.figures import Figure, median
from tests.benchmarks.lambda_python import LambdaPython

SIZES = (10, 100, 1000)
PROCESSES = 7


def measure_checking(python: LambdaPython) -> tuple[list[Figure], dict[str, Any]]:
    measured = python.run("checking_child", "workflows_api", *map(str, SIZES))
    light = {size: measured["light"][str(size)] for size in SIZES}
    rows = [
        Figure(f"check {size:,} tasks, per task", found["check"], "µs", found["read"]) for size, found in light.items()
    ]
    rows.append(
        Figure("check 1,000 beside 100, per task", light[1000]["check"], "µs", light[100]["check"], LINEAR),
    )
    heavy = measured["references"]
    rows.append(Figure("check 1,000 tasks, 5,000 references, per task", heavy["check"], "µs", heavy["read"]))
    first = _measure_first_checks(python)
    rows.append(Figure("check: the first of a process", first["first"], "ms", first["imports"]))
    return rows, measured | {"first_check": first}


def _measure_first_checks(python: LambdaPython) -> dict[str, float]:
    """In milliseconds of CPU time, each in a fresh process; the first process brings the files into memory."""
    taken = [python.run("first_check_child", "workflows_api") for _ in range(PROCESSES + 1)][1:]
    return {name: median([sample[name] for sample in taken]) for name in ("imports", "first", "second")}
