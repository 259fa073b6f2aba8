"""Workflows that change: PUT, DELETE, versions and lists over HTTP. Contract: data-flow-platform.md."""

import threading
import time
import uuid
from collections import Counter
from typing import Any
from urllib.parse import quote

import boto3
import pytest

from local.stack import LocalStack
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from stepcall.stores.workflow_store import LATEST_LEASE_SECONDS
from tests.api_keys import api_key
from tests.functional.conftest import Answer, Api
from tests.functional.test_native_face import light

NOBODYS = "/workflows/wf-0000000000000000000000000"


def definition(answer: Any = 1, name: str = "test", **more: Any) -> dict[str, Any]:
    """A workflow whose executions put out `answer`."""
    output = [{"name": "answer", "type": "object", "value": {"is": "{{refs.only.output.result}}"}}]
    return {"name": name, "tasks": [light("only", "$", answer)], "output": output, **more}


@pytest.fixture
def path(api: Api) -> str:
    """A workflow at version 1."""
    created = api("POST", "/workflows", definition())
    assert (created.status, created.headers["etag"]) == (201, '"1"')
    return created.headers["location"]


def answered(api: Api, path: str) -> Any:
    """What an execution that starts now puts out."""
    execution = api("POST", f"{path}/execute", headers={"prefer": "wait=25"})
    assert execution.status == 200, execution.text
    return execution.json["output"]["answer"]["is"], execution.json["workflow_version"]


def found(api: Api, query: str) -> list[dict[str, Any]]:
    """A list to its end, page by page."""
    workflows, token = [], ""
    while True:
        page = api("GET", f"/workflows?{query}{token}")
        assert page.status == 200, page.text
        workflows += page.json["workflows"]
        if "next_token" not in page.json:
            return workflows
        token = f"&next_token={page.json['next_token']}"


def at_once(calls: list[Any]) -> list[Answer]:
    """Each call in a thread of its own, all let go together."""
    gate, answers = threading.Barrier(len(calls)), list[Answer | None]([None] * len(calls))

    def run(index: int) -> None:
        gate.wait()
        answers[index] = calls[index]()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answer for answer in answers if answer]


def test_a_definition_that_is_put_is_the_next_version_and_runs_at_once(api: Api, path: str) -> None:
    assert answered(api, path) == (1, 1)
    put = api("PUT", path, definition(2))
    assert put.status == 200
    assert put.json == {"workflow_id": path.removeprefix("/workflows/"), "workflow_version": 2}
    assert put.headers["etag"] == '"2"'
    assert answered(api, path) == (2, 2)


def test_a_workflow_keeps_its_age_over_its_versions(api: Api, path: str) -> None:
    first = api("GET", path)
    assert first.json["created_at"] == first.json["updated_at"]
    api("PUT", path, definition(2, description="Now with words."))
    second = api("GET", path)
    assert second.headers["etag"] == '"2"'
    assert second.json["created_at"] == first.json["created_at"] < second.json["updated_at"]
    assert second.json["description"] == "Now with words."
    assert (second.json["workflow_version"], second.json["tasks"][0]["input"]["data"]) == (2, 2)
    again = api("GET", f"{path}?version=1")
    assert (again.headers["etag"], again.json) == ('"1"', first.json)


def test_equal_content_makes_no_version_and_true_is_not_1(api: Api, path: str) -> None:
    for content, number in ((1, 1), (True, 2), (True, 2), (1.0, 3), ({"b": 1, "a": 2}, 4), ({"a": 2, "b": 1}, 4)):
        put = api("PUT", path, definition(content))
        assert (put.status, put.json["workflow_version"]) == (200, number), content
    assert len(api("GET", f"{path}/versions").json["versions"]) == 4


def test_a_definition_with_problems_changes_nothing(api: Api, path: str) -> None:
    put = api("PUT", path, definition() | {"tasks": [{"ref": "a", "type": "Web.Dowload", "input": {}}]})
    assert (put.status, put.json["type"]) == (400, "urn:stepcall:problem:invalid-definition")
    assert put.json["errors"][0]["location"] == "/tasks/0/type"
    assert api("PUT", path, raw=b"{").json["type"] == "urn:stepcall:problem:malformed-json"
    assert api("GET", path).json["workflow_version"] == 1


def test_what_is_probably_not_meant_is_told_by_who_stores_it(api: Api, path: str) -> None:
    odd = definition(input=[{"name": "nobodys", "type": "string"}])
    for stored in (api("POST", "/workflows", odd), api("PUT", path, odd)):
        assert [(warning["location"], warning["code"]) for warning in stored.json["warnings"]] == [
            ("/input/0", "unused_input")
        ]
        assert api("GET", f"/workflows/{stored.json['workflow_id']}").json["input"] == odd["input"]


