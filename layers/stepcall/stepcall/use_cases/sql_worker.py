"""The port to what reads and writes tables while somebody waits: the SQL worker, called by the faces."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from stepcall.domain.connection import Column
from stepcall.domain.errors import StepcallError

MAX_SECONDS = 20.0
"""The gateway waits 29, and whoever asks has done other things before."""


class TableRows(NamedTuple):
    """The answer to a SELECT. `columns` are of BigQuery's types."""

    rows: Sequence[Mapping[str, Any]]
    columns: Sequence[Column]
    bytes_processed: int


class ImportedTable(NamedTuple):
    """A table that was made of a file."""

    columns: tuple[Column, ...]
    row_count: int
    size: int


class SqlRefusedError(StepcallError):
    """The statement or the file cannot be taken; the message says why and, for SQL, where: `… at [line:column]`."""


class ResultTooLargeError(StepcallError):
    """The rows do not fit into one answer."""


class SqlTimeoutError(StepcallError):
    """It took longer than somebody waits for."""


class SqlWorkerBusyError(StepcallError):
    """It has not begun, for too many others are at work."""


class SqlWorker(Protocol):
    def select(
        self,
        statement: str,
        tables: Mapping[str, str],
        parameters: Mapping[str, Any] | Sequence[Any],
        *,
        seconds: float = MAX_SECONDS,
    ) -> TableRows:
        """Run one SELECT over tables, each given by name with the key prefix of its Parquet objects.

        Raises SqlRefusedError, ResultTooLargeError, SqlTimeoutError, SqlWorkerBusyError.
        """

    def import_file(self, source: str, file_format: str, target_key: str) -> ImportedTable:
        """Make the object `source`, of format csv, ndjson or parquet, a Parquet object at `target_key`.

        `source` is a key of the data bucket, or `s3://…` in one that the deployment names. Raises SqlRefusedError,
        SqlTimeoutError, SqlWorkerBusyError.
        """
