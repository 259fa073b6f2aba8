"""What is done while somebody waits, asked by `stepcall.aws.sql_worker`: a SELECT for its rows, a file made a table.

Event `{"select": {statement, tables, parameters, seconds?}}`: answer `{rows, columns, bytes_processed}`.
Event `{"import": {source, file_format, target}}`: answer `{columns, row_count, size}`.
Either: `{"error": "refused" | "too_large" | "timeout" | "busy", "message"}`.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from run_sql_task.engine.limits import MEGABYTE
from run_sql_task.engines import RESULT_FILE, EngineQuery, EngineRefusedError, Engines, EnginesBusyError, SelectedRows
from run_sql_task.scratch import scratch_folder
from run_sql_task.table_files import TableGoneError, TablesTooLargeError, fetch_query
from stepcall.aws.tables import ObjectGoneError, ObjectTooLargeError, TableObjects
from stepcall.domain.connection import Column
from stepcall.domain.errors import ErrorReason, StepcallError
from stepcall.sql.faults import SqlError
from stepcall.sql.statement import Select, read_select
from stepcall.use_cases.sql_worker import MAX_SECONDS

MAX_ANSWER_BYTES = 5_000_000
"""Lambda's limit for an answer is 6 MB."""
MAX_FILE_BYTES = 500 * MEGABYTE
FORMATS = frozenset({"csv", "ndjson", "parquet"})
ERROR_OF_REASON = {ErrorReason.QUOTA_EXCEEDED: "too_large", ErrorReason.TIMEOUT: "timeout"}
Clock = Callable[[], float]


class Answers:
    def __init__(
        self,
        engines: Engines,
        objects: TableObjects,
        dataset_buckets: frozenset[str],
        monotonic: Clock,
        scratch_root: Path | None = None,
    ) -> None:
        self._engines = engines
        self._objects = objects
        self._dataset_buckets = dataset_buckets
        self._monotonic = monotonic
        self._scratch_root = scratch_root

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """What to say to the one that waits."""
        begun = self._monotonic()
        try:
            if "select" in event:
                return self._select(**event["select"], begun=begun)
            return self._import(**event["import"], end=begun + MAX_SECONDS)
        except EngineRefusedError as exc:
            return _error(ERROR_OF_REASON.get(exc.reason, "refused"), exc)
        except EnginesBusyError as exc:
            return _error("busy", exc)
        except (SqlError, TableGoneError, TablesTooLargeError, ObjectGoneError, ObjectTooLargeError) as exc:
            return _error("refused", exc)

    def _select(
        self,
        statement: str,
        tables: Mapping[str, str],
        parameters: Any,
        *,
        begun: float,
        seconds: float = MAX_SECONDS,
    ) -> dict[str, Any]:
        end = begun + min(seconds, MAX_SECONDS)
        select = read_select(statement)
        values = _bind(select, parameters)
        with scratch_folder(self._scratch_root) as scratch:
            fetched = fetch_query(select, values, lambda: _prefixes_of(select, tables), self._objects, scratch)
            try:
                found = self._ask(fetched.query, scratch, end)
            except EngineRefusedError as exc:
                if exc.reason is ErrorReason.INVALID_QUERY:
                    self._find_unknown_names(select, fetched.query, scratch, end)
                raise
        return {"rows": found.rows, "columns": found.columns, "bytes_processed": fetched.size}

    def _ask(self, query: EngineQuery, scratch: Path, end: float) -> SelectedRows:
        return self._engines.select(query, scratch, end - self._monotonic(), max_bytes=MAX_ANSWER_BYTES)

    def _find_unknown_names(self, select: Select, query: EngineQuery, scratch: Path, end: float) -> None:
        """Raises SqlError at the first column that is not there: the engine knows no place in what was written."""
        from stepcall.sql.columns import infer_columns  # noqa: PLC0415 - takes long to load, and few queries need it

        columns: dict[str, Sequence[Column]] = {}
        with suppress(EngineRefusedError, EnginesBusyError):  # then what the engine said of the query has to do
            for name, stand_in in zip(select.tables, query.tables, strict=True):
                nothing = EngineQuery(f'SELECT * FROM "{stand_in}" LIMIT 0', query.tables, [])  # noqa: S608 (ours)
                columns[name] = self._ask(nothing, scratch, end).columns
            infer_columns(select, columns, {})

    def _import(self, source: str, file_format: str, target: str, end: float) -> dict[str, Any]:
        if file_format not in FORMATS:
            _refuse(f"A file may be of the formats {', '.join(sorted(FORMATS))}.")
        with scratch_folder(self._scratch_root) as scratch:
            path = scratch / "source"
            self._fetch(source, path)
            columns, row_count = self._engines.import_file(path, file_format, scratch, end - self._monotonic())
            result = scratch / RESULT_FILE
            self._objects.store(result, target)
            return {"columns": columns, "row_count": row_count, "size": result.stat().st_size}

    def _fetch(self, source: str, path: Path) -> None:
        bucket, key = None, source
        if source.startswith("s3://"):
            address = urlsplit(source, allow_fragments=False)
            bucket, key = address.netloc, source.removeprefix(f"s3://{address.netloc}/")
            if bucket not in self._dataset_buckets:
                _refuse("Files of this bucket may not be read: the deployment's parameter DatasetBucket names the one.")
        self._objects.fetch(key, path, MAX_FILE_BYTES, bucket)


def _prefixes_of(select: Select, tables: Mapping[str, str]) -> dict[str, str]:
    if any(name not in tables for name in select.tables):
        raise TableGoneError("A table of the query is none that may be read.")
    return {name: tables[name] for name in select.tables}


def _bind(select: Select, parameters: Any) -> Any:
    """The values that the query uses."""
    if isinstance(parameters, list):
        if select.parameters or select.positional != len(parameters):
            _refuse(f"Query error: The query has {select.positional} `?`, and {len(parameters)} values were given.")
        return parameters
    if select.positional:
        _refuse("Query error: The query has `?`: give their values as an array.")
    if missing := next((name for name in select.parameters if name not in parameters), None):
        _refuse(f"Query error: Query parameter '{missing}' not found")
    return {name: parameters[name] for name in select.parameters}


def _refuse(message: str) -> NoReturn:
    raise EngineRefusedError(ErrorReason.INVALID, message)


def _error(kind: str, error: StepcallError) -> dict[str, Any]:
    return {"error": kind, "message": str(error)}
