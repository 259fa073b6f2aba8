"""The whole work of Sql.Query on tables of sales, and DuckDB by itself on the same files, in turns; prints JSON.

The bucket is a folder of this disk: fetching and storing link a file, so that neither side moves its bytes. What moving
them would take on this disk is measured apart; how fast S3 is, nobody knows here.
"""

import json
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import duckdb

import run_sql_task.app  # noqa: F401 - what the function loads is in its memory
from run_sql_task.engine.limits import limits_for
from run_sql_task.engines import Engines
from run_sql_task.queries import Queries
from stepcall.aws.tables import TableObject, TableObjects
from stepcall.domain.connection import DEFAULT_CONNECTION, Dataset
from stepcall.domain.task_contract import TaskContext
from stepcall.stores.memory_connection_store import MemoryConnectionStore
from stepcall.tasks.sql import QueryInput
from tests.benchmarks.figures import interleave, median

TENANT = "benchmark"
SIZES = (1_000_000, 10_000_000)
ROUNDS = {1_000_000: 7, 10_000_000: 3}
FUNCTION_MB = 1769
SALES = """
    SELECT range AS id, 'city ' || hash(range) % 2000 AS city, hash(range + 1) % 4 AS kind,
           (hash(range + 2) % 100000) / 100.0 AS amount,
           TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_seconds((hash(range + 3) % 31536000)::BIGINT) AS sold_at
    FROM range({rows})
"""


class Subject(NamedTuple):
    """One question, in BigQuery's words and in DuckDB's."""

    name: str
    query: str
    bare: str


SUBJECTS = (
    Subject(
        "sums of 8,000 groups",
        "SELECT city, kind, COUNT(*) AS n, SUM(amount) AS amount, MIN(sold_at) AS first FROM sales GROUP BY city, kind",
        "SELECT city, kind, count(*) AS n, sum(amount) AS amount, min(sold_at) AS first FROM sales GROUP BY city, kind",
    ),
    Subject(
        "best 3 of each city",
        "SELECT city, id, amount FROM sales "
        "QUALIFY ROW_NUMBER() OVER (PARTITION BY city ORDER BY amount DESC, id) <= 3",
        "SELECT city, id, amount FROM sales "
        "QUALIFY row_number() OVER (PARTITION BY city ORDER BY amount DESC, id) <= 3",
    ),
)


class FolderObjects(TableObjects):
    """A bucket that is a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def list(self, prefix: str) -> Any:
        return [TableObject(prefix, (self._root / prefix).stat().st_size)]

    def fetch(self, key: str, path: Path, max_bytes: int, bucket: str | None = None) -> int:
        path.hardlink_to(self._root / key)
        return max_bytes

    def store(self, path: Path, key: str) -> None:
        (self._root / key).parent.mkdir(parents=True, exist_ok=True)
        (self._root / key).hardlink_to(path)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:  # where scratch folders are, for links do not cross disks
        engines = Engines(1, limits_for(FUNCTION_MB))
        try:
            print(json.dumps(measure(Path(folder), engines)))
        finally:
            engines.close()


def measure(root: Path, engines: Engines) -> dict[str, Any]:
    connections = MemoryConnectionStore()
    queries = Queries(engines, FolderObjects(root), connections, uuid4)
    for rows in SIZES:
        generate(rows, root / f"{rows}.parquet")
    # before DuckDB by itself takes memory in this process
    for rows in SIZES:
        for subject in SUBJECTS:
            run_task(queries, connections, subject, rows)
    memory = memory_of(engines)
    found = [compare(queries, connections, subject, rows, root) for rows in SIZES for subject in SUBJECTS]
    return {"queries": found, "memory_mb": round(memory / 2**20), "duckdb": duckdb.__version__}


def generate(rows: int, path: Path) -> None:
    """The same table every time: of hashes, not of chance."""
    with duckdb.connect(config={"memory_limit": "200MB", "preserve_insertion_order": False}) as maker:
        maker.execute(f"COPY ({SALES.format(rows=rows)}) TO '{path}' (FORMAT parquet)")


def run_task(queries: Queries, connections: MemoryConnectionStore, subject: Subject, rows: int) -> float:
    now = datetime.now(UTC)
    sales = Dataset(name="sales", key=f"{rows}.parquet", columns=(), row_count=rows, size=1, created_at=now)
    connections.put_dataset(TENANT, DEFAULT_CONNECTION, sales, now)
    context = TaskContext(UUID(int=1), TENANT, "q", 0, lambda: 300.0)
    return timed(lambda: queries.run(QueryInput(query=subject.query), context))


def run_bare(subject: Subject, source: Path, target: Path) -> None:
    with duckdb.connect(":memory:") as database:
        database.execute(f"CREATE VIEW sales AS SELECT * FROM read_parquet('{source}')")  # noqa: S608 (ours)
        database.execute(f"COPY ({subject.bare}) TO '{target}' (FORMAT parquet)")


def compare(
    queries: Queries, connections: MemoryConnectionStore, subject: Subject, rows: int, root: Path
) -> dict[str, Any]:
    source, target = root / f"{rows}.parquet", root / "bare.parquet"
    samples = interleave(
        {
            "task_ms": lambda _: 1000 * run_task(queries, connections, subject, rows),
            "bare_ms": lambda _: 1000 * timed(lambda: run_bare(subject, source, target)),
        },
        ROUNDS[rows],
    )
    copied = 1000 * timed(lambda: shutil.copyfile(source, target))
    facts = {
        "copy_ms": copied,
        "rows": rows,
        "query": subject.name,
        "megabytes": round(source.stat().st_size / 2**20, 1),
    }
    return facts | {name: median(values) for name, values in samples.items()} | {"samples": samples}


def timed(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def memory_of(engines: Engines) -> int:
    """The most that worker and engine have held, in bytes."""
    with engines.pool.process(1) as process:
        status = (Path("/proc") / str(process.process_id) / "status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return 1024 * (peak + resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    main()
