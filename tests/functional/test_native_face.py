"""The native face over HTTP, as its users meet it. Contract: data-flow-platform.md."""

import json
import re
import time
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.seed import API_KEY, PRINCIPAL
from local.stack import LocalStack
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from tests.api_keys import api_key
from tests.functional.conftest import Api, PageServer

ROOT = Path(__file__).parents[2]
SUMMARY_WORKFLOW = json.loads((ROOT / "examples" / "webpage_summary.json").read_text())
ARTICLE = (ROOT / "examples" / "pages" / "tide_mills.html").read_bytes()


def light(ref: str, expression: str, data: Any = None) -> dict[str, Any]:
    return {"ref": ref, "type": "Data.Transform", "input": {"expression": expression, "data": data}}


@pytest.fixture
def doubling(api: Api) -> str:
    """A workflow that doubles a number, twice."""
    return api.define(
        input=[{"name": "number", "type": "integer"}],
        tasks=[light("once", "$ * 2", "{{input.number}}"), light("twice", "$ * 2", "{{refs.once.output.result}}")],
        output=[{"name": "result", "type": "number", "value": "{{refs.twice.output.result}}"}],
    )


def test_the_sources_workflow_summarises_a_page(api: Api, page_host: str) -> None:
    PageServer.pages["/article"] = (200, "text/html; charset=utf-8", ARTICLE)
    created = api("POST", "/workflows", SUMMARY_WORKFLOW)
    assert (created.status, created.json["workflow_version"]) == (201, 1)
    execution = api.run(created.json["workflow_id"], {"webpage_url": f"http://{page_host}/article"})
    assert execution["status"] == "COMPLETED"
    assert [task["status"] for task in execution["tasks"]] == ["COMPLETED"] * 3
    page_text = " ".join(re.sub(r"<[^>]+>", " ", ARTICLE.decode()).split())
    sentences = re.split(r"(?<=[.!?])\s+", execution["output"]["summary_text"])
    assert sentences
    assert all(sentence in page_text for sentence in sentences)


def test_execute_answers_at_once_with_ids_and_place(api: Api, doubling: str) -> None:
    answer = api("POST", f"/workflows/{doubling}/execute", {"input": {"number": 1}})
    assert answer.status == 202
    assert answer.json | {"execution_id": "", "externalId": ""} == {
        "workflow_id": doubling,
        "workflow_version": 1,
        "execution_id": "",
        "externalId": "",
        "status": "PENDING",
    }
    assert re.fullmatch(r"ex-[0-9a-z]{25}", answer.json["execution_id"])
    assert re.fullmatch(r"job_[0-9A-Za-z]{28}", answer.json["externalId"])
    assert answer.headers["location"] == f"/workflows/{doubling}/executions/{answer.json['execution_id']}"
    assert api("GET", answer.headers["location"]).status == 200


def test_a_finished_execution_tells_everything(api: Api, doubling: str) -> None:
    execution = api.run(doubling, {"number": 2**60 + 1})
    assert execution["input"] == {"number": 2**60 + 1}
    assert execution["created_at"] <= execution["started_at"] <= execution["completed_at"]
    assert [(task["ref"], task["attempts"]) for task in execution["tasks"]] == [("once", 1), ("twice", 1)]
    assert (execution["started_by"], "trigger_id" in execution) == (PRINCIPAL, False)
    assert "error" not in execution


def test_values_keep_their_type_through_templates(api: Api) -> None:
    workflow = api.define(
        input=[{"name": "anything", "type": "object"}],
        tasks=[
            light("same", "$", {"whole": "{{input.anything}}", "text": "{{input.anything.list[1]}}!", "brace": "{{{{x"})
        ],
        output=[{"name": "result", "type": "object", "value": "{{refs.same.output.result}}"}],
    )
    value = {"list": [1, 2.5, None, True, "ü {{input.anything}}"], "nested": {"empty": {}}}
    execution = api.run(workflow, {"anything": value})
    assert execution["output"]["result"] == {"whole": value, "text": "2.5!", "brace": "{{x"}


