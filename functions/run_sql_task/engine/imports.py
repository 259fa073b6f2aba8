"""A file that somebody brought, as Parquet: types detected, columns named so that a query can say them."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from run_sql_task.engine.column_types import ColumnType, column_type, quote
from run_sql_task.engine.database import literal, lock_database
from run_sql_task.engine.faults import RefusedError, is_too_much
from run_sql_task.engine.queries import RESULT, RESULT_FILE, Columns, words_of
from run_sql_task.engine.text_files import check_text, find_ragged_line, unreadable

MAX_COLUMNS = 1000
MAX_NAME_LENGTH = 300
MAX_LINE_BYTES = 16 * 1024 * 1024
MAX_HEADER_BYTES = 1024 * 1024
DELIMITERS = (b",", b";", b"\t", b"|")
QUOTED = re.compile(rb'"[^"]*"?')
WHOLE_FILE = -1
SAMPLE = 20_480  # DuckDB's own: rows that types are detected from
COMPRESSED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2"}
PARQUET = b"PAR1"
QUOTE_IT = "Quote values that hold the delimiter."
RAGGED = f"its rows do not have the same number of values. {QUOTE_IT}"
TOO_LONG = f"a line is longer than {MAX_LINE_BYTES >> 20} MB."
CAUSES = {
    "csv": {"Expected Number of Columns": RAGGED, "sniff": RAGGED, "Maximum line size": TOO_LONG},
    "ndjson": {
        "maximum_object_size": TOO_LONG,
        "Malformed JSON": "a line is not one JSON object. With curl, line ends need --data-binary, not -d.",
        "expected records": "every line must be a JSON object with a key at least.",
        "duplicate key": "an object has a key twice.",
    },
    "parquet": {"ncrypt": "it is encrypted."},
}
"""By a sign of DuckDB's."""
UNTOLD = {
    "csv": "its lines are not rows of CSV.",
    "ndjson": "its lines are not objects of JSON.",
    "parquet": "it is damaged, or not whole.",
}
NOT_IN_A_NAME = re.compile(r"[\x00-\x1f\x7f!\"$()*,./;?@\[\\\]^`{}~]")
"""What BigQuery's names of columns may not hold: https://cloud.google.com/bigquery/docs/schemas#column_names"""
LINES = {
    re.compile(r"CSV Error on Line: (\d+)"): 0,
    re.compile(r"Malformed JSON .* in line (\d+): "): 1,  # counted from 2
    re.compile(r"JSON transform error .* in line (\d+): "): 0,
}


def import_file(database: duckdb.DuckDBPyConnection, scratch: Path, *, source: str, file_format: str) -> dict[str, Any]:
    """Writes `result.parquet`. `{columns, row_count}`."""
    _check_beginning(Path(source), file_format)
    path = str(scratch / RESULT_FILE)
    lock_database(database, scratch, {}, [source, path])
    try:
        return _convert(database, source, file_format, path)
    except duckdb.Error as error:
        if is_too_much(error):
            raise
        raise _refusal(error, Path(source), file_format) from error


def _check_beginning(source: Path, file_format: str) -> None:
    with source.open("rb") as file:
        beginning = file.read(4)
    if not beginning:
        raise unreadable("The file is empty.")
    for magic, name in COMPRESSED.items():
        if beginning.startswith(magic):
            raise unreadable(f"The file is compressed by {name}. Send it uncompressed.")
    if file_format == "parquet":
        if beginning != PARQUET:
            raise unreadable("The file is not Parquet.")
        return
    if beginning == PARQUET:
        raise unreadable("The file is Parquet: say so as its format.")
    check_text(source, file_format)


def _convert(database: duckdb.DuckDBPyConnection, source: str, file_format: str, path: str) -> dict[str, Any]:
    try:
        return _convert_sampled(database, source, file_format, path, SAMPLE)
    except (duckdb.ConversionException, duckdb.InvalidInputException):
        # a later row does not fit the type that the first ones showed: look at all of them
        Path(path).unlink(missing_ok=True)  # DuckDB would write beside what is there, where it may not
        return _convert_sampled(database, source, file_format, path, WHOLE_FILE)


