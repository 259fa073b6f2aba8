"""Whether a file of text may be read at all: looked at once, in pieces, before DuckDB guesses what it is."""

import codecs
import csv
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from run_sql_task.engine.faults import RefusedError
from stepcall.domain.errors import ErrorReason

PIECE_BYTES = 1024 * 1024
ROWS_COUNTED = 1_000_000
UTF_8 = codecs.BOM_UTF8
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
ARRAY = "The file is an array of JSON. Send NDJSON: one object a line, without the array's brackets and commas."
PAGE = "The file is a page of HTML or XML, not a table."
OTHER_KINDS = {
    re.compile(rb"\s*<(?:!doctype|html|\?xml)\b", re.IGNORECASE): {"csv": PAGE, "ndjson": PAGE},
    re.compile(rb"\s*\[\s*[\[{]"): {"csv": ARRAY, "ndjson": ARRAY},
    re.compile(rb"\s*\{\s*\""): {"csv": "The file is JSON: say ndjson as its format, and send one object a line."},
}
"""By how a file begins: what it is instead of which format."""
ONE_LINE = (
    "The file is one line, without a line end: the rows of a CSV stand in lines of their own. "
    "With curl, send it with --data-binary, not -d."
)


def check_text(source: Path, file_format: str) -> None:
    """Raises RefusedError unless it is UTF-8, without zeros, and begins as such a file does."""
    lines = 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    for number, piece in enumerate(_pieces(source)):
        if number == 0:
            _check_beginning(piece, file_format)
        before = len(decoder.getstate()[0])
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            line = lines + _count_lines(piece[: max(0, error.start - before)]) + 1
            raise unreadable(f"The file cannot be read: line {line:,} is not UTF-8. Save the file as UTF-8.") from error
        if b"\0" in piece:
            line = lines + _count_lines(piece[: piece.index(b"\0")]) + 1
            raise unreadable(f"The file cannot be read: line {line:,} holds a byte that is zero, which no text does.")
        lines += _count_lines(piece)
    if file_format == "csv" and lines == 0:
        raise unreadable(ONE_LINE)


def _pieces(source: Path) -> Iterator[bytes]:
    """The file's bytes, and nothing once more: its end."""
    with source.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece
    yield b""


def _check_beginning(piece: bytes, file_format: str) -> None:
    if piece.startswith(UTF_16):
        raise unreadable("The file is UTF-16. Save it as UTF-8.")
    beginning = piece.removeprefix(UTF_8)
    for sign, messages in OTHER_KINDS.items():
        if file_format in messages and sign.match(beginning):
            raise unreadable(messages[file_format])


def _count_lines(piece: bytes) -> int:
    return piece.count(b"\n") or piece.count(b"\r")


def find_ragged_line(source: Path, delimiter: str) -> tuple[int, int, int] | None:
    """Where a CSV has more or fewer values than at first: the line, its values, those of the first line.

    None when it is not among the first million rows.
    """
    with source.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, delimiter=delimiter)
        try:
            first = next((row for row in rows if row), [])
            return next(
                (
                    (rows.line_num, len(row), len(first))
                    for row in islice(rows, ROWS_COUNTED)
                    if 0 < len(row) != len(first)
                ),
                None,
            )
        except csv.Error:  # a value longer than Python takes: DuckDB's reason has to do
            return None


def unreadable(message: str) -> RefusedError:
    return RefusedError(ErrorReason.INVALID, message)
