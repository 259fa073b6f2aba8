"""The process that runs DuckDB: one request a line on stdin, one answer a line on stdout, both JSON.

`python -m run_sql_task.engine.child MEMORY BUFFERS SPILLED RESULT THREADS`, started by `run_sql_task.engines`.
Request: `{"do": "query" | "select" | "import", "seconds", "scratch", …}`; the rest are arguments of the function that
does it. Answer: `{"answer", "is_spent"}`, with what that returns or `{"reason", "message"}`; a child that is spent
shall not be asked again, because its memory has grown.

The kernel holds the limits, because DuckDB's own do not: `repeat('x', 1000000000)` takes 2 GB whatever its
`memory_limit`, and `levenshtein` of two long texts does not heed `interrupt()`.
"""

import gc
import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb

from run_sql_task.engine.database import open_database
from run_sql_task.engine.faults import RefusedError, refusal_of
from run_sql_task.engine.imports import import_file
from run_sql_task.engine.limits import MEGABYTE, Limits
from run_sql_task.engine.queries import Query, select_rows, write_result

OPEN_FILES = 512
WATCHED_SECONDS = 0.5
WATCH_STACK_BYTES = 256 * 1024
WATCH_ROOM = 65 * MEGABYTE
"""Address space that the C library reserves for the thread that watches, and hardly touches."""
SPENT_SHARE = 2 / 3
"""Of its memory: what is left for another query then is too little."""
WORK: Mapping[str, Callable[..., dict[str, Any]]] = MappingProxyType(
    {"query": write_result, "select": select_rows, "import": import_file}
)


def main(limits: Limits) -> None:
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    _end_with(os.getppid())
    sys.stdout = sys.stderr  # nothing that prints may write between the answers
    _confine(limits)
    database = open_database(limits)
    gc.freeze()
    answers.write(b"ready\n")
    answers.flush()
    for request in requests:
        answer = answer_line(json.loads(request), database, limits)
        try:
            answers.write(answer)
            answers.flush()
        except BrokenPipeError:
            os._exit(0)  # the worker is gone, and so is who would read a traceback
        database.close()
        database = open_database(limits)


def _end_with(parent: int) -> None:
    """End when that process has, also in the midst of a query: DuckDB lets other threads of Python run meanwhile.

    Neither PR_SET_PDEATHSIG, which tells of the end of the thread that started us, nor SIGIO of stdin, which may come
    late for a request that was read already.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCHED_SECONDS)
        os._exit(0)

    threading.stack_size(WATCH_STACK_BYTES)
    threading.Thread(target=watch, daemon=True).start()


def answer_line(request: dict[str, Any], database: duckdb.DuckDBPyConnection, limits: Limits) -> bytes:
    """The line that answers a request."""
    seconds, scratch, work = request.pop("seconds"), Path(request.pop("scratch")), WORK[request.pop("do")]
    if "query" in request:
        request["query"] = Query(**request["query"])
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        answer = work(database, scratch, **request)
    except RefusedError as refusal:
        answer = _say(refusal)
    except (duckdb.Error, MemoryError, RecursionError, SystemError) as error:
        answer = _say(refusal_of(error, limits.memory))
    envelope = {"answer": answer, "is_spent": _address_space() > limits.memory * SPENT_SHARE}
    line = json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    signal.setitimer(signal.ITIMER_REAL, 0)
    return line


def _say(refusal: RefusedError) -> dict[str, Any]:
    return {"reason": refusal.reason, "message": refusal.message}


def _confine(limits: Limits) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the kernel ends the process, whatever it is doing
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.result, limits.result))
    if sys.platform == "linux":  # macOS does not hold this limit
        room = limits.memory + WATCH_ROOM
        resource.setrlimit(resource.RLIMIT_AS, (room, room))


def _address_space() -> int:
    """Bytes; 0 where the system does not tell."""
    told = Path("/proc/self/statm")
    return int(told.read_text().split()[0]) * resource.getpagesize() if told.exists() else 0


if __name__ == "__main__":
    main(Limits(*map(int, sys.argv[1:])))
