"""Holds answers of the Amperity face against both descriptions of it: the vendor's of 2024-04-01, and our own."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from amperity_api.describe import DOCUMENT
from tests.described_answers import DescribedAnswers

Json = dict[str, Any]
BASE_PATH = "/api"
RUNS_PATH = "/workflow/runs"
TOKEN_PATH = "/v0/oauth2/token"
VENDOR: Json = json.loads((Path(__file__).parent / "vendor" / "amperity_2024_04_01.swagger.json").read_text())
OWN: Json = json.loads(DOCUMENT.read_text(encoding="utf-8"))
REFUSALS = ("400", "401", "403", "404", "405", "409", "429", "500", "503")
"""What the face refuses with: contracts/amperity.md. The vendor lists fewer, and its 404 without a body."""


class Answered(Protocol):
    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case name."""

    @property
    def text(self) -> str: ...


AnswerT = TypeVar("AnswerT", bound=Answered)


def described(method: str, path: str, answer: AnswerT) -> AnswerT:
    """The answer to `/api/…`, when it is as both descriptions say. Raises AssertionError."""
    found = faults(method, path, answer)
    assert not found, found
    return answer


def faults(method: str, path: str, answer: Answered) -> list[str]:
    """What either description, or the contract's page on errors, says otherwise."""
    asked = path.partition("?")[0].removeprefix(BASE_PATH).rstrip("/")
    found = [f"our description: {fault}" for fault in _faults(OWN_DESCRIBED, method, asked, answer)]
    if asked.startswith(RUNS_PATH):
        found += [f"the vendor's: {fault}" for fault in _faults(VENDOR_DESCRIBED, method, asked, answer)]
    if answer.status >= 400 and asked != TOKEN_PATH:
        found += _refusal_faults(answer)
    return found


def _faults(documents: DescribedAnswers, method: str, path: str, answer: Answered) -> list[str]:
    return documents.faults(method, path, answer.status, answer.headers, answer.text)


def _refusal_faults(answer: Answered) -> Iterator[str]:
    """Also of paths and methods that no description has."""
    body = json.loads(answer.text)
    if body.keys() != {"status", "message"} or body["status"] != answer.status or not body["message"]:
        yield "the error is not {status, message}"
    if "amperity-request-id" not in answer.headers:
        yield "the error does not name its request"


def _as_openapi_3(swagger: Json) -> Json:
    """Swagger 2.0 in the shape that answers are held against."""
    schemas = json.loads(json.dumps(swagger["definitions"]).replace("#/definitions/", "#/components/schemas/"))
    paths: Json = {
        path: {method: _operation(operation["responses"]) for method, operation in item.items()}
        for path, item in swagger["paths"].items()
    }
    # it stands in the vendor's pages, not in its description; they answer the run
    run = swagger["paths"][RUNS_PATH + "/{workflow-id}"]["get"]["responses"]["200"]
    paths[RUNS_PATH]["post"] = _operation({"200": run, "201": run})
    return {"paths": paths, "components": {"schemas": schemas}}


def _operation(responses: Json) -> Json:
    known = {status: response["schema"] for status, response in responses.items() if "schema" in response}
    refusals = {status: {"$ref": "#/definitions/ErrorResponse"} for status in REFUSALS}
    return {"responses": {status: _response(schema) for status, schema in (refusals | known).items()}}


def _response(schema: Json) -> Json:
    name = schema["$ref"].rsplit("/", 1)[-1]
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


OWN_DESCRIBED = DescribedAnswers(OWN)
VENDOR_DESCRIBED = DescribedAnswers(_as_openapi_3(VENDOR))