def test_a_run_is_also_a_job_by_every_spelling_of_its_id(api: Api, doubling: str) -> None:
    execution = api.run(doubling, {"number": 3})
    for spelling in (execution["externalId"], execution["execution_id"]):
        job = api("GET", f"/jobs/{spelling}")
        assert job.status == 200
        assert job.json["externalId"] == execution["externalId"]
        assert job.json["status"] == {"state": "DONE"}


def test_waiting_ends_with_the_run_and_says_that_it_waited(api: Api, doubling: str) -> None:
    began = time.monotonic()
    answer = api("POST", f"/workflows/{doubling}/execute", {"input": {"number": 1}}, headers={"prefer": "wait=25"})
    assert (answer.status, answer.json["output"]) == (200, {"result": 4})
    assert answer.headers["preference-applied"] == "wait=25"
    assert time.monotonic() - began < 20


def test_executions_are_listed_newest_first_in_pages(api: Api, doubling: str) -> None:
    started = [api.run(doubling, {"number": number})["execution_id"] for number in range(5)]
    path, listed = f"/workflows/{doubling}/executions?limit=2", []
    token = ""
    while True:
        page = api("GET", path + token).json
        assert len(page["executions"]) <= 2
        listed += [execution["execution_id"] for execution in page["executions"]]
        if "next_token" not in page:
            break
        token = f"&next_token={page['next_token']}"
    assert listed == started[::-1]
    assert api("GET", f"/workflows/{doubling}/executions?status=FAILED").json == {"executions": []}
    assert len(api("GET", f"/workflows/{doubling}/executions?status=COMPLETED").json["executions"]) == 5


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "status=DONE", "next_token=zzz"])
def test_a_list_refuses_a_query_that_makes_no_sense(api: Api, doubling: str, query: str) -> None:
    answer = api("GET", f"/workflows/{doubling}/executions?{query}")
    assert answer.status == 400
    assert answer.json["errors"][0]["location"] == "/" + query.split("=", maxsplit=1)[0]


def test_a_status_in_small_letters_is_told_which_is_meant(api: Api, doubling: str) -> None:
    answer = api("GET", f"/workflows/{doubling}/executions?status=running")
    assert answer.json["errors"][0]["message"].endswith("; did you mean `RUNNING`?")


def test_a_large_output_goes_through_the_bucket_and_nobody_notices(api: Api) -> None:
    workflow = api.define(
        tasks=[
            light("make", "{'text': $pad('', 100000, 'x'), 'n': 1}"),
            light("measure", "$length($)", "{{refs.make.output.result.text}}"),
        ],
        output=[
            {"name": "length", "type": "integer", "value": "{{refs.measure.output.result}}"},
            {"name": "made", "type": "object", "value": "{{refs.make.output.result}}"},
        ],
    )
    output = api.run(workflow)["output"]
    assert output["length"] == 100_000
    assert output["made"] == {"text": "x" * 100_000, "n": 1}


def test_a_20_mb_page_is_handed_on_and_its_address_answered(api: Api, page_host: str) -> None:
    page = b"<html><body><p>" + b"All work and no play. " * 950_000 + b"</p></body></html>"
    assert 20_000_000 < len(page) < 20 * 1024 * 1024
    PageServer.pages["/large"] = (200, "text/html", page)
    workflow = api.define(
        input=[{"name": "url", "type": "string"}],
        tasks=[
            {"ref": "page", "type": "Web.Download", "input": {"url": "{{input.url}}"}},
            light("size", "$length($)", "{{refs.page.output.html_content}}"),
        ],
        output=[
            {"name": "size", "type": "integer", "value": "{{refs.size.output.result}}"},
            {"name": "page", "type": "string", "value": "{{refs.page.output.html_content}}"},
        ],
    )
    execution = api.run(workflow, {"url": f"http://{page_host}/large"})
    assert execution["status"] == "COMPLETED", execution
    assert "output" not in execution
    assert "X-Amz-Signature=" in execution["output_url"]
    with urllib.request.urlopen(execution["output_url"], timeout=30) as link:
        assert json.loads(link.read()) == {"size": len(page), "page": page.decode()}


