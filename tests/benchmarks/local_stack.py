"""The local stack under load: `make serve` in one process, the clients in this one, all on 127.0.0.1."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import Figure, Reach, median, percentile
from tests.benchmarks.http_client import Client, client_of
from tests.benchmarks.light_workflows import light_workflow
from tests.benchmarks.machine import ROOT

WARM_UP = 10
ONE_AT_A_TIME = 100
AT_ONCE = 8
RUNS_AT_ONCE = 320
LONG_RUNS = 5
LONG_TASKS = 40
PAUSE = 0.01
PAUSE_AT_ONCE = 0.05  # eight that ask every 10 ms would measure the asking
ACCEPT_REACH = Reach(100)


def measure_local_stack() -> tuple[list[Figure], dict[str, Any]]:
    with served() as (url, process), client_of(url) as client:
        ready = resident_megabytes(process.pid)
        three, forty = define(client, 3), define(client, LONG_TASKS)
        for _ in range(WARM_UP):
            run(client, three)
        alone = [run(client, three) for _ in range(ONE_AT_A_TIME)]
        seconds, together = run_at_once(url, three)
        long_runs = [run(client, forty)[1] / LONG_TASKS for _ in range(LONG_RUNS)]
        after = resident_megabytes(process.pid)
    rows = [
        *_rows("accept", [accepted for accepted, _ in alone], ACCEPT_REACH),
        *_rows("start to end", [ran for _, ran in alone], None),
        Figure(
            f"local: runs per second, {AT_ONCE} at once", RUNS_AT_ONCE / seconds, "/s", reach=Reach(30, at_least=True)
        ),
        *_rows(f"accept, {AT_ONCE} at once", [accepted for accepted, _ in together], ACCEPT_REACH),
        *_rows(f"start to end, {AT_ONCE} at once", [ran for _, ran in together], None),
        Figure(f"local: {LONG_TASKS} tasks in sequence, per task", median(long_runs), "ms", reach=Reach(30)),
        Figure("local: RSS when ready", ready, "MB"),
        Figure("local: RSS after all these runs", after, "MB"),
    ]
    return rows, {"runs": WARM_UP + ONE_AT_A_TIME + RUNS_AT_ONCE + LONG_RUNS, "tasks_per_run": 3}


def run(client: Client, workflow_id: str, pause: float = PAUSE) -> tuple[float, float]:
    """Milliseconds until it was accepted, and from its start to its end, by the run's own record."""
    accepted, path = client.execute(workflow_id)
    execution = client.end_of(path, pause)
    created, completed = (datetime.fromisoformat(execution[name]) for name in ("created_at", "completed_at"))
    return accepted, (completed - created).total_seconds() * 1000


def run_at_once(url: str, workflow_id: str) -> tuple[float, list[tuple[float, float]]]:
    """Seconds for all, and each run: every client starts its next one when its last has ended."""

    def work(_client: int) -> list[tuple[float, float]]:
        with client_of(url) as client:
            return [run(client, workflow_id, PAUSE_AT_ONCE) for _ in range(RUNS_AT_ONCE // AT_ONCE)]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        began = time.perf_counter()
        runs = list(pool.map(work, range(AT_ONCE)))
        return time.perf_counter() - began, [each for of_client in runs for each in of_client]


def define(client: Client, tasks: int) -> str:
    workflow_id: str = client.send("POST", "/workflows", light_workflow(tasks))["workflow_id"]
    return workflow_id


@contextmanager
def served() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`make serve` on a free port: its URL and its process."""
    log = ROOT / ".bench" / "local_stack.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.serve", "--port", "0"],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(["layers/stepcall", "functions", "."])},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("ready "):
                raise RuntimeError(f"the local stack did not start; it says why in {log}")
            yield line.removeprefix("ready ").strip(), process
        finally:
            process.terminate()
            process.wait(10)


def resident_megabytes(pid: int) -> float:
    """Of the process and its children: expressions are evaluated in some."""
    return sum(_resident(each) for each in (pid, *_descendants(pid))) / 1024


def _descendants(pid: int) -> Iterator[int]:
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, listing.read_text().split()):
            yield child
            yield from _descendants(child)


def _resident(pid: int) -> int:
    """Kilobytes; proc(5)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


def _rows(what: str, samples: list[float], reach: Reach | None) -> list[Figure]:
    return [
        Figure(f"local: {what}, p{percent}", percentile(samples, percent), "ms", reach=reach if percent == 99 else None)
        for percent in (50, 99)
    ]
