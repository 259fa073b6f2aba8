"""Why a query has no result, in words for its author: without the engine's files, and without values."""

import re

import duckdb

from stepcall.domain.errors import MAX_MESSAGE_LENGTH, ErrorReason, StepcallError, shorten

OUTSIDE = "The query may read the tables it names, and nothing else."
NO_ROOM = re.compile(r"File too large|No space left|max_temp_directory_size")
KIND = re.compile(r"^(?:[A-Z][\w -]*Error: )+")
QUOTED = re.compile(r"(?<!\w)'(?:.*'|.*$)", re.DOTALL)  # to the last quote: a value may hold quotes, and lines
STATEMENT = re.compile(r"\n\s*LINE \d+:.*", re.DOTALL)
NUMBER = re.compile(r"(?<![\w\".])-?\d[\d.]*(?:[eE][+-]?\d+)?(?![\w\"])")
PATH = re.compile(
    r"""(?:\b[Ff]iles?\ )?                       # the word before it
    (?: (["`]) / [^"`\n]* / [^"`\n]* \1          # in quotes, where it may hold spaces
    | (?<![\w/]) / (?:[^\s"'`/]+/)+ [^\s"'`:,;)]* )""",
    re.VERBOSE,
)
UNKNOWN_NAME = re.compile(r"(?:Referenced (?:column|table)|does not have a column named) \"([^\"\n]*)\"")
OWN_TABLE = re.compile(r"\"?\x01\w*\"?")


class RefusedError(StepcallError):
    """The statement, or the file, has no result."""

    def __init__(self, reason: ErrorReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def invalid_query(message: str) -> RefusedError:
    return RefusedError(ErrorReason.INVALID_QUERY, f"Query error: {message}")


def is_too_much(error: Exception) -> bool:
    """Whether memory or disk did not do. A SystemError is what DuckDB's binding raises when it has none left."""
    return isinstance(error, MemoryError | SystemError | duckdb.OutOfMemoryException) or bool(
        NO_ROOM.search(str(error))
    )


def refusal_of(error: Exception, memory_bytes: int) -> RefusedError:
    """What to say of an error of DuckDB's while it did a query."""
    if is_too_much(error):
        return too_much(memory_bytes)
    if isinstance(error, RecursionError):
        return RefusedError(ErrorReason.RESOURCES_EXCEEDED, "The query, or its result, is nested too deeply.")
    if isinstance(error, duckdb.PermissionException):
        return RefusedError(ErrorReason.ACCESS_DENIED, OUTSIDE)
    if isinstance(error, duckdb.InternalError | duckdb.FatalException):
        return RefusedError(ErrorReason.BACKEND_ERROR, "The SQL engine has a fault of its own with this query.")
    return invalid_query(describe(error))


def too_much(memory_bytes: int) -> RefusedError:
    message = (
        f"The query needs more than the {memory_bytes >> 20:,} MB of memory, or the space on disk, that it may take. "
        "Read fewer columns or rows, aggregate earlier, or use a connection whose engine is athena."
    )
    return RefusedError(ErrorReason.RESOURCES_EXCEEDED, message)


def describe(error: Exception) -> str:
    """The first line of an error of DuckDB's: what follows is the statement that it was made from."""
    text = QUOTED.sub("'…'", STATEMENT.sub("", str(error)))
    line = PATH.sub("the table's file", KIND.sub("", text.strip().partition("\n")[0]))
    if unknown := UNKNOWN_NAME.search(line):
        return f"Unrecognized name: `{shorten(unknown[1])}`"
    line = OWN_TABLE.sub("the table", NUMBER.sub("…", line))
    return shorten(line.strip(), MAX_MESSAGE_LENGTH // 4) or type(error).__name__
