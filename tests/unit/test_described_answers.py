"""What holds answers against their description sees what is not as described."""

import json

import pytest

from tests.described_answers import DescribedAnswers
from workflows_api.describe.api import describe_api

DESCRIBED = DescribedAnswers(describe_api())
JSON = {"content-type": "application/json"}
PROBLEM = {"content-type": "application/problem+json"}
CREATED = {"workflow_id": "wf-" + "0" * 25, "workflow_version": 1}
NOT_FOUND = {
    "type": "urn:stepcall:problem:workflow-not-found",
    "title": "",
    "status": 404,
    "detail": "",
    "instance": "a:b",
}


def faults(body: object, *, method: str = "POST", path: str = "/workflows", status: int = 201) -> list[str]:
    sent = {**(JSON if status < 400 else PROBLEM), "location": "/x", "etag": '"1"'}
    return DESCRIBED.faults(method, path, status, sent, json.dumps(body))


def test_an_answer_as_described_has_no_faults() -> None:
    assert faults(CREATED) == []
    assert faults(NOT_FOUND, method="GET", path="/workflows/x?version=1", status=404) == []
    assert DESCRIBED.faults("DELETE", "/workflows/x", 204, {"content-type": "text/plain"}, "") == []
    assert faults({}, method="GET", path="/no/such/route", status=401) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (CREATED | {"more": 1}, "more"),
        ({"workflow_id": CREATED["workflow_id"]}, "workflow_version"),
        (CREATED | {"workflow_version": "1"}, "workflow_version"),
    ],
)
def test_a_field_too_many_or_too_few_or_of_another_type_is_a_fault(body: object, fault: str) -> None:
    [found] = faults(body)
    assert fault in found


def test_another_status_type_header_or_problem_is_a_fault() -> None:
    assert faults(CREATED, status=202) == ["the status 202 is not described"]
    html = {"content-type": "text/html", "location": "/x", "etag": '"1"'}
    assert DESCRIBED.faults("POST", "/workflows", 201, html, "<p>") == ["the type text/html is not described"]
    assert DESCRIBED.faults("POST", "/workflows", 201, JSON, json.dumps(CREATED)) == [
        "the header Location is missing",
        "the header ETag is missing",
    ]
    assert faults(NOT_FOUND, method="GET", path="/jobs/x", status=404) == [
        "the problem workflow-not-found is not described"
    ]
    assert faults({}, method="GET", path="/no/such/route", status=200) == ["GET /no/such/route is described nowhere"]