def test_cancel_while_running_stops_the_run_at_once(api: Api) -> None:
    slow = api.define(tasks=[light(f"t{number}", "$sum([1..20000])") for number in range(40)])
    started = api("POST", f"/workflows/{slow}/execute").json
    path = f"/workflows/{slow}/executions/{started['execution_id']}"
    while api("GET", path).json["status"] == "PENDING":
        time.sleep(0.01)
    answer = api("POST", f"{path}/cancel")
    assert (answer.status, answer.json["status"], answer.json["cancelled_from"]) == (202, "CANCELLED", "RUNNING")
    job = api("GET", f"/jobs/{started['externalId']}").json
    assert job["status"]["errorResult"] == {
        "reason": "stopped",
        "location": "query",
        "message": "The run was cancelled while it was RUNNING.",
    }
    time.sleep(0.5)
    settled = api("GET", path).json
    time.sleep(0.5)
    assert api("GET", path).json == settled
    assert settled["status"] == "CANCELLED"
    assert settled["tasks"][-1]["status"] == "PENDING"
    again = api("POST", f"{path}/cancel")
    assert again.status == 409
    assert again.headers["content-type"] == "application/problem+json"


def test_a_task_that_fails_fails_the_run_and_leaves_the_rest_pending(api: Api, page_host: str) -> None:
    workflow = api.define(
        tasks=[
            light("fine", "1"),
            {"ref": "page", "type": "Web.Download", "input": {"url": f"http://{page_host}/missing"}},
            light("never", "1"),
        ]
    )
    execution = api.run(workflow)
    assert execution["status"] == "FAILED"
    assert [task["status"] for task in execution["tasks"]] == ["COMPLETED", "FAILED", "PENDING"]
    assert execution["error"]["reason"] == "notFound"
    assert execution["error"]["location"] == "page"
    assert "404" in execution["error"]["message"]
    job = api("GET", f"/jobs/{execution['externalId']}").json
    assert job["status"] == {"state": "DONE", "errorResult": execution["error"]}


def test_a_retryable_failure_is_tried_three_times(api: Api, page_host: str) -> None:
    PageServer.pages["/busy"] = (503, "text/html", b"later")
    workflow = api.define(tasks=[{"ref": "page", "type": "Web.Download", "input": {"url": f"http://{page_host}/busy"}}])
    execution = api.run(workflow)
    assert (execution["status"], execution["tasks"][0]["attempts"]) == ("FAILED", 3)
    assert execution["error"]["reason"] == "backendError"


def test_an_output_of_another_type_than_declared_fails_the_run(api: Api) -> None:
    workflow = api.define(
        tasks=[light("text", "'no number'")],
        output=[{"name": "n", "type": "integer", "value": "{{refs.text.output.result}}"}],
    )
    execution = api.run(workflow)
    assert execution["status"] == "FAILED"
    assert execution["error"] == {
        "reason": "invalid",
        "location": "output",
        "message": "The output `n` must be of type integer, not text.",
    }


def test_every_problem_of_a_definition_is_answered_at_once_in_document_order(api: Api) -> None:
    faulty = {
        "name": "x",
        "tasks": [
            {"ref": "a", "type": "Web.Dowload", "input": {}},
            {"ref": "b", "type": "Web.ExtractText", "input": {"html_content": "{{refs.c.output.html_content}}"}},
            {"ref": "c", "type": "Web.Download", "input": {"url": "{{input.nothing}}"}},
            {"ref": "c", "type": "Web.Download", "input": {"url": 5, "uri": "x"}},
        ],
    }
    answer = api("POST", "/workflows", faulty)
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    found = [(problem["location"], problem["code"]) for problem in answer.json["errors"]]
    assert found == [
        ("/tasks/0/type", "unknown_task_type"),
        ("/tasks/1/input/html_content", "later_ref"),
        ("/tasks/2/input/url", "unknown_input"),
        ("/tasks/3/ref", "duplicate_ref"),
        ("/tasks/3/input/url", "wrong_type"),
        ("/tasks/3/input/uri", "unknown_field"),
    ]
    assert "did you mean `Web.Download`?" in answer.json["errors"][0]["message"]


