"""The fields of a body or of a query. Real clients send JSON, forms, and JSON that they call a form."""

import codecs
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import parse_qsl

from stepcall.domain.errors import list_names, shorten
from stepcall.domain.json_text import is_meant_as_json, read_members
from stepcall.domain.types import describe_value
from stepcall.runtime.http import InvalidRequestError

MAX_FIELDS = 100
NEITHER = "The body is neither a JSON object nor a form of `name=value` with `&` between them."


def read_body_fields(body: bytes, known: Sequence[str]) -> dict[str, str]:
    """What the body says of the fields that there are; those that are null in JSON or empty in a form are not given.

    Raises InvalidRequestError, MalformedJsonError.
    """
    pairs = _read_pairs(_read_text(body))
    if unknown := list(dict.fromkeys(name for name, _ in pairs if name not in known)):
        names = list_names(f"`{shorten(name)}`" for name in unknown)
        raise InvalidRequestError(f"The body has fields that there are not: {names}. It may have {', '.join(known)}.")
    return {name: _text(name, value) for name, value in _once(pairs).items() if value is not None}


def read_query_fields(raw_query: str, known: Iterable[str]) -> dict[str, str]:
    """What the URL says of the parameters that there are; others and empty ones are ignored.

    Raises InvalidRequestError.
    """
    try:
        pairs = parse_qsl(raw_query, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as exc:
        message = f"The URL has more than {MAX_FIELDS} parameters, or one that is not UTF-8."
        raise InvalidRequestError(message) from exc
    return _once([(name, value) for name, value in pairs if name in known])


def _read_text(body: bytes) -> str:
    try:
        return body.removeprefix(codecs.BOM_UTF8).decode().strip()
    except UnicodeDecodeError as exc:
        raise InvalidRequestError("The body is not UTF-8 text.") from exc


def _read_pairs(text: str) -> list[tuple[str, Any]]:
    """By how it begins, whatever it is labelled as."""
    if not text:
        return []
    if not is_meant_as_json(text):
        return _read_form(text)
    if (pairs := read_members(text)) is None:
        raise InvalidRequestError("The body is JSON, and no object: send one with the fields as its keys.")
    return pairs


def _read_form(text: str) -> list[tuple[str, Any]]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as exc:
        raise InvalidRequestError(NEITHER) from exc
    if not all(name.isprintable() for name, _ in pairs):  # multipart is read as one field: its lines are no name
        raise InvalidRequestError(NEITHER)
    return [(name, value or None) for name, value in pairs]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        twice = list_names(f"`{name}`" for name in fields if names.count(name) > 1)
        raise InvalidRequestError(f"Sent more than once: {twice}. Send each once.")
    return fields


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        kind = "an object" if isinstance(value, tuple) else describe_value(value)
        raise InvalidRequestError(f"`{name}` must be text, not {kind}.")
    return value