@pytest.mark.parametrize("if_match", ["1", '"1"', 'W/"1"', "*", '"7", 1', '"a,b" ,"1",'])
def test_a_change_of_the_version_that_was_read_is_made(api: Api, path: str, if_match: str) -> None:
    put = api("PUT", path, definition(2), headers={"if-match": if_match})
    assert (put.status, put.headers["etag"]) == (200, '"2"')


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("if_match", ["2", '"2"', '"01"', '"x"', "99999999999999999999"])
def test_a_change_of_another_version_is_412_and_changes_nothing(
    api: Api, path: str, method: str, if_match: str
) -> None:
    refused = api(method, path, definition(2) if method == "PUT" else None, headers={"if-match": if_match})
    assert (refused.status, refused.json["type"]) == (412, "urn:stepcall:problem:stale-version")
    assert "The newest version is 1" in refused.json["detail"]
    assert refused.headers["content-type"] == "application/problem+json"
    assert api("GET", path).json["workflow_version"] == 1


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("if_match", ["one", '"1', "1 2", "-1", "*, 1", ","])
def test_a_version_that_cannot_be_read_is_400_and_changes_nothing(
    api: Api, path: str, method: str, if_match: str
) -> None:
    refused = api(method, path, definition(2) if method == "PUT" else None, headers={"if-match": if_match})
    assert (refused.status, refused.json["type"]) == (400, "urn:stepcall:problem:invalid-request")
    assert [(problem["location"], problem["code"]) for problem in refused.json["errors"]] == [
        ("/if-match", "invalid_value")
    ]
    assert api("GET", path).json["workflow_version"] == 1


def test_of_puts_at_once_that_say_what_they_read_one_wins(api: Api, path: str) -> None:
    answers = at_once([lambda n=n: api("PUT", path, definition(n), headers={"if-match": "1"}) for n in range(100, 106)])
    assert Counter(answer.status for answer in answers) == {200: 1, 412: 5}
    [winner] = [index for index, answer in enumerate(answers) if answer.status == 200]
    assert answered(api, path) == (100 + winner, 2)


def test_of_puts_at_once_none_is_lost_and_each_has_a_number_of_its_own(api: Api, path: str) -> None:
    answers = at_once([lambda n=n: api("PUT", path, definition(n)) for n in range(100, 106)])
    assert [answer.status for answer in answers] == [200] * 6
    numbers = [answer.json["workflow_version"] for answer in answers]
    assert sorted(numbers) == [2, 3, 4, 5, 6, 7]
    for content, number in zip(range(100, 106), numbers, strict=True):
        assert api("GET", f"{path}?version={number}").json["tasks"][0]["input"]["data"] == content
    assert answered(api, path)[1] == 7


def test_a_change_is_answered_after_the_lease_of_the_version_before(api: Api, path: str) -> None:
    api("GET", path)
    for method, body, status in (("PUT", definition(2), 200), ("DELETE", None, 204)):
        began = time.monotonic()
        assert api(method, path, body).status == status
        assert time.monotonic() - began >= LATEST_LEASE_SECONDS


def test_a_deleted_workflow_is_404_everywhere_but_for_its_executions(api: Api, path: str) -> None:
    started = api("POST", f"{path}/execute", headers={"prefer": "wait=25"}).json
    slow = [light(f"t{number}", "$sum([1..20000])") for number in range(40)]
    api("PUT", path, {"name": "slow", "tasks": slow})
    running = api("POST", f"{path}/execute").json
    deleted = api("DELETE", path)
    assert (deleted.status, deleted.text) == (204, "")
    for method, route, body in (
        ("GET", "", None),
        ("GET", "?version=1", None),
        ("GET", "/versions", None),
        ("GET", "/definition", None),
        ("GET", "/graph", None),
        ("GET", "/openapi.json", None),
        ("PUT", "", definition(3)),
        ("DELETE", "", None),
        ("POST", "/execute", {}),
    ):
        refused = api(method, path + route, body)
        assert (refused.status, refused.json["type"]) == (404, "urn:stepcall:problem:workflow-not-found"), route
    assert path not in {f"/workflows/{workflow['workflow_id']}" for workflow in found(api, "limit=100")}
    executions = api("GET", f"{path}/executions").json["executions"]
    assert [execution["execution_id"] for execution in executions] == [running["execution_id"], started["execution_id"]]
    assert api("GET", f"{path}/executions/{started['execution_id']}").json["output"] == {"answer": {"is": 1}}
    cancelled = api("POST", f"{path}/executions/{running['execution_id']}/cancel")
    assert cancelled.status in {202, 409}, cancelled.text
    job = api("GET", f"/jobs/{started['externalId']}")
    assert job.json["status"] == {"state": "DONE"}


