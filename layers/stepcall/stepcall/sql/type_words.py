"""BigQuery's words for the types of columns, such as `ARRAY<STRUCT<a INT64, b STRING>>`, read in linear time.

A grammar of its own: names of fields stand in them as people's files have them, and sqlglot would read those as SQL.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from sqlglot import exp

BIGQUERY = "bigquery"
MAX_DEPTH = 15
"""Of types in each other: BigQuery's own bound."""
_WORDS = "INT64 FLOAT64 NUMERIC BIGNUMERIC BOOL STRING BYTES DATE DATETIME TIME TIMESTAMP INTERVAL JSON GEOGRAPHY"
SCALARS = {word: exp.DataType.build(word, dialect=BIGQUERY).this for word in _WORDS.split()}
_PART = re.compile(
    r"\s*+(?:(?P<word>[^\W\d]\w*+)|`(?P<quoted>[^`\\]++)`|(?P<sign>[<>,])|(?P<size>\(\s*+\d++\s*+(?:,\s*+\d++\s*+)?\)))"
)
_Part = tuple[str, str]
"""What it is: `word`, `quoted`, `sign`, `size` or `end`; and its text."""


class _UnreadableError(Exception):
    """The text is no type that is known here."""


def read_type(text: str) -> exp.DataType:
    """UNKNOWN for what is no type of BigQuery's, or nests deeper than they do. Sizes, as in NUMERIC(9), are dropped."""
    try:
        return _Reader(text).read()
    except _UnreadableError:
        return exp.DataType(this=exp.DType.UNKNOWN)


def count_parts(text: str) -> int:
    """How many types stand in a type, itself one of them; at least that many."""
    return 1 + text.count("<") + text.count(",")


def _split(text: str) -> Iterator[_Part]:
    at = 0
    while at < len(text):
        found = _PART.match(text, at)
        if found is None or found.lastgroup is None:
            raise _UnreadableError
        if found.lastgroup != "size":
            yield found.lastgroup, found[found.lastgroup]
        at = found.end()
    yield "end", ""
    yield "end", ""


class _Reader:
    """Goes through a text once."""

    def __init__(self, text: str) -> None:
        self._pairs = pairwise(_split(text))
        self._part, self._following = next(self._pairs)

    def read(self) -> exp.DataType:
        kind = self._type(1)
        if self._part[0] != "end":
            raise _UnreadableError
        return kind

    def _advance(self) -> _Part:
        part = self._part
        self._part, self._following = next(self._pairs, (("end", ""), ("end", "")))
        return part

    def _require(self, sign: str) -> None:
        if self._advance() != ("sign", sign):
            raise _UnreadableError

    def _type(self, depth: int) -> exp.DataType:
        kind, text = self._advance()
        word = text.upper()
        if kind != "word" or depth > MAX_DEPTH:
            raise _UnreadableError
        if word in SCALARS:
            return exp.DataType(this=SCALARS[word], nested=False)
        if word not in {"ARRAY", "STRUCT"}:
            raise _UnreadableError
        self._require("<")
        inner = [self._type(depth + 1)] if word == "ARRAY" else self._fields(depth + 1)
        self._require(">")
        return exp.DataType(this=exp.DType[word], expressions=inner, nested=True)

    def _fields(self, depth: int) -> list[exp.Expr]:
        fields = [self._field(depth)]
        while self._part == ("sign", ","):
            self._advance()
            fields.append(self._field(depth))
        return fields

    def _field(self, depth: int) -> exp.Expr:
        """Its name may be missing."""
        if self._following[0] != "word":
            return self._type(depth)
        kind, name = self._advance()
        if kind not in {"word", "quoted"}:
            raise _UnreadableError
        return exp.ColumnDef(this=exp.to_identifier(name, quoted=kind == "quoted" or None), kind=self._type(depth))