@pytest.mark.parametrize("body", [b"{", b"", b"\xff\xfe", b'{"a": NaN}', b"[" * 5000, b'{"name": "x"} trailing'])
def test_a_body_that_is_not_json_is_refused_with_the_place(api: Api, body: bytes) -> None:
    answer = api("POST", "/workflows", raw=body)
    assert answer.status == 400
    assert answer.json["type"] == "urn:stepcall:problem:malformed-json"


@pytest.mark.parametrize("body", [{"input": []}, {"input": {"number": 1}, "inputs": {}}, [], "x", {"input": None}])
def test_a_call_of_the_wrong_shape_is_refused(api: Api, doubling: str, body: Any) -> None:
    answer = api("POST", f"/workflows/{doubling}/execute", body)
    assert (answer.status, answer.json["status"]) == (400, 400)
    assert answer.json["errors"]


@pytest.mark.parametrize(
    ("parameters", "location", "code"),
    [
        ({}, "/input/number", "missing"),
        ({"number": "5"}, "/input/number", "wrong_type"),
        ({"number": 1.5}, "/input/number", "wrong_type"),
        ({"number": True}, "/input/number", "wrong_type"),
        ({"number": None}, "/input/number", "wrong_type"),
        ({"number": 1, "nmber": 2}, "/input/nmber", "unknown_input"),
    ],
)
def test_parameters_that_do_not_fit_start_nothing(
    api: Api, doubling: str, parameters: dict[str, Any], location: str, code: str
) -> None:
    answer = api("POST", f"/workflows/{doubling}/execute", {"input": parameters})
    assert answer.status == 400
    assert [(problem["location"], problem["code"]) for problem in answer.json["errors"]] == [(location, code)]
    assert api("GET", f"/workflows/{doubling}/executions").json == {"executions": []}


def test_a_body_over_1_mb_is_413(api: Api, doubling: str) -> None:
    answer = api("POST", f"/workflows/{doubling}/execute", raw=b'{"input": {"number": "' + b"x" * 1_048_576 + b'"}}')
    assert (answer.status, answer.json["type"]) == (413, "urn:stepcall:problem:body-too-large")


@pytest.mark.parametrize(
    "path",
    [
        "/workflows/wf-0000000000000000000000000",
        "/workflows/nonsense",
        "/workflows/wf-0000000000000000000000000/executions/ex-0000000000000000000000000",
        "/workflows/wf-0000000000000000000000000/executions",
        "/jobs/job_0000000000000000000000000000",
        "/jobs/%00",
        "/no/such/route",
    ],
)
def test_what_is_not_there_is_404(api: Api, path: str) -> None:
    answer = api("GET", path)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_execution_is_found_under_its_own_workflow_only(api: Api, doubling: str) -> None:
    other = api.define(tasks=[light("a", "1")])
    execution_id = api.run(doubling, {"number": 1})["execution_id"]
    assert api("GET", f"/workflows/{other}/executions/{execution_id}").status == 404
    assert api("POST", f"/workflows/{other}/executions/{execution_id}/cancel").status == 404


def test_another_tenants_things_are_not_there(stack: LocalStack, api: Api, doubling: str) -> None:
    keys = DynamoApiKeyStore(boto3.client("dynamodb"), stack.deployment.names["WorkflowsTable"])
    keys.put(api_key("sc_of_somebody_else", "other", "somebody"))
    stranger = Api(stack.url, "sc_of_somebody_else")
    execution_id = api.run(doubling, {"number": 1})["execution_id"]
    for method, path in (
        ("GET", f"/workflows/{doubling}"),
        ("POST", f"/workflows/{doubling}/execute"),
        ("GET", f"/workflows/{doubling}/executions"),
        ("GET", f"/workflows/{doubling}/executions/{execution_id}"),
        ("POST", f"/workflows/{doubling}/executions/{execution_id}/cancel"),
        ("GET", f"/jobs/{execution_id}"),
    ):
        assert stranger(method, path).status == 404, path


