"""Sql.Query over 1 and 10 million rows, beside DuckDB by itself on the same files."""

import json
import os
import subprocess
import sys
from typing import Any

from tests.benchmarks.figures import Figure, Reach
from tests.benchmarks.machine import ROOT

REACH = Reach(1.3, of_ratio=True)
FUNCTION_MB = 1769


def measure_sql_queries() -> tuple[list[Figure], dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.sql_queries_child"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(["layers/stepcall", "functions", "."])},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the queries could not be measured:\n{done.stderr}")
    measured = json.loads(done.stdout.splitlines()[-1])
    rows = [
        Figure(f"Sql.Query, {each['rows']:,} rows, {each['query']}", each["task_ms"], "ms", each["bare_ms"], REACH)
        for each in measured["queries"]
    ]
    memory = Figure("Sql.Query, 10,000,000 rows: memory", measured["memory_mb"], "MB", reach=Reach(FUNCTION_MB))
    return [*rows, memory], measured
