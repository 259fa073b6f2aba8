"""Asks DuckDB, which runs in child processes, so that a hostile query ends a child and not the worker."""

import json
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any, NamedTuple

from run_sql_task.engine.limits import Limits
from stepcall.domain.connection import Column
from stepcall.domain.errors import ErrorReason, StepcallError
from stepcall.domain.json_text import MalformedJsonError, read_json
from stepcall.runtime.kept_processes import ProcessEndedError, ProcessesBusyError, ProcessPool

CHILD = "run_sql_task.engine.child"
RESULT_FILE = "result.parquet"
"""Of the scratch folder: what a query or an import has written."""


class EngineRefusedError(StepcallError):
    """The statement, or the file, has no result. `message` is for its author."""

    def __init__(self, reason: ErrorReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class EnginesBusyError(StepcallError):
    """Every engine is at work, for longer than one may wait."""


class EngineQuery(NamedTuple):
    """A SELECT in DuckDB's dialect, the Parquet files of each table that it names, and its parameters' values."""

    statement: str
    tables: Mapping[str, Sequence[Path]]
    parameters: Mapping[str, Any] | Sequence[Any]

    def to_json(self) -> dict[str, Any]:
        tables = {name: list(map(str, files)) for name, files in self.tables.items()}
        return {"statement": self.statement, "tables": tables, "parameters": self.parameters}


class WrittenResult(NamedTuple):
    """What is in the scratch folder, and its first rows as JSON values."""

    row_count: int
    columns: tuple[Column, ...]
    rows: Sequence[dict[str, Any]]
    truncated: bool


class SelectedRows(NamedTuple):
    rows: Sequence[dict[str, Any]]
    columns: tuple[Column, ...]


class Engines:
    """All raise EngineRefusedError, EnginesBusyError. `scratch` is a folder for this call, which the caller removes."""

    def __init__(self, size: int, limits: Limits) -> None:
        self.limits = limits
        self.pool = ProcessPool(size, [CHILD, *map(str, astuple(limits))])

    def write_result(
        self, query: EngineQuery, scratch: Path, seconds: float, *, max_rows: int, max_bytes: int
    ) -> WrittenResult:
        """Run a query, with its result as `result.parquet` and as its first rows."""
        request = {"do": "query", "query": query.to_json(), "max_rows": max_rows, "max_bytes": max_bytes}
        answer = self._ask(request, scratch, seconds)
        return WrittenResult(answer["row_count"], _columns(answer), answer["rows"], answer["truncated"])

    def select(self, query: EngineQuery, scratch: Path, seconds: float, *, max_bytes: int) -> SelectedRows:
        """Run a query for its rows. More than `max_bytes` of them are refused with `quotaExceeded`."""
        request = {"do": "select", "query": query.to_json(), "max_bytes": max_bytes}
        answer = self._ask(request, scratch, seconds)
        return SelectedRows(answer["rows"], _columns(answer))

    def import_file(
        self, source: Path, file_format: str, scratch: Path, seconds: float
    ) -> tuple[tuple[Column, ...], int]:
        """Make a file `result.parquet`; its columns and how many rows it has."""
        answer = self._ask({"do": "import", "source": str(source), "file_format": file_format}, scratch, seconds)
        return _columns(answer), answer["row_count"]

    def close(self) -> None:
        self.pool.close()

    def _ask(self, request: dict[str, Any], scratch: Path, seconds: float) -> dict[str, Any]:
        if seconds <= 0:
            raise EngineRefusedError(
                ErrorReason.TIMEOUT, "Fetching its tables took the query all the time it may take."
            )
        end = time.monotonic() + seconds
        try:
            with self.pool.process(seconds) as process:
                request |= {"scratch": str(scratch), "seconds": max(end - time.monotonic(), 0.1)}
                envelope = _read(process.ask(json.dumps(request, ensure_ascii=False).encode()))
                if envelope["is_spent"]:
                    process.end()
        except ProcessesBusyError as exc:
            raise EnginesBusyError("Too many queries are running at once.") from exc
        except ProcessEndedError as exc:
            raise _over_limits(exc.exit_code, seconds, self.limits) from exc
        answer: dict[str, Any] = envelope["answer"]
        if "reason" in answer:
            raise EngineRefusedError(ErrorReason(answer["reason"]), answer["message"])
        return answer


def _read(line: bytes) -> dict[str, Any]:
    try:
        envelope: dict[str, Any] = read_json(line)
    except MalformedJsonError as exc:
        # written by json.dumps: only its depth can be wrong
        raise EngineRefusedError(ErrorReason.RESOURCES_EXCEEDED, "The rows are nested too deeply.") from exc
    return envelope


def _columns(answer: dict[str, Any]) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name, kind in answer["columns"])


def _over_limits(exit_code: int, seconds: float, limits: Limits) -> EngineRefusedError:
    if exit_code == -signal.SIGALRM:
        message = f"The query takes longer than the {seconds:.0f} seconds it may take."
        return EngineRefusedError(ErrorReason.TIMEOUT, message)
    if exit_code in {-signal.SIGKILL, -signal.SIGABRT}:  # by the kernel, or a library, that had no memory left
        message = f"The query needs more than the {limits.memory >> 20:,} MB of memory that it may take."
        return EngineRefusedError(ErrorReason.RESOURCES_EXCEEDED, message)
    message = "The SQL engine broke down. What it was given may be nested too deeply."
    return EngineRefusedError(ErrorReason.BACKEND_ERROR, message)
