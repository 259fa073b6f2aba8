"""Queries that would take a process with them: each ends, is told why, and leaves nothing behind for what comes next.

They are DuckDB's own statements, so nothing has looked at them before.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from run_sql_task.engine.child import WATCH_ROOM
from run_sql_task.engine.limits import MEGABYTE, Limits, limits_for
from run_sql_task.engines import EngineQuery, EngineRefusedError, Engines, EnginesBusyError
from run_sql_task.scratch import remove_left_behind, scratch_folder
from stepcall.domain.connection import Column
from stepcall.domain.errors import ErrorReason
from stepcall.runtime.kept_processes import KeptProcess
from tests.wait_until import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="macOS does not hold the limits")
NARROW = Limits(memory=700 * MEGABYTE, buffers=200 * MEGABYTE, spilled=20 * MEGABYTE, result=20 * MEGABYTE, threads=2)
LAMBDA = limits_for(1769)


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    made = Engines(2, NARROW)
    yield made
    made.close()


def run(engines: Engines, root: Path, statement: str, seconds: float = 20, **tables: list[Path]) -> Any:
    with scratch_folder(root) as scratch:
        query = EngineQuery(statement, tables, {})
        return engines.write_result(query, scratch, seconds, max_rows=1000, max_bytes=MEGABYTE)


def refusal(engines: Engines, root: Path, statement: str, seconds: float = 20) -> EngineRefusedError:
    with pytest.raises(EngineRefusedError) as caught:
        run(engines, root, statement, seconds)
    # no file is left, and the next query is answered
    assert list(root.iterdir()) == []
    assert run(engines, root, "SELECT 1 AS a").rows == [{"a": 1}]
    return caught.value


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) AS n FROM range(1000000000000)",
        "SELECT * FROM generate_series(1, 1000000000000) WHERE 1 = 0 OR generate_series % 1000000007 = 5",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) AS n FROM r",
        "SELECT count(*) AS n FROM range(90000) AS a, range(90000) AS b, range(9000) WHERE a.range * b.range % 7 = 3",
        # heeds no interruption
        "SELECT levenshtein(repeat('a', 1000000), repeat('b', 1000000)) AS n",
    ],
)
def test_a_query_without_an_end_is_ended(engines: Engines, tmp_path: Path, statement: str) -> None:
    begin = time.monotonic()
    error = refusal(engines, tmp_path, statement, seconds=1)
    assert time.monotonic() - begin < 8
    assert (error.reason, error.message) == (
        ErrorReason.TIMEOUT,
        "The query takes longer than the 1 seconds it may take.",
    )


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT repeat('x', 1000000000) AS a",
        "SELECT lpad('x', 2000000000, 'y') AS a",
        "SELECT string_agg(repeat('x', 1000), '') AS a FROM range(10000000)",
        "SELECT list(range) AS l FROM range(200000000)",
        "SELECT range(1000000000) AS l",
        "SELECT array_to_string(list_transform(range(1000000), lambda x: repeat('z', 1000)), '') AS a",
        "SELECT md5(repeat('x', 500000000) || range) AS m FROM range(100)",
        # on disk
        "SELECT range AS n FROM range(100000000) ORDER BY hash(range)",
        "SELECT hash(range) // 2 AS n FROM range(20000000)",
        "WITH RECURSIVE r AS (SELECT 'x' AS s UNION ALL SELECT s || s FROM r) SELECT s FROM r",
    ],
)
def test_a_query_that_takes_too_much_is_told_what_to_do(engines: Engines, tmp_path: Path, statement: str) -> None:
    error = refusal(engines, tmp_path, statement, seconds=60)
    assert error.reason is ErrorReason.RESOURCES_EXCEEDED
    assert "700 MB of memory" in error.message
    assert "aggregate earlier" in error.message


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT " + "(" * 20_000 + "1" + ")" * 20_000 + " AS a",
        "SELECT " + "-" * 1 + "1 - " * 30_000 + "1 AS a",
        "SELECT " + "[" * 5000 + "]" * 5000 + " AS a",
        "SELECT * FROM " + "(SELECT * FROM " * 3000 + "range(1)" + ")" * 3000,
    ],
    ids=["parentheses", "operands", "lists", "subqueries"],
)
def test_a_deep_query_breaks_nothing_but_itself(engines: Engines, tmp_path: Path, statement: str) -> None:
    error = refusal(engines, tmp_path, statement)
    assert error.reason in {ErrorReason.INVALID_QUERY, ErrorReason.RESOURCES_EXCEEDED, ErrorReason.BACKEND_ERROR}


def test_a_result_nested_too_deep_to_be_said_is_refused(engines: Engines, tmp_path: Path) -> None:
    nested = "1"
    for _ in range(220):
        nested = f"[{nested}]"
    with pytest.raises(EngineRefusedError) as caught:
        run(engines, tmp_path, f"SELECT {nested} AS a")
    # where memory runs out within DuckDB it may end by itself or be ended
    assert caught.value.reason in {ErrorReason.RESOURCES_EXCEEDED, ErrorReason.BACKEND_ERROR}
    assert run(engines, tmp_path, "SELECT 1 AS a").rows == [{"a": 1}]


def import_file(engines: Engines, root: Path, content: bytes, file_format: str, seconds: float = 30) -> Any:
    source = root.parent / f"{root.name}-source"
    source.write_bytes(content)
    try:
        with scratch_folder(root) as scratch:
            return engines.import_file(source, file_format, scratch, seconds)
    except EngineRefusedError as error:
        assert list(root.iterdir()) == []
        assert run(engines, root, "SELECT 1 AS a").rows == [{"a": 1}]
        return error


def test_a_small_file_that_holds_very_much_takes_no_more_than_others(engines: Engines, tmp_path: Path) -> None:
    # given 2 GB of text in a small file
    bomb = tmp_path / "bomb.parquet"
    with duckdb.connect() as maker:
        rows = "SELECT repeat('x', 1000) AS a FROM range(2000000)"
        maker.execute(f"COPY ({rows}) TO '{bomb}' (FORMAT parquet)")
    content = bomb.read_bytes()
    bomb.unlink()
    assert len(content) < MEGABYTE
    # then it is read in the memory that there is
    assert import_file(engines, tmp_path, content, "parquet") == ((Column("a", "STRING"),), 2_000_000)


@pytest.mark.parametrize(
    ("content", "file_format"),
    [
        (b'{"a": ' * 100_000 + b"1" + b"}" * 100_000 + b"\n", "ndjson"),
        (b"[" * 1_000_000, "ndjson"),
        (b"a" * 17_000_000 + b"\n1\n", "csv"),
        (b'"' + b"a\n" * 9_000_000, "csv"),
        (b"PAR1" + b"\xff" * 1000 + b"\xff\xff\xff\x7fPAR1", "parquet"),
        (b"PAR1" + b"\x00" * 1000 + b"\x10\x00\x00\x00PAR1", "parquet"),
        (b"PAR1" + b"\x15\x02" * 1000 + b"\x00\x04\x00\x00PARE", "parquet"),
    ],
    ids=["deep", "brackets", "one line", "one quote", "a footer's size", "no footer", "encrypted"],
)
def test_a_hostile_file_is_refused_in_words(engines: Engines, tmp_path: Path, content: bytes, file_format: str) -> None:
    told = import_file(engines, tmp_path, content, file_format)
    assert isinstance(told, EngineRefusedError)
    assert told.reason in {ErrorReason.INVALID, ErrorReason.RESOURCES_EXCEEDED, ErrorReason.BACKEND_ERROR}
    assert str(tmp_path) not in told.message


def test_an_engine_has_no_credentials_and_is_confined(
    monkeypatch: pytest.MonkeyPatch, engines: Engines, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    process = KeptProcess(engines.pool.module)
    request = {"do": "select", "query": {"statement": "SELECT 1 AS a", "tables": {}, "parameters": {}}}
    process.ask(json.dumps(request | {"max_bytes": 100, "seconds": 5, "scratch": str(tmp_path)}).encode())
    folder = Path("/proc") / str(process.process_id)
    assert b"hidden" not in (folder / "environ").read_bytes()
    limits = {line[:25].strip(): line[25:].split()[:2] for line in (folder / "limits").read_text().splitlines()}
    assert limits["Max address space"] == [str(NARROW.memory + WATCH_ROOM)] * 2
    assert limits["Max file size"] == [str(NARROW.result)] * 2
    assert limits["Max core file size"] == ["0", "0"]
    process.end()


def test_an_engine_that_was_killed_is_replaced(engines: Engines, tmp_path: Path) -> None:
    with engines.pool.process(1) as process:
        killed = process.process_id
    os.kill(killed, signal.SIGKILL)
    time.sleep(0.1)
    assert run(engines, tmp_path, "SELECT 2 AS a").rows == [{"a": 2}]


WORKER = """
import json, sys
from stepcall.runtime.kept_processes import KeptProcess
engine = KeptProcess(sys.argv[2:])
print(engine.process_id, flush=True)
query = {"statement": "SELECT levenshtein(repeat('a', 1000000), repeat('b', 1000000))", "tables": {}, "parameters": {}}
request = {"do": "select", "query": query, "max_bytes": 100, "seconds": 60, "scratch": sys.argv[1]}
engine.ask(json.dumps(request).encode())
"""


def test_an_engine_ends_with_its_worker_also_in_the_midst_of_a_query(engines: Engines, tmp_path: Path) -> None:
    # given an engine that is at a query that heeds nothing
    command = [sys.executable, "-c", WORKER, str(tmp_path), *engines.pool.module]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as worker:  # noqa: S603 (ours)
        assert worker.stdout
        engine = Path("/proc") / worker.stdout.readline().decode().strip()
        wait_until(lambda: processor_time(engine) > 1)
        # when
        worker.kill()
    # then
    begin = time.monotonic()
    wait_until(lambda: not is_running(engine))
    assert time.monotonic() - begin < 3


def processor_time(process: Path) -> float:
    """Seconds. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html"""
    user, system = (process / "stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def is_running(process: Path) -> bool:
    """Whether it is there, and not only as what nobody has asked the exit code of."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_queries_at_once_have_each_their_own_tables_and_answers(engines: Engines, tmp_path: Path) -> None:
    def ask(number: int) -> Any:
        return run(engines, tmp_path, f"SELECT {number} AS a, count(*) AS n FROM range({number}000)").rows  # noqa: S608

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(ask, range(40)))
    assert answers == [[{"a": number, "n": number * 1000}] for number in range(40)]


