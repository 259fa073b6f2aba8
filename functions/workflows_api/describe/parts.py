"""The parts that descriptions are put together from: OpenAPI 3.1 as plain values."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from stepcall.domain.access import MissingScopeError
from stepcall.domain.generation import Generation
from stepcall.runtime.authentication import TokensUnavailableError, UnauthenticatedError
from stepcall.runtime.http import AwsUnavailableError
from workflows_api.problems import ANSWERS, BUG, PROBLEM_JSON, Answer

Json = dict[str, Any]


class Spelling(NamedTuple):
    pattern: str
    example: str


JSON = "application/json"
WORKFLOW_ID = r"wf-[0-9a-z]{25}"
EXECUTION_ID = r"ex-[0-9a-z]{25}"
TRIGGER_ID = r"tr-[0-9a-z]{25}"
LATER_EXECUTION_ID = r"we-[0-9a-z]{25}"
JOB_ID = r"job_[0-9A-Za-z]{28}"
EXECUTION_IDS: Mapping[Generation, Spelling] = {
    Generation.FIRST: Spelling(EXECUTION_ID, "ex-03h9x0v1mh2j8c5d7k4q6s8tz"),
    Generation.LATER: Spelling(LATER_EXECUTION_ID, "we-03h9x0v1mh2j8c5d7k4q6s8tz"),
}
PREFIXES: Mapping[Generation, str] = {Generation.FIRST: "", Generation.LATER: "Later"}
"""How the names of schemas begin that are not the same in both generations."""
UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
RETRY_AFTER = {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer", "minimum": 0}}
PROBLEM_HEADERS: Mapping[str, Json] = {
    "WWW-Authenticate": {"description": "The scheme to use.", "required": True, "schema": {"type": "string"}},
    "Retry-After": RETRY_AFTER,
}
OF_STRANGERS = (UnauthenticatedError, TokensUnavailableError, MissingScopeError, AwsUnavailableError)
"""What every route answers that is not open to everybody."""
OPENAPI = "3.1.0"
SERVERS: list[Json] = [{"url": "/", "description": "The service that answered this document."}]
SECURITY: list[Json] = [{"apiKey": []}, {"bearer": []}, {"accessToken": []}]
SECURITY_SCHEMES: Json = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "An API key, `sc_…`."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same key, or a token of `POST /oauth/token`."},
    "accessToken": {
        "type": "apiKey",
        "in": "query",
        "name": "access_token",
        "description": "The same key in the query, for clients that cannot set a header.",
    },
}


def ref(name: str, kind: str = "schemas") -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def body_of(schema: Json, media_type: str = JSON, **more: Any) -> Json:
    return {media_type: {"schema": schema, **more}}


def answer(description: str, schema: Json | None = None, headers: Mapping[str, Json] | None = None) -> Json:
    """A response; without a schema it has no body."""
    return {
        "description": description,
        **({"headers": dict(headers)} if headers else {}),
        **({"content": body_of(schema)} if schema is not None else {}),
    }


def header(description: str, *, required: bool = False, schema: Json | None = None) -> Json:
    return {"description": description, "required": required, "schema": schema or {"type": "string"}}


SHARED_RESPONSES: Json = {
    "TooManyRequests": answer("Too many requests, in the gateway's words.", ref("GatewayMessage")),
}


def path_parameter(name: str, description: str, pattern: str, example: str) -> Json:
    schema = {"type": "string", "pattern": f"^({pattern})$"}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


def header_parameter(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def query_parameters(model: type[BaseModel], descriptions: Mapping[str, str]) -> list[Json]:
    """The fields of a query's model, which says what is taken; each needs a description."""
    schema = model.model_json_schema()
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": descriptions[name],
            "schema": _query_schema(field, schema.get("$defs", {})),
        }
        for name, field in schema["properties"].items()
    ]


def problem_answers(errors: Iterable[type[Exception]], *, public: bool = False) -> Json:
    """A response for each status that these errors are answered with, by the map that answers them."""
    known = (
        [ANSWERS[error] for error in errors] + ([] if public else [ANSWERS[error] for error in OF_STRANGERS]) + [BUG]
    )
    return {
        str(status.value): _problem_answer([answer for answer in known if answer.status is status])
        for status in sorted({answer.status for answer in known})
    }


def problem_examples() -> Json:
    """Every problem that is answered, by the last part of its `type`."""
    return {answer.type: _example(answer) for answer in (*ANSWERS.values(), BUG)}


def _problem_answer(answers: list[Answer]) -> Json:
    names = {name for answer in answers for name in answer.headers}
    # one response for several kinds of error: a header that not all of them have is not always there
    headers = {
        name: PROBLEM_HEADERS[name] | {"required": all(name in answer.headers for answer in answers)}
        for name in sorted(names)
    }
    examples = {answer.type: ref(answer.type, "examples") for answer in answers}
    return {
        "description": "; ".join(dict.fromkeys(answer.title for answer in answers)) + ".",
        **({"headers": headers} if headers else {}),
        "content": body_of(ref("Problem"), PROBLEM_JSON, examples=examples),
    }


def _example(answer: Answer) -> Json:
    return {
        "summary": answer.title,
        "value": {
            "type": f"urn:stepcall:problem:{answer.type}",
            "title": answer.title,
            "status": answer.status.value,
            "detail": answer.detail or f"{answer.title}.",
            "instance": "urn:stepcall:request:JKJaXmPLvHcESHA=",
        },
    }


def _query_schema(field: Json, definitions: Json) -> Json:
    """As it stands in a query, where null is said by leaving the name out."""
    [schema] = [kind for kind in field.get("anyOf", [field]) if kind != {"type": "null"}]
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    left_out = {"title", "description"} | ({"default"} if field.get("default") is None else set())
    default = {"default": field["default"]} if field.get("default") is not None else {}
    return {key: value for key, value in schema.items() if key not in left_out} | default
