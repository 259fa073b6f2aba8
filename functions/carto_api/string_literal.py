"""GoogleSQL's string literals: in one or three of either quote, raw ones too, with their escape sequences.

Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#string_and_bytes_literals
"""

import re

from stepcall.domain.errors import StepcallError

STRING = re.compile(
    r"""
    ([rR]?)(?:
        '{3} ((?:[^\\']++ | \\. | '(?!''))*+) '{3}
      | "{3} ((?:[^\\"]++ | \\. | "(?!""))*+) "{3}
      | ' (?!'') ((?:[^\\'\r\n]++ | \\[^\r\n])*+) '
      | " (?!"") ((?:[^\\"\r\n]++ | \\[^\r\n])*+) "
    )""",
    re.VERBOSE | re.DOTALL,
)
ESCAPE = (
    r"""\\(?:([abfnrtv\\?"'`]) | ([0-3][0-7]{2}) | [xX]([0-9a-fA-F]{2}) | u([0-9a-fA-F]{4}) | U([0-9a-fA-F]{8}) | )"""
)
SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
OCTAL = 2
LINE_END = r"\r\n?"
LINE_END_OR_ESCAPE = re.compile(rf"{LINE_END} | {ESCAPE}", re.VERBOSE)


class IllegalEscapeError(StepcallError):
    """What follows a backslash means nothing; `position` is that of the backslash."""

    def __init__(self, position: int) -> None:
        super().__init__("Illegal escape sequence.")
        self.position = position


def read_string(literal: re.Match[str]) -> str:
    """The text of what STRING has matched; every line break in it is one character. Raises IllegalEscapeError."""
    group = next(number for number in range(2, 6) if literal[number] is not None)
    if literal[1]:
        return re.sub(LINE_END, "\n", literal[group])
    start = literal.start(group)
    return LINE_END_OR_ESCAPE.sub(lambda found: _text_of(found, start + found.start()), literal[group])


def _text_of(found: re.Match[str], position: int) -> str:
    if found[0].startswith("\r"):
        return "\n"
    if (simple := found[1]) is not None:
        return SIMPLE.get(simple, simple)
    kind = found.lastindex
    if kind is None:
        raise IllegalEscapeError(position)
    code = int(found[kind], 8 if kind == OCTAL else 16)
    if 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
        raise IllegalEscapeError(position)
    return chr(code)
