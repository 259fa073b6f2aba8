"""`make bench`: measures, prints one table, writes .bench/latest.json. Names of sections as arguments: only those.

Figures are recorded, not judged: whatever they are, it ends with 0. What each row means: docs/benchmarks.md.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.carto_jobs import measure_carto_jobs
from tests.benchmarks.checking import measure_checking
from tests.benchmarks.cold_start import FUNCTIONS, measure_cold_starts
from tests.benchmarks.compiling import measure_compiling
from tests.benchmarks.figures import Figure, table_of
from tests.benchmarks.graphs import measure_graphs
from tests.benchmarks.lambda_python import LambdaPython, prepare
from tests.benchmarks.local_stack import measure_local_stack
from tests.benchmarks.machine import ROOT, describe_run
from tests.benchmarks.sql_queries import measure_sql_queries
from tests.benchmarks.warm_requests import measure_warm_requests
from tests.benchmarks.writes import measure_writes

LATEST = ROOT / ".bench" / "latest.json"
Section = Callable[[LambdaPython], tuple[list[Figure], dict[str, Any]]]
SECTIONS: dict[str, Section] = {
    "cold": measure_cold_starts,
    "warm": measure_warm_requests,
    "compile": measure_compiling,
    "check": measure_checking,
    "graphs": lambda _: measure_graphs(),
    "local": lambda _: measure_local_stack(),
    "writes": lambda _: measure_writes(),
    "sql": lambda _: measure_sql_queries(),
    "jobs": lambda _: measure_carto_jobs(),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    sections = parser.parse_args().sections or list(SECTIONS)
    if unknown := set(sections) - SECTIONS.keys():
        parser.error(f"there is no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    record = describe_run()
    python = prepare(FUNCTIONS)
    rows: list[Figure] = []
    facts: dict[str, Any] = {}
    for name in sections:
        began = time.monotonic()
        measured, facts[name] = SECTIONS[name](python)
        rows += measured
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    write_record(
        LATEST, record | {"python": python.description, "rows": [row.to_json() for row in rows], "facts": facts}
    )
    print(f"{table_of(rows)}\n\nAll but local, writes, jobs: {python.description}.")
    print(f"All figures: {LATEST.relative_to(ROOT)}")


def write_record(path: Path, record: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
