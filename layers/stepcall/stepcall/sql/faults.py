"""What can be wrong with a query, with its place in it."""

from collections.abc import Sequence
from enum import StrEnum

from stepcall.domain.errors import StepcallError


class SqlCode(StrEnum):
    """The kinds of faults: docs/problems.md."""

    INVALID = "invalid_sql"
    NOT_SELECT = "sql_not_select"
    FORBIDDEN = "sql_forbidden"
    UNKNOWN_TABLE = "unknown_table"
    UNKNOWN_COLUMN = "unknown_column"
    UNBOUND_PARAMETER = "unbound_parameter"


class SqlError(StepcallError):
    """A query that is not taken. `message` says why without the position; `line` and `column` begin at 1."""

    def __init__(self, message: str, line: int, column: int, code: SqlCode = SqlCode.INVALID) -> None:
        message = message.removesuffix(".")
        super().__init__(f"Query error: {message} at [{line}:{column}]")
        self.message = message
        self.line = line
        self.column = column
        self.code = code


def in_order(faults: Sequence[SqlError]) -> list[SqlError]:
    """As they stand in the query."""
    return sorted(faults, key=lambda fault: (fault.line, fault.column))
