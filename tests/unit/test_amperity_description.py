"""Our description of the Amperity face against its routes and the vendor's facts, and what holds answers to both."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from amperity_api.admission import VERSIONS
from amperity_api.app import ACCESS, app
from amperity_api.requests import TIMES
from amperity_api.timestamps import TIMESTAMP
from stepcall.domain.errors import ErrorReason
from stepcall.domain.run_mode import RunMode
from tests.amperity_description import BASE_PATH, OWN, RUNS_PATH, VENDOR, faults

SCHEMAS = OWN["components"]["schemas"]
OPERATIONS = {
    (method.upper(), path): operation for path, item in OWN["paths"].items() for method, operation in item.items()
}
VENDOR_OPERATIONS = {
    (method.upper(), path): operation for path, item in VENDOR["paths"].items() for method, operation in item.items()
}
RUN = {
    "id": "wf-20261121-64842-000000000000000",
    "tenant": "local",
    "type": "courier.group/run",
    "name": "Daily",
    "state": "succeeded",
    "created_at": "2026-11-21T18:00:42.123Z",
}
TASK = {
    "id": "wft-20261121-64842-000000000000000-1",
    "tenant": "local",
    "workflow_id": RUN["id"],
    "task_definition_id": "wf-0000000000000000000000000/a",
    "task_definition_type": "Data.Transform",
    "label": "Data.Transform",
    "state": "succeeded",
    "created_at": "2026-11-21T18:00:42.123Z",
}
REFUSAL = {"status": 400, "message": "Say which workflow."}


@dataclass(frozen=True)
class Answer:
    body: Any
    status: int = 200
    headers: dict[str, str] = field(
        default_factory=lambda: {"content-type": "application/json", "amperity-request-id": "JKJaXmPLvHcESHA="}
    )

    @property
    def text(self) -> str:
        return json.dumps(self.body)


def nameless(path: str) -> str:
    """A path whose parameters have no names, as the framework spells them otherwise."""
    return re.sub(r"<\w+>|\{[\w-]+\}", "{}", path)


def test_both_descriptions_are_what_they_say_they_are() -> None:
    validate(OWN)
    validate(VENDOR)
    assert (OWN["openapi"], VENDOR["swagger"]) == ("3.1.0", "2.0")
    assert OWN["info"]["version"] == VENDOR["info"]["version"]
    assert [server["url"] for server in OWN["servers"]] == [VENDOR["basePath"]] == [BASE_PATH]


def test_routes_and_paths_are_the_same_set() -> None:
    routes = {(route.method, nameless(route.path)) for route in app._static_routes + app._dynamic_routes}
    assert {(method, nameless(BASE_PATH + path)) for method, path in OPERATIONS} == routes


def test_an_operation_is_open_exactly_when_its_route_is_and_says_which_scope_it_needs() -> None:
    scopes = {nameless(route): scope for route, scope in ACCESS.items()}
    assert len(scopes) == len(OPERATIONS)
    for (method, path), operation in OPERATIONS.items():
        scope = scopes[nameless(f"{method} {BASE_PATH}{path}")]
        assert (operation.get("security") == []) == (scope is None)
        assert (f"`{scope}`" in operation.get("description", "")) == (scope is not None)


def test_ours_has_every_operation_and_parameter_of_the_vendors() -> None:
    for named, operation in VENDOR_OPERATIONS.items():
        ours = {(each["name"], each["in"]): each for each in map(resolved, OPERATIONS[named]["parameters"])}
        for parameter in operation["parameters"]:
            mine = ours[parameter["name"], parameter["in"]]
            assert (mine["required"], mine["schema"]["type"]) == (parameter["required"], parameter["type"])
    assert {path for _, path in VENDOR_OPERATIONS} < {path for _, path in OPERATIONS}


def resolved(parameter: Any) -> Any:
    name = parameter.get("$ref", "").rsplit("/", 1)[-1]
    return OWN["components"]["parameters"][name] if name else parameter


@pytest.mark.parametrize("name", VENDOR["definitions"])
def test_what_our_schema_allows_the_vendors_does(name: str) -> None:
    ours, theirs = SCHEMAS[name], VENDOR["definitions"][name]
    assert ours["type"] == theirs["type"] == "object"
    # `{}` and `true` are the same schema
    assert ours["additionalProperties"] == (theirs["additionalProperties"] or theirs["additionalProperties"] == {})
    assert ours.get("properties", {}).keys() == theirs.get("properties", {}).keys()
    assert set(ours.get("required", [])) >= set(theirs.get("required", []))
    for key, value in theirs.get("properties", {}).items():
        assert core_of(ours["properties"][key]) == core_of(value), key


def core_of(schema: Any) -> Any:
    """Type, format, items and the name of what is referred to: what ours may only narrow stands beside these."""
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[-1]
    return schema["type"], schema.get("format"), core_of(schema["items"]) if "items" in schema else None


def test_our_schema_asks_for_all_that_the_contract_says_is_always_there() -> None:
    assert set(SCHEMAS["Workflow"]["required"]) == {"id", "state", "type", "name", "tenant", "created_at"}


def test_the_pattern_of_a_time_is_what_the_face_reads() -> None:
    query = {
        each["name"]: each["schema"].get("pattern")
        for each in map(resolved, OPERATIONS["GET", RUNS_PATH]["parameters"])
    }
    start = SCHEMAS["StartRequest"]["properties"]
    patterns = {query[name] for name in TIMES} | {start[name]["pattern"] for name in ("range_from", "range_to")}
    [pattern] = patterns

    @given(st.one_of(st.from_regex(pattern, fullmatch=True), st.from_regex(TIMESTAMP, fullmatch=True)))
    def same(text: str) -> None:
        assert bool(re.fullmatch(pattern, text, re.ASCII)) == bool(TIMESTAMP.fullmatch(text))

    same()


def allows(name: str, fields: Any) -> bool:
    schema = {"$ref": f"#/components/schemas/{name}", "components": OWN["components"]}
    return Draft202012Validator(schema).is_valid(fields)


def test_a_field_may_be_null_in_json_and_in_no_form() -> None:
    bare = {"config_id": "cg"}
    for request, form, sent in (("StartRequest", "StartForm", bare), ("StopRequest", "StopForm", {})):
        assert SCHEMAS[request]["properties"].keys() == SCHEMAS[form]["properties"].keys()
        for name in SCHEMAS[request]["properties"].keys() - bare.keys():
            assert (allows(request, sent | {name: None}), allows(form, sent | {name: None})) == (True, False)
    assert [allows(name, bare | {"run_mode": "all"}) for name in ("StartRequest", "StartForm")] == [False, False]
    media = OPERATIONS["POST", RUNS_PATH]["requestBody"]["content"]
    assert [core_of(each["schema"]) for each in media.values()] == ["StartRequest", "StartForm"]


def test_words_to_choose_from_have_one_name_and_null_is_none_of_them() -> None:
    """Generators make a class of each list of words, and three of one with null in it."""
    assert SCHEMAS["RunMode"]["enum"] == [mode.value for mode in RunMode]
    assert SCHEMAS["ApiVersion"]["enum"] == list(VERSIONS)
    assert all(None not in words for words in lists_of_words(OWN))


def lists_of_words(document: Any) -> Iterator[list[Any]]:
    if isinstance(document, dict):
        if isinstance(document.get("enum"), list):
            yield document["enum"]
        document = list(document.values())
    if isinstance(document, list):
        for each in document:
            yield from lists_of_words(each)


def test_all_reasons_of_errors_are_described() -> None:
    told = SCHEMAS["WorkflowErrorData"]["description"]
    assert {reason.value for reason in ErrorReason if reason.value in told} == set(ErrorReason)


def test_examples_fit_their_schemas() -> None:
    media = OPERATIONS["POST", RUNS_PATH]["requestBody"]["content"]
    for each in media.values():
        schema = {**each["schema"], "components": OWN["components"]}
        for example in each["examples"].values():
            Draft202012Validator(schema).validate(example["value"])
    assert set(media) == {"application/json", "application/x-www-form-urlencoded"}


def test_an_answer_as_both_describe_it_has_no_faults() -> None:
    path = f"/api{RUNS_PATH}"
    assert faults("GET", f"{path}/x/?view=verbose", Answer(RUN | {"task_instances": [TASK]})) == []
    assert faults("GET", path, Answer({"data": [RUN], "total": 1})) == []
    assert faults("POST", path, Answer(RUN)) == faults("POST", path, Answer(RUN, 201)) == []
    assert faults("POST", f"{path}/x/stop", Answer(REFUSAL | {"status": 409}, 409)) == []
    for status in (401, 404, 405):
        assert faults("GET", "/api/no/such/route", Answer(REFUSAL | {"status": status}, status)) == []


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (RUN | {"started_at": RUN["created_at"]}, "started_at"),
        (RUN | {"ended_at": None}, "ended_at"),
        (RUN | {"created_at": "yesterday"}, "created_at"),
        (RUN | {"error": {"type": "stepcall.workflow/cancel"}}, "error"),
        (RUN | {"error": {"type": "a", "message": "b", "reason": "c"}}, "error"),
        (RUN | {"task_instances": [TASK | {"started_at": TASK["created_at"]}]}, "started_at"),
        (RUN | {"task_instances": [TASK | {"timeout_ms": "1"}]}, "timeout_ms"),
        ({key: value for key, value in RUN.items() if key != "tenant"}, "tenant"),
    ],
)
def test_both_see_a_field_too_many_or_too_few_or_of_another_type(body: Any, word: str) -> None:
    found = faults("GET", f"/api{RUNS_PATH}/x", Answer(body))
    assert [fault.partition(":")[0] for fault in found] == ["our description", "the vendor's"]
    assert all(word in fault for fault in found)


def test_an_answer_of_a_path_that_is_described_nowhere_is_a_fault() -> None:
    assert faults("GET", "/api/no/such/route", Answer(RUN)) == [
        "our description: GET /no/such/route is described nowhere"
    ]


def test_a_last_page_has_no_token_that_is_null() -> None:
    assert len(faults("GET", f"/api{RUNS_PATH}", Answer({"data": [], "next_token": None}))) == 2


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(REFUSAL | {"request_id": "x"}, 400), "the error is not {status, message}"),
        (Answer(REFUSAL, 404), "the error is not {status, message}"),
        (Answer(REFUSAL, 400, {"content-type": "application/json"}), "the error does not name its request"),
    ],
)
def test_an_error_in_any_other_form_is_a_fault(answer: Answer, fault: str) -> None:
    assert fault in faults("GET", f"/api{RUNS_PATH}/x", answer)
