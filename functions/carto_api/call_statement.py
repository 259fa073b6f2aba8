"""The CALL statement: a grammar of its own, for what parses all of SQL is too heavy for this face's cold start.

One statement, read from left to right by patterns that never look back, so that a megabyte takes linear time:
    CALL name ( [argument {, argument}] ) [;]
    argument: @name | ? | [+|-] number | string | JSON string | TRUE | FALSE | NULL
Between its words stand spaces, line breaks and comments (`--`, `#`, `/* */`).
Source: GoogleSQL's lexical structure and syntax, https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical
"""

import re
from math import isinf
from typing import Any

from carto_api.string_literal import STRING, IllegalEscapeError, read_string
from stepcall.domain.errors import StepcallError
from stepcall.domain.json_text import MalformedJsonError, read_json
from stepcall.domain.procedure_call import Argument, Call, Place

SPACE = re.compile(r"(?:[ \t\r\n\f\u00a0]++|(?:--|\#)[^\r\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)*+")
ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
LINE_END = re.compile(r"\r\n|\r|\n")
WORD_END = r"(?![A-Za-z0-9_])"
CALL = re.compile(rf"CALL{WORD_END}", re.IGNORECASE)
SELECT = re.compile(rf"(?:SELECT|WITH){WORD_END}", re.IGNORECASE)
QUOTED_NAME = re.compile(r"`([^`\\\r\n]+)`")
PROJECT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+(?:-[A-Za-z0-9_]++)*+")
PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+")
PARAMETER = re.compile(r"@(?:`([^`\\\r\n]+)`|([A-Za-z_][A-Za-z0-9_]*+))")
POSITION = re.compile(r"\?")
KEYWORD = re.compile(rf"(?:(TRUE)|(FALSE)|(NULL)){WORD_END}", re.IGNORECASE)
JSON = re.compile(rf"JSON{WORD_END}", re.IGNORECASE)
SIGN = re.compile(r"[+-]")
NUMBER = re.compile(
    rf"(?:(0[xX][0-9a-fA-F]++)|((?:[0-9]++\.[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?|[0-9]++[eE][+-]?[0-9]++)|([0-9]++))"
    rf"{WORD_END}"
)
LONGEST_INTEGER = 4000  # digits that Python reads at all; INT64 has 19
INT64 = 2**63
DOT, OPEN, CLOSE, COMMA, SEMICOLON = (re.compile(re.escape(sign)) for sign in ".(),;")