@pytest.mark.parametrize(
    "headers", [{}, {"x-api-key": "sc_wrong"}, {"x-api-key": "other"}, {"authorization": "Bearer"}]
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/workflows"), ("GET", "/jobs/x"), ("GET", "/no/such/route")])
def test_without_a_key_that_is_known_everything_is_401(
    stack: LocalStack, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = Api(stack.url, key=None)(method, path, headers=headers)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json["title"] == "Authentication is needed"


def test_every_route_but_the_public_ones_is_closed(stack: LocalStack) -> None:
    from workflows_api.app import app  # noqa: PLC0415 - importable while the stack runs

    routes = [(route.method, route.path) for route in app._static_routes + app._dynamic_routes]
    anonymous = Api(stack.url, key=None)
    answers = {
        (method, path): anonymous(method, re.sub(r"<\w+>", "wf-0000000000000000000000000", path)).status
        for method, path in routes
    }
    assert {route for route, status in answers.items() if status != 401} == {
        ("GET", "/health"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/docs/<file_name>"),
        ("POST", "/oauth/token"),
    }


def test_an_output_may_nest_as_deep_as_a_task_may_hand_on(api: Api) -> None:
    nested = api.define(
        input=[{"name": "deep", "type": "array"}],
        tasks=[light("same", "1")],
        output=[{"name": "deep", "type": "object", "value": {"a": {"b": {"c": {"d": {"e": "{{input.deep}}"}}}}}}],
    )
    deep: list[Any] = []
    for _ in range(190):
        deep = [deep]
    execution = api.run(nested, {"deep": deep})
    assert execution["status"] == "COMPLETED"
    assert execution["output"]["deep"]["a"]["b"]["c"]["d"]["e"] == deep


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=5", "5"),
        ("respond-async, wait=5", "5"),
        ("wait=100", "25"),
        ('WAIT="5"', "5"),
        ("wait=x", None),
        ("await=5", None),
    ],
)
def test_a_preference_is_applied_as_far_as_it_makes_sense(
    api: Api, doubling: str, prefer: str, seconds: str | None
) -> None:
    answer = api("POST", f"/workflows/{doubling}/execute", {"input": {"number": 1}}, headers={"prefer": prefer})
    assert answer.status == (200 if seconds else 202)
    assert answer.headers.get("preference-applied") == (f"wait={seconds}" if seconds else None)


def test_a_wait_that_is_too_short_says_how_far_the_run_is(api: Api, page_host: str) -> None:
    PageServer.pages["/busy"] = (503, "text/html", b"later")
    workflow = api.define(tasks=[{"ref": "page", "type": "Web.Download", "input": {"url": f"http://{page_host}/busy"}}])
    for _ in range(5):  # the retries' jitter is full: now and then they come at once
        began = time.monotonic()
        answer = api("POST", f"/workflows/{workflow}/execute", headers={"prefer": "wait=1"})
        if answer.status == 202:
            break
    assert (answer.status, answer.json["status"]) == (202, "RUNNING")
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("DELETE", "/workflows", "GET, POST"), ("POST", "/workflows/x", "DELETE, GET, PUT"), ("POST", "/health", "GET")],
)
def test_another_method_is_405_and_says_which_there_are(api: Api, method: str, path: str, allowed: str) -> None:
    answer = api(method, path)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)


def test_a_workflow_is_read_by_version(api: Api, doubling: str) -> None:
    assert api("GET", f"/workflows/{doubling}?version=1").json["workflow_version"] == 1
    assert api("GET", f"/workflows/{doubling}?version=2").status == 404
    assert api("GET", f"/workflows/{doubling}?version=x").status == 400


def test_a_key_is_taken_from_all_three_carriers(stack: LocalStack) -> None:
    anonymous = Api(stack.url, key=None)
    path = "/workflows/wf-0000000000000000000000000"
    assert anonymous("GET", path, headers={"x-api-key": API_KEY}).status == 404
    assert anonymous("GET", path, headers={"authorization": f"bearer {API_KEY}"}).status == 404
    assert anonymous("GET", f"{path}?access_token={API_KEY}").status == 404


def test_health_needs_no_key(stack: LocalStack) -> None:
    assert Api(stack.url, key=None)("GET", "/health").json == {"status": "ok"}
