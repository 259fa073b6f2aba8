"""What is shown of a workflow without running it: validate, definition, graph, task types."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import boto3
import pytest

from local.seed import TENANT
from local.stack import LocalStack
from local.template import REGION
from stepcall.domain.access import Caller
from stepcall.domain.ids import read_workflow_id, spell_execution
from stepcall.domain.run import TimeRange
from stepcall.domain.run_mode import RunMode
from stepcall.runtime.wiring import face_dependencies
from stepcall.use_cases.read_run import wait_for_end
from stepcall.use_cases.start_run import StartRun, start_run
from tests.functional.conftest import Api
from tests.sample_workflows import declare, give, transform, workflow

SVG = "image/svg+xml"
MERMAID = "text/vnd.mermaid; charset=utf-8"
TWO_TASKS = workflow(
    transform("once", "{{input.number}}"),
    transform("twice", "{{refs.once.output.result}}"),
    inputs=[declare("number", "integer")],
    outputs=[give("result", "{{refs.twice.output.result}}", "number")],
)


@pytest.fixture
def workflow_id(api: Api) -> str:
    return api.define(**TWO_TASKS)


def validate(api: Api, document: Any) -> Any:
    answer = api("POST", "/workflows/validate", document)
    assert answer.status == 200, answer.text
    return answer.json


def stored_items(stack: LocalStack) -> int:
    tables = boto3.client("dynamodb", region_name=REGION)
    count: int = sum(tables.scan(TableName=name)["Count"] for name in tables.list_tables()["TableNames"])
    return count


def test_a_valid_definition_is_told_its_limits_and_its_machine(api: Api) -> None:
    told = validate(api, TWO_TASKS)
    assert (told["valid"], told["errors"]) == (True, [])
    limits = told["limits"]
    assert (limits["transitions"], limits["history_events"]) == (3, 98)
    assert limits["definition_bytes"] == len(json.dumps(told["definition"], separators=(",", ":")))
    assert 75 < limits["usd_per_million_runs"] < 100
    assert told["definition"]["StartAt"] == "once"


def test_an_invalid_definition_is_told_every_problem_as_a_refusal_would(api: Api) -> None:
    document = workflow(transform("a", "{{input.nobody}}"), transform("a"))
    told, refusal = validate(api, document), api("POST", "/workflows", document)
    assert (told["valid"], refusal.status) == (False, 400)
    assert told["errors"] == refusal.json["errors"]
    assert {problem["code"] for problem in told["errors"]} == {"unknown_input", "duplicate_ref"}
    assert not {"limits", "definition"} & told.keys()


def test_what_is_probably_not_meant_is_a_warning_and_the_definition_valid(api: Api) -> None:
    told = validate(api, workflow(transform("a"), inputs=[declare("unused")]))
    assert told["valid"] is True
    assert [warning["location"] for warning in told["warnings"]] == ["/input/0"]


def test_a_definition_over_a_limit_of_step_functions_is_told_which(api: Api) -> None:
    tasks = [transform(f"task_{number}") for number in range(1001)]
    [problem] = validate(api, workflow(*tasks))["errors"]
    assert (problem["location"], problem["code"]) == ("/tasks", "too_many_tasks")
    assert "25,000 events" in problem["message"]


@pytest.mark.parametrize("document", [[], "text", 5, {}])
def test_any_json_is_judged(api: Api, document: Any) -> None:
    assert validate(api, document)["valid"] is False


def test_what_is_no_json_is_a_bad_request(api: Api) -> None:
    for raw in (b"{", b""):
        assert api("POST", "/workflows/validate", raw=raw).status == 400


def test_nothing_is_stored_by_a_dry_run(api: Api, stack: LocalStack) -> None:
    before = stored_items(stack)
    validate(api, TWO_TASKS)
    assert stored_items(stack) == before


def test_the_definition_is_byte_for_byte_what_step_functions_gets(api: Api, workflow_id: str) -> None:
    answer = api("GET", f"/workflows/{workflow_id}/definition?version=1")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    content_hash = hashlib.sha256(answer.text.encode()).hexdigest()[:32]
    assert answer.headers["etag"] == f'"{content_hash}"'
    api.run(workflow_id, {"number": 1})
    states = boto3.client("stepfunctions", region_name=REGION)
    machines = [
        machine for page in states.get_paginator("list_state_machines").paginate() for machine in page["stateMachines"]
    ]
    [arn] = [machine["stateMachineArn"] for machine in machines if machine["name"].endswith(content_hash)]
    assert states.describe_state_machine(stateMachineArn=arn)["definition"] == answer.text


def test_each_run_mode_has_a_machine_of_its_own_and_equal_parts_the_same(api: Api) -> None:
    tasks = [transform("pull") | {"stage": "source"}, transform("send")]
    workflow_id = api.define(**workflow(*tasks))
    shown = {
        mode: api("GET", f"/workflows/{workflow_id}/definition{query}")
        for mode, query in {"source": "?run_mode=source", "refresh": "?run_mode=refresh&version=1", "": ""}.items()
    }
    assert [list(answer.json["States"])[:2] for answer in shown.values()] == [
        ["pull", "Finish run"],
        ["pull", "Finish run"],
        ["pull", "send"],
    ]
    assert shown["source"].headers["etag"] == shown["refresh"].headers["etag"] != shown[""].headers["etag"]
    assert api("GET", f"/workflows/{workflow_id}/definition?run_mode=full").text == shown[""].text


def test_a_run_mode_that_is_none_or_leaves_nothing_to_run_is_refused(api: Api, workflow_id: str) -> None:
    answer = api("GET", f"/workflows/{workflow_id}/definition?run_mode=all")
    assert (answer.status, answer.json["errors"][0]["location"]) == (400, "/run_mode")
    answer = api("GET", f"/workflows/{workflow_id}/definition?run_mode=refresh")
    assert (answer.status, answer.json["type"]) == (404, "urn:stepcall:problem:empty-run-mode")
    assert "`source` or `refresh`" in answer.json["detail"]


def test_an_execution_in_part_shows_its_mode_its_time_and_what_it_left_out(api: Api) -> None:
    tasks = [
        transform("pull", "since {{run.range_from}}") | {"stage": "source"},
        transform("send", "{{refs.pull.output.result}}") | {"stage": "activation"},
    ]
    outputs = [give("pulled", "{{refs.pull.output.result}}"), give("sent", "{{refs.send.output.result}}")]
    workflow_id = api.define(**workflow(*tasks, outputs=outputs))
    day = datetime(2025, 4, 18, tzinfo=UTC)
    command = StartRun(
        read_workflow_id(workflow_id), {}, run_mode=RunMode.SOURCE, time_range=TimeRange(day, day + timedelta(days=1))
    )
    caller, deps = Caller(TENANT, "test"), face_dependencies()
    run = start_run(command, caller, deps)
    wait_for_end(run.run_id, caller, deps, seconds=25)
    path = f"/workflows/{workflow_id}/executions"
    shown = api("GET", f"{path}/{spell_execution(run.run_id)}").json
    assert (shown["status"], shown["run_mode"]) == ("COMPLETED", "source")
    assert (shown["range_from"], shown["range_to"]) == ("2025-04-18T00:00:00.000Z", "2025-04-19T00:00:00.000Z")
    assert {task["ref"]: task["status"] for task in shown["tasks"]} == {"pull": "COMPLETED", "send": "SKIPPED"}
    assert shown["output"] == {"pulled": "since 2025-04-18T00:00:00.000Z", "sent": None}
    assert not {"run_mode", "range_from", "range_to"} & api.run(workflow_id).keys()


def test_what_a_workflow_says_of_itself_is_stored_and_shown(api: Api) -> None:
    said = {"type": "courier.group/run", "config_id": "cg-views", "warn_after_ms": 60_000}
    task = transform("a") | {"stage": "refresh"}
    workflow_id = api.define(**workflow(task), **said)
    shown = api("GET", f"/workflows/{workflow_id}").json
    assert {name: shown[name] for name in said} == said
    assert shown["tasks"] == [task]
    taken = api("POST", "/workflows", workflow() | said)
    assert (taken.status, taken.json["errors"][0]["code"]) == (409, "config_id_taken")
    assert api("DELETE", f"/workflows/{workflow_id}").status == 204


def test_the_graph_is_mermaid_unless_svg_is_asked_for(api: Api, workflow_id: str) -> None:
    answer = api("GET", f"/workflows/{workflow_id}/graph")
    assert (answer.status, answer.headers["content-type"]) == (200, MERMAID)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.text.splitlines()[3:] == [
        "flowchart TD",
        '    n0(["number<br>integer"])',
        '    n1["once<br>Data.Transform"]',
        '    n2["twice<br>Data.Transform"]',
        '    n3[/"result<br>number"/]',
        "    n0 --> n1",
        "    n1 --> n2",
        "    n2 --> n3",
    ]


def test_the_picture_is_xml_that_runs_and_loads_nothing(api: Api, workflow_id: str) -> None:
    answer = api("GET", f"/workflows/{workflow_id}/graph?format=svg")
    assert (answer.status, answer.headers["content-type"]) == (200, SVG)
    assert answer.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    names = [element.text for element in ElementTree.fromstring(answer.text).iter() if element.get("class") == "name"]  # noqa: S314
    assert names == ["number", "once", "twice", "result"]


@pytest.mark.parametrize(
    ("accept", "query", "media_type"),
    [
        (SVG, "", SVG),
        ("image/avif,image/webp,image/svg+xml,image/*;q=0.8,*/*;q=0.5", "", SVG),
        ("text/html,*/*;q=0.8", "", MERMAID),
        ("text/vnd.mermaid, image/svg+xml;q=0.5", "", MERMAID),
        ("image/svg+xml;q=0", "", MERMAID),
        ("image/svg+xml;q=x", "", MERMAID),
        (SVG, "?format=mermaid", MERMAID),
        ("text/vnd.mermaid", "?format=svg", SVG),
    ],
)
def test_the_query_decides_and_then_what_the_client_accepts(
    api: Api, workflow_id: str, accept: str, query: str, media_type: str
) -> None:
    answer = api("GET", f"/workflows/{workflow_id}/graph{query}", headers={"accept": accept})
    assert (answer.headers["content-type"], answer.headers["vary"]) == (media_type, "Accept")


@pytest.mark.parametrize("query", ["format=png", "version=0", "version=x"])
def test_a_graph_that_cannot_be_is_refused_with_its_place(api: Api, workflow_id: str, query: str) -> None:
    answer = api("GET", f"/workflows/{workflow_id}/graph?{query}")
    assert (answer.status, answer.json["errors"][0]["location"]) == (400, "/" + query.partition("=")[0])


@pytest.mark.parametrize("view", ["definition", "graph"])
def test_what_is_not_there_is_not_shown(api: Api, workflow_id: str, view: str) -> None:
    for path in (f"/workflows/{workflow_id}/{view}?version=9", f"/workflows/wf-{'0' * 25}/{view}"):
        assert api("GET", path).status == 404


def test_every_task_type_is_told_with_the_schemas_of_what_it_takes_and_gives(api: Api) -> None:
    types = {each["name"]: each for each in api("GET", "/task-types").json["task_types"]}
    assert types.keys() >= {"Web.Download", "Web.ExtractText", "OpenAI.Text.Summarize", "Data.Transform"}
    download = types["Web.Download"]
    assert (download["summary"], download["timeout_seconds"]) == ("Downloads a web page.", 70)
    assert download["input"]["required"] == ["url"]
    assert download["input"]["additionalProperties"] is False
    assert set(download["output"]["required"]) == {"html_content", "status_code", "content_type", "final_url"}
    assert types["Web.ExtractText"]["output"]["properties"].keys() == {"text", "title", "language"}


@pytest.mark.parametrize("path", ["/task-types", "/workflows/x/graph", "/workflows/x/definition"])
def test_nothing_is_shown_without_a_key(stack: LocalStack, path: str) -> None:
    assert Api(stack.url, key=None)("GET", path).status == 401
    assert Api(stack.url, key=None)("POST", "/workflows/validate", TWO_TASKS).status == 401
