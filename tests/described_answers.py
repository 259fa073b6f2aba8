"""Holds answers against the description that the API gives of itself: status, type, headers, body, kind of problem."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

Json = dict[str, Any]
UNDESCRIBED = frozenset({401, 404, 405})  # what is answered where there is no route


class DescribedAnswers:
    def __init__(self, document: Json, undescribed: frozenset[int] = UNDESCRIBED) -> None:
        self._undescribed = undescribed
        self._components: Json = _closed(document["components"])
        self._paths = [(re.compile(_pattern(path)), path, item) for path, item in document["paths"].items()]
        # the path with most literal characters is the one that is meant
        self._paths.sort(key=lambda entry: (entry[1].count("{"), -len(entry[1])))

    def faults(self, method: str, path: str, status: int, headers: Mapping[str, str], text: str) -> list[str]:
        """What the description says otherwise. Header names are in lower case, the path may have a query."""
        operation = self._operation(method.lower(), path.partition("?")[0])
        if operation is None:
            return [] if status in self._undescribed else [f"{method} {path} is described nowhere"]
        if str(status) not in operation["responses"]:
            return [f"the status {status} is not described"]
        response = self._resolved(operation["responses"][str(status)])
        return [*_missing_headers(response, headers), *self._body_faults(response, headers, text)]

    def _operation(self, method: str, path: str) -> Json | None:
        for pattern, _, item in self._paths:
            if pattern.fullmatch(path):
                found: Json | None = item.get(method)
                return found
        return None

    def _body_faults(self, response: Json, headers: Mapping[str, str], text: str) -> Iterator[str]:
        content = response.get("content", {})
        media_type = headers.get("content-type", "").split(";")[0]
        if not content and not text:
            return
        if media_type not in content:
            yield f"the type {media_type} is not described"
            return
        if media_type.endswith("json"):
            value = json.loads(text)
            yield from self._schema_faults(value, content[media_type]["schema"])
            yield from _unnamed_problem(value, content[media_type])

    def _schema_faults(self, value: Any, schema: Json) -> Iterator[str]:
        document = {**schema, "components": self._components}
        validator = Draft202012Validator(document, format_checker=Draft202012Validator.FORMAT_CHECKER)
        for error in validator.iter_errors(value):
            yield f"{error.json_path}: {error.message[:400]}"

    def _resolved(self, response: Json) -> Json:
        if "$ref" not in response:
            return response
        named: Json = self._components["responses"][response["$ref"].rsplit("/", 1)[-1]]
        return named


def _missing_headers(response: Json, headers: Mapping[str, str]) -> Iterator[str]:
    for name, header in response.get("headers", {}).items():
        if header["required"] and name.lower() not in headers:
            yield f"the header {name} is missing"


def _unnamed_problem(value: Any, media: Json) -> Iterator[str]:
    """Each kind of problem that an operation answers has an example there."""
    if "examples" in media and isinstance(value, dict) and "type" in value:
        kind = value["type"].rpartition(":")[2]
        if kind not in media["examples"]:
            yield f"the problem {kind} is not described"


def _pattern(path: str) -> str:
    return "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[\w-]+\})", path))


def _closed(schema: Any) -> Any:
    """Every object without properties that are not described: clients may meet new ones, tests may not."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    is_object = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    return {"additionalProperties": False, **closed} if is_object else closed
