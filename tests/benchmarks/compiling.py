"""Compiling beside `json.dumps` of the same state machine."""

from typing import Any

from tests.benchmarks.figures import Figure, Reach
from tests.benchmarks.lambda_python import LambdaPython

SIZES = (3, 10, 100, 1000)
REACH = Reach(5, of_ratio=True)
LINEAR = Reach(1.25, of_ratio=True)


def measure_compiling(python: LambdaPython) -> tuple[list[Figure], dict[str, Any]]:
    measured = python.run("compiling_child", "workflows_api", *map(str, SIZES))
    by_size = {size: measured[str(size)] for size in SIZES}
    rows = [
        Figure(f"compile {size:,} tasks, per task", found["compile"], "µs", found["dumps"], REACH)
        for size, found in by_size.items()
    ]
    rows.append(
        Figure("compile 1,000 beside 100, per task", by_size[1000]["compile"], "µs", by_size[100]["compile"], LINEAR)
    )
    return rows, measured
