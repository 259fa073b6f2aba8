"""What pydantic says of a document, as problems with a JSON Pointer, a stable code and a sentence to act on."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from stepcall.domain.errors import Problem, list_names, shorten
from stepcall.domain.template import escape_pointer
from stepcall.domain.types import JsonType, describe_value

_TYPES: Mapping[str, JsonType] = {
    "string_type": JsonType.STRING,
    "int_type": JsonType.INTEGER,
    "int_from_float": JsonType.INTEGER,
    "float_type": JsonType.NUMBER,
    "finite_number": JsonType.NUMBER,
    "bool_type": JsonType.BOOLEAN,
    "dict_type": JsonType.OBJECT,
    "model_type": JsonType.OBJECT,
    "model_attributes_type": JsonType.OBJECT,
    "list_type": JsonType.ARRAY,
    "tuple_type": JsonType.ARRAY,
}


SYNONYMS: Mapping[str, str] = {
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "decimal": "number",
    "bool": "boolean",
    "str": "string",
    "list": "array",
    "dict": "object",
    "map": "object",
    "json": "object",
    "cron": "schedule",
    "rate": "schedule",
}
"""What other languages call our types."""


class Suggester:
    """Finds near misses. Comparing names is slow: a document gets `budget` comparisons, then no more suggestions."""

    def __init__(self, budget: int = 2000) -> None:
        self._budget = budget

    def __call__(self, name: str, known: Iterable[str]) -> str:
        """`; did you mean `html_content`?` for a near miss, capitals or not, else a full stop."""
        compared = list(islice(known, self._budget))
        self._budget -= len(compared)
        written = {each.casefold(): each for each in compared}
        near = difflib.get_close_matches(name[:64].casefold(), written, n=1, cutoff=0.7)
        return f"; did you mean `{written[near[0]]}`?" if near else "."


def problems_of(
    error: ValidationError,
    model: type[BaseModel],
    base: str = "",
    suggest: Suggester | None = None,
    *,
    by_alias: bool = False,
) -> Iterator[Problem]:
    """Each error as a problem; `base` is the JSON Pointer of the value that was validated."""
    suggest = suggest or Suggester()
    for detail in error.errors(include_url=False):
        location = base + "".join(f"/{escape_pointer(str(step))}" for step in detail["loc"])
        yield _problem_of(detail, _fields_beside(model, detail["loc"], by_alias=by_alias), location, suggest)


def _fields_beside(model: type[BaseModel], place: tuple[str | int, ...], *, by_alias: bool) -> list[str]:
    """The names that a model takes where the field of that place stands; none where that is not in a model."""
    for step in place[:-1]:
        names = {info.alias if by_alias and info.alias else name: name for name, info in model.model_fields.items()}
        info = model.model_fields.get(names.get(str(step), ""))
        kinds = [info.annotation, *get_args(info.annotation)] if info else []
        inner = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if inner is None:
            return []
        model = inner
    return [info.alias if by_alias and info.alias else name for name, info in model.model_fields.items()]


def field_problems(
    value: Any, model: type[BaseModel], name: str, location: str, suggest: Suggester
) -> Iterator[Problem]:
    """What is wrong with a value for one field of a model."""
    try:
        _field_adapter(model, name).validate_python(value)
    except ValidationError as exc:
        yield from problems_of(exc, model, location, suggest)


@cache
def _field_adapter(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    field = model.model_fields[name]
    strict = ConfigDict(strict=True, allow_inf_nan=False)
    return TypeAdapter(Annotated[field.annotation, field], config=strict)


def _problem_of(detail: ErrorDetails, fields: list[str], location: str, suggest: Suggester) -> Problem:
    kind, name = detail["type"], str(detail["loc"][-1]) if detail["loc"] else ""
    if kind == "missing":
        return Problem(location, "missing", f"`{name}` is missing.")
    if kind == "extra_forbidden":
        return Problem(location, "unknown_field", f"There is no field `{shorten(name)}`{suggest(name, fields)}")
    if kind in {"enum", "literal_error"}:
        expected, given = str(detail.get("ctx", {}).get("expected", "")).replace("'", "`"), detail["input"]
        choice = re.findall("`([^`]*)`", expected)
        near = suggest(SYNONYMS.get(given, given), choice) if isinstance(given, str) else "."
        message, got = f"This must be one of {expected}{near}", describe_value(given)
        return Problem(location, "unknown_value", message, list_names(choice), got)
    if wanted := _TYPES.get(kind):
        got = describe_value(detail["input"])
        if wanted is JsonType.INTEGER and isinstance(detail["input"], float):
            message = "This must be a whole number, written without a decimal point."
            return Problem(location, "wrong_type", message, wanted.value, got)
        return Problem(location, "wrong_type", f"This must be {wanted.words}, not {got}.", wanted.value, got)
    return Problem(location, "invalid_value", _sentence(detail["msg"]))


def _sentence(text: str) -> str:
    text = text.replace("String should match pattern", "This must match the pattern")
    text = text.replace("String should", "This should").replace("Input should", "This should")
    return text if text.endswith(".") else text + "."