def test_versions_are_listed_newest_first_in_pages(api: Api, path: str) -> None:
    for content in (2, 3):
        api("PUT", path, definition(content))
    page = api("GET", f"{path}/versions?limit=2").json
    assert [version["workflow_version"] for version in page["versions"]] == [3, 2]
    rest = api("GET", f"{path}/versions?limit=2&next_token={page['next_token']}").json
    assert [version["workflow_version"] for version in rest.pop("versions")] == [1]
    assert rest == {}
    shown = {number: api("GET", f"{path}?version={number}").json["updated_at"] for number in (3, 2)}
    assert {version["workflow_version"]: version["created_at"] for version in page["versions"]} == shown


def test_workflows_are_found_by_name_newest_first_in_pages(api: Api) -> None:
    mark = uuid.uuid4().hex
    ids = [
        api("POST", "/workflows", definition(name=f"{mark} {name}", **more)).json["workflow_id"]
        for name, more in (("Ä & b", {"description": "first"}), ("two", {}), ("THREE", {}))
    ]
    shown = found(api, f"name={mark.upper()}&limit=1")
    assert [workflow["workflow_id"] for workflow in shown] == ids[::-1]
    assert found(api, f"name={quote(f'{mark} ä & B')}") == [shown[2]]
    assert shown[2] == {
        "workflow_id": ids[0],
        "workflow_version": 1,
        "name": f"{mark} Ä & b",
        "description": "first",
        "created_at": shown[2]["created_at"],
        "updated_at": shown[2]["created_at"],
        "api_access": False,
    }
    assert "description" not in shown[0]
    assert {"type", "config_id"}.isdisjoint(shown[0])
    assert found(api, f"name={mark}-nothing") == []
    assert {workflow["workflow_id"] for workflow in found(api, "limit=100&name=")} >= set(ids)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invalid_value"),
        ("limit=101", "invalid_value"),
        ("limit=x", "invalid_value"),
        ("next_token=zzz", "bad_token"),
        ("next_token=", "bad_token"),
    ],
)
@pytest.mark.parametrize("route", ["/workflows", "{path}/versions"])
def test_a_list_refuses_a_query_that_makes_no_sense(api: Api, path: str, route: str, query: str, code: str) -> None:
    answer = api("GET", f"{route.format(path=path)}?{query}")
    assert answer.status == 400
    [problem] = answer.json["errors"]
    assert (problem["location"], problem["code"]) == ("/" + query.partition("=")[0], code)


@pytest.mark.parametrize(
    ("route", "name"),
    [
        ("/workflows?name=" + "x" * 257, "name"),
        ("{path}/versions?next_token=0", "next_token"),
        ("{path}/versions?next_token=01", "next_token"),
        ("{path}/versions?next_token=" + "9" * 11, "next_token"),
        ("{path}?version=0", "version"),
        ("{path}?version=" + "9" * 3000, "version"),
    ],
)
def test_a_value_out_of_bounds_is_refused(api: Api, path: str, route: str, name: str) -> None:
    answer = api("GET", route.format(path=path))
    assert (answer.status, answer.json["errors"][0]["location"]) == (400, f"/{name}")


@pytest.mark.parametrize(
    ("method", "route"), [("PUT", ""), ("DELETE", ""), ("GET", "/versions"), ("GET", "?version=1")]
)
def test_a_workflow_of_nobody_or_somebody_else_is_404(
    stack: LocalStack, api: Api, path: str, method: str, route: str
) -> None:
    keys = DynamoApiKeyStore(boto3.client("dynamodb"), stack.deployment.names["WorkflowsTable"])
    keys.put(api_key("sc_of_a_stranger", "a stranger", "somebody"))
    stranger = Api(stack.url, "sc_of_a_stranger")
    body = definition(2) if method == "PUT" else None
    answers = [stranger(method, path + route, body), api(method, NOBODYS + route, body)]
    for answer in answers:
        assert (answer.status, answer.json["type"]) == (404, "urn:stepcall:problem:workflow-not-found")
    assert stranger("GET", "/workflows").json == {"workflows": []}
    assert api("GET", path).json["workflow_version"] == 1