def test_when_all_engines_are_at_work_a_query_waits_only_as_long_as_it_may(engines: Engines, tmp_path: Path) -> None:
    with engines.pool.process(1), engines.pool.process(1), pytest.raises(EnginesBusyError):
        run(engines, tmp_path, "SELECT 1 AS a", seconds=0.2)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_has_left_on_disk_is_removed(tmp_path: Path) -> None:
    dead = tmp_path / "stepcall-sql-4194999-abc"
    with scratch_folder(tmp_path) as mine:
        dead.mkdir()
        (dead / "table.parquet").write_bytes(b"x")
        (tmp_path / "somebody-elses").mkdir()
        remove_left_behind(tmp_path)
        assert (mine.exists(), dead.exists(), (tmp_path / "somebody-elses").exists()) == (True, False, True)


def test_ten_million_rows_are_aggregated_within_the_memory_of_the_function(tmp_path: Path) -> None:
    # given
    source = tmp_path / "source.parquet"
    roomy = Engines(1, replace(LAMBDA, threads=2))
    with scratch_folder() as scratch:
        rows = "SELECT range AS id, range * 7919 % 1000000 AS customer, range / 7 AS amount FROM range(10000000)"
        roomy.write_result(EngineQuery(rows, {}, {}), scratch, 60, max_rows=1, max_bytes=MEGABYTE)
        (scratch / "result.parquet").rename(source)
    # when
    with scratch_folder() as scratch:
        statement = "SELECT customer, count(*) AS n, sum(amount) AS amount FROM sales GROUP BY customer ORDER BY n DESC"
        query = EngineQuery(statement, {"sales": [source]}, {})
        done = roomy.write_result(query, scratch, 60, max_rows=10, max_bytes=MEGABYTE)
        # then
        assert done.row_count == 1_000_000
    with roomy.pool.process(1) as process:
        status = (Path("/proc") / str(process.process_id) / "status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    assert peak * 1024 < (1769 - 300) * MEGABYTE
    roomy.close()