def _convert_sampled(
    database: duckdb.DuckDBPyConnection, source: str, file_format: str, path: str, sample: int
) -> dict[str, Any]:
    reader = _reader(source, file_format, sample)
    found = database.execute(f"SELECT * FROM {reader} LIMIT 0").description or []  # noqa: S608 (quoted)
    if len(found) > MAX_COLUMNS:
        raise unreadable(f"The file has {len(found):,} columns; {MAX_COLUMNS:,} is the most.")
    if any("\0" in name for name, *_ in found):
        raise unreadable("The name of a column holds a character that is zero.")
    names = _names(name for name, *_ in found)
    columns = {name: column_type(kind) for name, (_, kind, *_) in zip(names, found, strict=True)}
    kept = _select_list((original for original, *_ in found), columns)
    selected = f"SELECT {kept} FROM {reader} AS {quote(RESULT)}"  # noqa: S608 (quoted)
    written = database.execute(f"COPY ({selected}) TO {literal(path)} (FORMAT parquet)").fetchone()
    return {"columns": words_of(columns), "row_count": int(written[0]) if written else 0}


def _reader(source: str, file_format: str, sample: int) -> str:
    match file_format:
        case "csv":
            options = f"sample_size = {sample}, max_line_size = {MAX_LINE_BYTES}, compression = 'none'"
            if delimiter := _delimiter(Path(source)):
                options += f", delim = {literal(delimiter)}"
            return f"read_csv({literal(source)}, {options})"
        case "ndjson":
            return (
                f"read_json({literal(source)}, format = 'newline_delimited', records = true, sample_size = {sample}, "
                f"maximum_object_size = {MAX_LINE_BYTES}, map_inference_threshold = -1, compression = 'uncompressed')"
            )
        case _:
            return f"read_parquet({literal(source)})"


def _delimiter(source: Path) -> str | None:
    """The one that the first line has most of, if any: left to itself, DuckDB takes ragged rows for one wide column."""
    with source.open("rb") as file:
        first = QUOTED.sub(b"", file.readline(MAX_HEADER_BYTES))
    delimiter = max(DELIMITERS, key=first.count)
    return delimiter.decode() if delimiter in first else None


def _select_list(originals: Iterable[str], columns: Columns) -> str:
    pairs: Iterator[tuple[str, tuple[str, ColumnType]]] = zip(originals, columns.items(), strict=True)
    return ", ".join(f"CAST({quote(original)} AS {kind.kept}) AS {quote(name)}" for original, (name, kind) in pairs)


def _names(originals: Iterable[str]) -> list[str]:
    """Names of BigQuery's characters, each once whatever its case."""
    names: list[str] = []
    taken: set[str] = set()
    for number, original in enumerate(originals, start=1):
        base = NOT_IN_A_NAME.sub("_", original).strip()[:MAX_NAME_LENGTH] or f"column_{number}"
        name, again = base, 0
        while name.lower() in taken:
            again += 1
            name = f"{base}_{again}"
        taken.add(name.lower())
        names.append(name)
    return names


def _refusal(error: duckdb.Error, source: Path, file_format: str) -> RefusedError:
    """In words of ours alone: DuckDB's name the file, and show what is in it."""
    text = str(error)
    cause = next((cause for sign, cause in CAUSES[file_format].items() if sign in text), UNTOLD[file_format])
    if cause == RAGGED and (found := find_ragged_line(source, _delimiter(source) or ",")):
        line, count, expected = found
        return unreadable(
            f"{_beginning(file_format, line)}: it has {_values(count)}, and the first {expected:,}. {QUOTE_IT}"
        )
    return unreadable(f"{_beginning(file_format, _line_in(text))}: {cause}")


def _beginning(file_format: str, line: int | None) -> str:
    return f"The file cannot be read as {file_format}{f' in line {line:,}' if line else ''}"


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count:,} values"


def _line_in(text: str) -> int | None:
    for sign, beginning in LINES.items():
        if line := sign.search(text):
            return int(line[1]) - beginning
    return None
