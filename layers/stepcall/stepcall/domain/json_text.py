"""JSON in and out, in one place: strict, exact for integers of any size, bounded in depth."""

import json
import math
from typing import Any

import pydantic_core

from stepcall.domain.errors import StepcallError

# made once: `json.dumps` makes one at every call that is not plain
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
JSON_BEGINS = ("{", "[", '"')
MAX_DEPTH = 201  # what the parser takes


class MalformedJsonError(StepcallError):
    """The text is not JSON (RFC 8259). The message says where."""


class NotJsonError(StepcallError):
    """The value has no JSON spelling: a number that is not finite, or half a surrogate pair."""


def read_json(text: bytes | str) -> Any:
    """The value of a JSON text, nested at most 201 deep. Raises MalformedJsonError with line and column."""
    try:
        value = pydantic_core.from_json(text, allow_inf_nan=False)
    except (ValueError, TypeError) as exc:  # TypeError: half a surrogate pair in a str
        raise MalformedJsonError(f"This is not JSON: {exc}.") from exc
    if _holds_infinity(value):
        raise MalformedJsonError("This JSON holds a number that is too large: numbers reach to about 1.8e308.")
    return value


def read_members(text: bytes | str) -> list[tuple[str, Any]] | None:
    """The members of a JSON object one by one, for who minds that a name stands there twice; None for other JSON.

    Objects in it are tuples of such pairs. Raises MalformedJsonError.
    """
    read_json(text)  # strict, and silent about what stands there twice
    try:
        pairs = json.loads(text, object_pairs_hook=tuple)
    except ValueError as exc:
        raise MalformedJsonError("This JSON holds a number of more digits than can be read.") from exc
    return list(pairs) if isinstance(pairs, tuple) else None


def is_meant_as_json(text: str) -> bool:
    """By how it begins, where a form may stand as well: real clients label JSON as forms."""
    return text.startswith(JSON_BEGINS)


def _holds_infinity(value: Any) -> bool:
    """Whether a number overflowed: the parser reads `1e400` as infinity."""
    ahead = [value]
    while ahead:
        kind = type(value := ahead.pop())
        if kind is float and math.isinf(value):
            return True
        if kind is list:
            ahead.extend(value)
        elif kind is dict:
            ahead.extend(value.values())
    return False


def write_json(value: Any) -> str:
    """The shortest JSON text of a value, which `read_json` can read again. Raises NotJsonError."""
    try:
        text = _encode(value)
        text.encode()
    except (TypeError, ValueError, RecursionError) as exc:
        raise NotJsonError("The value holds what JSON cannot say, such as a number that is not finite.") from exc
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _refuse_deep(text)
    return text


def write_canonical_json(value: Any) -> str:
    """One text for equal JSON, in whatever order its keys are. `1`, `1.0` and `true` are not equal, as in Python."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)


def print_json(value: Any) -> str:
    """The JSON text of an answer: it may nest deeper than `read_json` reads, for it wraps what was read."""
    return _encode(value)


def _refuse_deep(text: str) -> None:
    try:
        read_json(text)
    except MalformedJsonError as exc:
        raise NotJsonError(f"The value nests more than {MAX_DEPTH} deep.") from exc