class CallSyntaxError(StepcallError):
    """The text is not one CALL of one procedure: `Syntax error: … at [line:column]`."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(f"Syntax error: {message} at {place}")
        self.place = place


def is_call(text: str) -> bool:
    """Whether the statement begins with CALL."""
    return CALL.match(text, _end_of_space(text, 0)) is not None


def is_select(text: str) -> bool:
    """Whether the statement begins as SELECTs do."""
    return SELECT.match(text, _end_of_space(text, 0)) is not None


def read_call(text: str) -> Call:
    """Raises CallSyntaxError."""
    return _Reader(text).read()


def _end_of_space(text: str, position: int) -> int:
    space = SPACE.match(text, position)
    return space.end() if space else position


class _Reader:
    """Goes through a text once; `_at` is where it is, `_line` and `_line_start` belong to the last place asked for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counted = 0
        self._line, self._line_start = 1, 0
        self._positions = 0
        self._has_names = False

    def read(self) -> Call:
        self._check_characters()
        start = self._next()
        if not self._take(CALL):
            raise self._expected("CALL")
        name = self._name()
        if not self._take(OPEN):
            raise self._expected("`(` and the arguments")
        arguments = self._arguments()
        end = self._place(self._at - 1)
        self._take(SEMICOLON)
        self._next()
        if self._at < len(self._text):
            raise self._expected("the end of the input, for one statement is run")
        return Call(name, arguments, start, end)

    def _arguments(self) -> tuple[Argument, ...]:
        """Up to and with the closing parenthesis."""
        if self._take(CLOSE):
            return ()
        found = [self._argument()]
        while self._take(COMMA):
            found.append(self._argument())
        if not self._take(CLOSE):
            raise self._expected("`,` or `)`")
        return tuple(found)

    def _name(self) -> str:
        parts = [self._name_part(PROJECT_NAME)]
        while self._take(DOT):
            parts.append(self._name_part(PLAIN_NAME))
        return ".".join(parts)

    def _name_part(self, plain: re.Pattern[str]) -> str:
        if quoted := self._take(QUOTED_NAME):
            return quoted[1]
        if found := self._take(plain):
            return found[0]
        raise self._expected("the name of a procedure")

    def _argument(self) -> Argument:
        place = self._next()
        if named := self._take(PARAMETER):
            self._has_names = True
            self._check_one_kind(place)
            return Argument(place, parameter=named[1] or named[2])
        if self._take(POSITION):
            self._positions += 1
            self._check_one_kind(place)
            return Argument(place, parameter=self._positions - 1)
        return Argument(place, self._literal(place))

    def _check_one_kind(self, place: Place) -> None:
        if self._has_names and self._positions:
            raise CallSyntaxError("Named and positional parameters may not be mixed", place)

    def _literal(self, place: Place) -> Any:
        if keyword := self._take(KEYWORD):
            return (True, False, None)[(keyword.lastindex or 1) - 1]
        if self._take(JSON):
            return self._json(place)
        if string := self._take(STRING):
            return self._string(string)
        return self._number(place)

    def _number(self, place: Place) -> int | float:
        sign = self._take(SIGN)
        number = self._take(NUMBER)
        if not number:
            raise self._expected("a parameter or a literal")
        value = _number_of(number, -1 if sign and sign[0] == "-" else 1)
        if value is None:
            kind = "floating point" if number[2] else "integer"
            raise CallSyntaxError(f"Invalid {kind} literal, for it is out of range", place)
        return value

    def _json(self, place: Place) -> Any:
        string = self._take(STRING)
        if not string:
            raise self._expected("a string literal after JSON")
        try:
            return read_json(self._string(string))
        except MalformedJsonError as exc:
            raise CallSyntaxError("Invalid JSON literal", place) from exc

    def _string(self, literal: re.Match[str]) -> str:
        try:
            return read_string(literal)
        except IllegalEscapeError as exc:
            raise CallSyntaxError("Illegal escape sequence", self._place(exc.position)) from exc

    def _check_characters(self) -> None:
        if found := ILLEGAL.search(self._text):
            raise CallSyntaxError("Illegal input character", self._place(found.start()))

    def _next(self) -> Place:
        """Where the next word begins."""
        self._at = _end_of_space(self._text, self._at)
        return self._place(self._at)

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self._at = _end_of_space(self._text, self._at)
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found

    def _expected(self, what: str) -> CallSyntaxError:
        place, rest = self._next(), self._text[self._at : self._at + 3]
        if rest.startswith("/*"):
            return CallSyntaxError("Unclosed comment", place)
        if rest.startswith("`"):
            return CallSyntaxError("Unclosed or empty identifier", place)
        if rest.lower().startswith(("'", '"', "r'", 'r"')):
            return CallSyntaxError("Unclosed string literal", place)
        return CallSyntaxError(f"Expected {what}{'' if rest else ' but got end of script'}", place)

    def _place(self, position: int) -> Place:
        """Counts lines on from the last place: places are asked for from left to right."""
        for end in LINE_END.finditer(self._text, self._counted, position):
            self._line, self._line_start = self._line + 1, end.end()
        self._counted = max(self._counted, position)
        return Place(self._line, position - self._line_start + 1)


def _number_of(literal: re.Match[str], sign: int) -> int | float | None:
    """None for one that INT64 or FLOAT64 cannot hold."""
    hexadecimal, real, decimal = literal.groups()
    if real:
        value = sign * float(real)
        return None if isinf(value) else value
    digits = hexadecimal or decimal
    if len(digits) > LONGEST_INTEGER:
        return None
    whole = sign * int(digits, 16 if hexadecimal else 10)
    return whole if -INT64 <= whole < INT64 else None
