"""Workflows that execute others, on the interpreter: faces, tables, the stream, start_waiting_runs, state machines."""

import json
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.moto_world.waits import machines_wait_by
from local.stack import LocalStack
from stepcall.domain.access import Grants
from stepcall.domain.ids import read_run_id, read_workflow_id, spell_dated_run
from stepcall.stores.dynamo_slot_store import slots_key
from tests.functional.conftest import Api, PageServer, put_key, send
from tests.functional.test_graph_order import end_of, start, statuses
from tests.functional.test_run_concurrency import LIMIT
from tests.functional.test_wait import HOUR, Hours, wait
from tests.sample_workflows import Document, declare, give, transform

FAILS = transform("bad", expression="$error('no such luck')")


def execute(ref: str, workflow_id: str, /, **given: Any) -> Document:
    more = {"input": given} if given else {}
    return {"ref": ref, "type": "Workflow.Execute", "input": {"workflow_id": workflow_id, **more}}


@pytest.fixture
def hours() -> Iterator[Hours]:
    clock = Hours()
    with machines_wait_by(clock.sleep):
        yield clock
        clock.pass_by()


def doubling(api: Api) -> str:
    return api.define(
        input=[declare("number", "integer")],
        tasks=[transform("double", "{{input.number}}", "$ * 2")],
        output=[give("doubled", "{{refs.double.output.result}}", "integer")],
    )


def calling(api: Api, child: str, ref: str = "call", **given: Any) -> str:
    return api.define(tasks=[execute(ref, child, **given)])


def path_of(execution: Any) -> str:
    return f"/workflows/{execution['workflow_id']}/executions/{execution['execution_id']}"


def child_of(api: Api, path: str, ref: str = "call") -> str:
    """The path of the execution that a task has started, once it has."""
    deadline = time.monotonic() + 20
    while True:
        tasks = {task["ref"]: task for task in api("GET", path).json["tasks"]}
        if "execution_id" in tasks[ref]:
            break
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return path_of(tasks[ref])


def test_a_task_executes_another_workflow_and_has_its_outputs(api: Api) -> None:
    tasks = [
        execute("call", doubling(api), number="{{input.n}}"),
        transform("say", "{{refs.call.output.output.doubled}}"),
    ]
    outputs = [give("result", "{{refs.say.output.result}}", "integer"), give("of", "{{refs.call.output.execution_id}}")]
    path = start(api, api.define(input=[declare("n", "integer")], tasks=tasks, output=outputs), {"n": 21})
    done = end_of(api, path)
    assert (done["status"], done["output"]["result"]) == ("COMPLETED", 42)
    child = api("GET", child_of(api, path)).json
    assert (child["status"], child["output"], child["input"]) == ("COMPLETED", {"doubled": 42}, {"number": 21})
    assert child["execution_id"] == done["output"]["of"] == done["tasks"][0]["execution_id"]
    assert child["started_by"] == f"execution:{done['execution_id']}"
    linked = {"execution_id": done["execution_id"], "workflow_id": done["workflow_id"], "task": "call"}
    assert child["parent"] == linked
    assert "parent" not in done
    run_id = read_run_id(child["execution_id"])
    assert api("GET", f"/jobs/{child['externalId']}").json["userId"] == child["started_by"]
    wave = send(api.url, "GET", f"/wave/runs/{run_id}", headers={"x-api-key": api.key or ""})
    assert wave.json["status"] == "completed"
    assert api("GET", f"/api/workflow/runs/{spell_dated_run(run_id)}").json["state"] == "succeeded"
    listed = api("GET", f"/workflows/{child['workflow_id']}/executions").json["executions"]
    assert [each["started_by"] for each in listed] == [child["started_by"]]


def test_a_child_that_fails_fails_its_parents_task_with_its_reason(api: Api) -> None:
    path = start(api, calling(api, api.define(tasks=[FAILS])))
    done = end_of(api, path)
    child = api("GET", child_of(api, path)).json
    assert (done["status"], done["error"]["location"], done["error"]["reason"]) == (
        "FAILED",
        "call",
        child["error"]["reason"],
    )
    assert f"`{child['execution_id']}` failed at `bad`: {child['error']['message']}" in done["error"]["message"]
    assert done["tasks"][0]["error"] == done["error"]


def test_a_task_executes_another_workflow_for_each_element_and_has_their_outputs_in_order(api: Api) -> None:
    each = execute("call", doubling(api), number="{{item}}") | {"for_each": "{{input.numbers}}"}
    numbers = declare("numbers", "array", schema={"items": {"type": "integer"}})
    output = [give("doubled", "{{refs.call.output}}", "array")]
    path = start(api, api.define(input=[numbers], tasks=[each], output=output), {"numbers": [3, 1, 2]})
    done = end_of(api, path)
    assert [one["output"] for one in done["output"]["doubled"]] == [{"doubled": 6}, {"doubled": 2}, {"doubled": 4}]
    instances = api("GET", f"{path}/tasks/call/instances").json["instances"]
    assert [one["execution_id"] for one in instances] == [one["execution_id"] for one in done["output"]["doubled"]]


def test_an_element_whose_execution_fails_names_its_index(api: Api) -> None:
    odd = api.define(
        input=[declare("number", "integer")],
        tasks=[transform("check", "{{input.number}}", "$ = 2 ? $error('no two') : $")],
    )
    each = execute("call", odd, number="{{item}}") | {"for_each": "{{input.numbers}}"}
    numbers = declare("numbers", "array", schema={"items": {"type": "integer"}})
    done = end_of(api, start(api, api.define(input=[numbers], tasks=[each]), {"numbers": [1, 2]}))
    assert (done["status"], done["error"]["location"]) == ("FAILED", "call[1]")
    assert "no two" in done["error"]["message"]


def test_a_parent_that_goes_on_leaves_no_execution_of_its_other_elements_behind(api: Api, hours: Hours) -> None:
    bad = transform("bad", "{{input.number}}", "$ = 0 ? $error('no nought') : $")
    child = api.define(input=[declare("number", "integer")], tasks=[bad, wait("pause", seconds=HOUR)])
    each = execute("call", child, number="{{item}}") | {"for_each": [1, 2, 0], "on_error": "continue"}
    path = start(api, api.define(tasks=[each, wait("rest", seconds=HOUR)]))
    for _ in range(3):
        assert hours.begun.acquire(timeout=30)
    executions = f"/workflows/{child}/executions"
    deadline = time.monotonic() + 20
    while sorted(one["status"] for one in api("GET", executions).json["executions"]) != [*["CANCELLED"] * 2, "FAILED"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert statuses(api("GET", path).json) == {"call": "FAILED", "rest": "RUNNING"}
    instances = api("GET", f"{path}/tasks/call/instances").json["instances"]
    assert [one["status"] for one in instances] == ["CANCELLED", "CANCELLED", "FAILED"]


def test_a_parent_goes_on_where_its_author_lets_the_child_fail(api: Api) -> None:
    child = api.define(tasks=[FAILS])
    tasks = [execute("call", child) | {"on_error": "continue"}, transform("after")]
    done = api.run(api.define(tasks=tasks))
    assert (done["status"], statuses(done)) == ("COMPLETED", {"call": "FAILED", "after": "COMPLETED"})


def test_a_child_that_somebody_cancels_fails_its_parents_task(api: Api, hours: Hours) -> None:
    path = start(api, calling(api, api.define(tasks=[wait("pause", seconds=HOUR)])))
    assert hours.begun.acquire(timeout=30)
    during = api("GET", path).json
    assert statuses(during) == {"call": "RUNNING"}
    assert api("POST", f"{child_of(api, path)}/cancel", {}).status == 202
    done = end_of(api, path)
    assert (done["status"], done["error"]["reason"], done["error"]["location"]) == ("FAILED", "stopped", "call")


def test_children_and_their_children_are_cancelled_with_their_parent(api: Api, hours: Hours) -> None:
    grandchild = api.define(tasks=[wait("pause", seconds=HOUR)])
    path = start(api, calling(api, calling(api, grandchild)))
    assert hours.begun.acquire(timeout=30)
    child = child_of(api, path)
    grandchild_path = child_of(api, child)
    assert api("POST", f"{path}/cancel", {}).status == 202
    for ended in (child, grandchild_path):
        assert end_of(api, ended)["status"] == "CANCELLED"
    assert statuses(end_of(api, path)) == {"call": "CANCELLED"}
    above = path.rpartition("/")[2]
    assert above in end_of(api, child)["error"]["message"]


def test_a_child_is_cancelled_when_what_runs_beside_its_task_fails(api: Api, hours: Hours) -> None:
    slow = api.define(tasks=[wait("pause", seconds=HOUR)])
    late = {**FAILS, "input": {**FAILS["input"], "data": "{{refs.gate.output.result}}"}}
    tasks = [execute("call", slow), transform("gate"), late]
    path = start(api, api.define(order="graph", tasks=tasks))
    done = end_of(api, path)
    assert (done["status"], done["error"]["location"]) == ("FAILED", "bad")
    if "execution_id" in done["tasks"][0]:
        assert end_of(api, child_of(api, path))["status"] == "CANCELLED"


def test_a_task_whose_time_is_up_fails_and_cancels_its_child(api: Api, hours: Hours) -> None:
    slow = api.define(tasks=[wait("pause", seconds=HOUR)])
    path = start(api, api.define(tasks=[execute("call", slow) | {"timeout_seconds": 2}]))
    done = end_of(api, path)
    assert (done["error"]["reason"], done["error"]["location"]) == ("timeout", "call")
    assert end_of(api, child_of(api, path))["status"] == "CANCELLED"


def test_a_resumed_parent_starts_another_child_and_late_news_of_the_first_changes_nothing(
    api: Api, hours: Hours
) -> None:
    slow = api.define(tasks=[wait("pause", seconds=HOUR), transform("last")])
    path = start(api, calling(api, slow))
    assert hours.begun.acquire(timeout=30)
    first = child_of(api, path)
    assert api("POST", f"{path}/cancel", {}).status == 202
    assert end_of(api, first)["status"] == "CANCELLED"
    assert api("POST", f"{path}/resume", {}).status == 202
    assert hours.begun.acquire(timeout=30)
    second = child_of(api, path)
    assert second != first
    assert api("POST", f"{first}/resume", {}).status == 202
    assert hours.begun.acquire(timeout=30)
    hours.pass_by()
    assert (end_of(api, first)["status"], end_of(api, second)["status"]) == ("COMPLETED", "COMPLETED")
    done = end_of(api, path)
    assert (done["status"], done["tasks"][0]["execution_id"]) == ("COMPLETED", second.rpartition("/")[2])


def test_a_workflow_that_executes_itself_through_others_is_refused_when_it_is_changed(api: Api) -> None:
    lowest = api.define(tasks=[transform("only")])
    middle = calling(api, lowest)
    top = calling(api, middle)
    document = {"name": "test", "tasks": [execute("call", top)]}
    refused = api("PUT", f"/workflows/{lowest}", document)
    [problem] = refused.json["errors"]
    assert (refused.status, problem["code"], problem["location"]) == (400, "recursion", "/tasks/0/input/workflow_id")
    assert f"`{top}` → `{middle}`" in problem["message"]
    itself = api("PUT", f"/workflows/{lowest}", {"name": "test", "tasks": [execute("call", lowest)]})
    assert (itself.status, itself.json["errors"][0]["code"]) == (400, "recursion")


def test_executions_nest_five_deep_and_no_deeper(api: Api) -> None:
    workflow = api.define(tasks=[transform("only")])
    for _ in range(5):
        workflow = calling(api, workflow)
    path = start(api, workflow)
    assert end_of(api, path)["status"] == "COMPLETED"
    refused = api("POST", "/workflows", {"name": "test", "tasks": [execute("call", workflow)]})
    assert (refused.status, refused.json["errors"][0]["code"]) == (400, "nested_too_deep")


def test_what_has_come_to_nest_too_deep_since_it_was_defined_fails_in_the_run(api: Api) -> None:
    lowest = workflow = api.define(tasks=[transform("only")])
    for _ in range(5):
        workflow = calling(api, workflow)
    lower = api.define(tasks=[transform("only")])
    assert api("PUT", f"/workflows/{lowest}", {"name": "test", "tasks": [execute("call", lower)]}).status == 200
    done = end_of(api, start(api, workflow))
    assert (done["status"], done["error"]["reason"]) == ("FAILED", "invalid")
    assert "5 deep" in done["error"]["message"]


def test_a_workflow_that_is_deleted_or_changed_meanwhile_fails_the_task_with_the_reason(api: Api) -> None:
    child = doubling(api)
    workflow = calling(api, child, number=1)
    changed = {"name": "test", "input": [declare("word")], "tasks": [transform("only", "{{input.word}}")]}
    assert api("PUT", f"/workflows/{child}", changed).status == 200
    done = api.run(workflow)
    assert (done["error"]["reason"], done["error"]["location"]) == ("invalid", "call")
    assert "/input/word" in done["error"]["message"]
    assert api("DELETE", f"/workflows/{child}").status == 204
    done = api.run(workflow)
    assert (done["error"]["reason"], done["error"]["location"]) == ("notFound", "call")


def test_a_pinned_version_is_executed_whatever_the_newest_is_and_a_config_id_names_a_workflow(api: Api) -> None:
    name = f"child-{uuid.uuid4().hex[:8]}"
    child = api.define(
        config_id=name, tasks=[transform("only", 1)], output=[give("n", "{{refs.only.output.result}}", "integer")]
    )
    second = {"name": "test", "config_id": name, "tasks": [transform("only", 2)]}
    second["output"] = [give("n", "{{refs.only.output.result}}", "integer")]
    assert api("PUT", f"/workflows/{child}", second).json["workflow_version"] == 2
    pinned = execute("old", name)
    pinned["input"]["version"] = 1
    outputs = [give(ref, f"{{{{refs.{ref}.output.output.n}}}}", "integer") for ref in ("old", "new")]
    done = api.run(api.define(tasks=[pinned, execute("new", name)], output=outputs))
    assert done["output"] == {"old": 1, "new": 2}


def test_another_tenants_workflow_is_not_there(api: Api, stack: LocalStack) -> None:
    tenant = f"t-{uuid.uuid4().hex[:8]}"
    other = Api(stack.url, put_key(stack, f"sc_{tenant}", tenant))
    foreign = doubling(other)
    refused = api("POST", "/workflows", {"name": "test", "tasks": [execute("call", foreign, number=1)]})
    assert (refused.status, refused.json["errors"][0]["code"]) == (400, "unknown_workflow")


def test_who_is_granted_a_workflow_executes_what_it_executes_and_can_have_it_execute_nothing_else(
    api: Api, stack: LocalStack
) -> None:
    child, other = doubling(api), doubling(api)
    parent = calling(api, child, number=4)
    granted = Grants(frozenset({read_workflow_id(parent)}))
    narrow = Api(stack.url, put_key(stack, f"sc_{uuid.uuid4().hex}", grants=granted))
    assert narrow.run(parent)["status"] == "COMPLETED"
    document = {"name": "test", "tasks": [execute("call", other, number=1)]}
    refused = narrow("PUT", f"/workflows/{parent}", document)
    assert (refused.status, refused.json["errors"][0]["code"]) == (400, "unknown_workflow")
    assert api("PUT", f"/workflows/{parent}", document).status == 200


def test_who_is_granted_a_child_alone_is_not_told_of_its_parent(api: Api, stack: LocalStack) -> None:
    child = doubling(api)
    path = start(api, calling(api, child, number=4))
    end_of(api, path)
    below = child_of(api, path)
    assert api("GET", below).json["parent"]["task"] == "call"
    granted = Grants(frozenset({read_workflow_id(child)}))
    narrow = Api(stack.url, put_key(stack, f"sc_{uuid.uuid4().hex}", grants=granted))
    seen = narrow("GET", below)
    assert (seen.status, "parent" in seen.json) == (200, False)
    assert narrow("GET", path).status == 403
    assert path.split("/")[2] not in seen.text


def test_a_tenant_with_one_slot_left_executes_workflows_in_workflows(stack: LocalStack) -> None:
    tenant = f"t-{uuid.uuid4().hex[:8]}"
    boto3.client("dynamodb").update_item(
        TableName=stack.deployment.names["RunsTable"],
        Key=slots_key(tenant),
        UpdateExpression="ADD slots :places",
        ExpressionAttributeValues={":places": {"BS": [uuid.uuid4().bytes for _ in range(LIMIT - 1)]}},
    )
    api = Api(stack.url, put_key(stack, f"sc_{tenant}", tenant))
    inner = calling(api, doubling(api), number=4)
    assert end_of(api, start(api, calling(api, inner)))["status"] == "COMPLETED"


def test_a_large_output_is_handed_on_from_the_bucket(api: Api) -> None:
    text = transform("long", expression="$pad('', 20000, 'x')")
    child = api.define(tasks=[text], output=[give("text", "{{refs.long.output.result}}")])
    say = transform("say", "{{refs.call.output.output.text}}", "$length($)")
    done = api.run(
        api.define(tasks=[execute("call", child), say], output=[give("n", "{{refs.say.output.result}}", "integer")])
    )
    assert done["output"] == {"n": 20000}


def documented(name: str) -> Any:
    """The example of docs/workflows.md that has this name."""
    told = (Path(__file__).parents[2] / "docs" / "workflows.md").read_text()
    [example] = [one for one in re.findall(r"```json\n(.*?)```", told, re.DOTALL) if f'"name": "{name}"' in one]
    return json.loads(example)


def test_what_other_elements_have_given_is_kept_as_the_documentation_says(api: Api, page_host: str) -> None:
    PageServer.pages["/kept"] = (200, "text/html", b"<p>Kept.</p>")
    child = documented("One page")
    assert child["config_id"] == "one-page"
    unique = f"one-page-{uuid.uuid4()}"
    api.define(**child | {"config_id": unique})
    pages = execute("pages", unique, url="{{item}}") | {"for_each": "{{input.urls}}"}
    urls = declare("urls", "array", schema={"type": "array", "items": {"type": "string"}})
    outputs = [
        give("first", "{{refs.pages.output[0].output.html}}"),
        give("second", "{{refs.pages.output[1].output.html}}"),
    ]
    workflow = api.define(input=[urls], tasks=[pages], output=outputs)
    found, missing = f"http://{page_host}/kept", f"http://{page_host}/missing"
    done = end_of(api, start(api, workflow, {"urls": [found, missing]}))
    assert (done["status"], done["output"]) == ("COMPLETED", {"first": "<p>Kept.</p>", "second": None})
    shown = api("GET", f"{path_of(done)}/tasks/pages/instances").json["instances"]
    assert [api("GET", path_of(one)).json["status"] for one in shown] == ["COMPLETED", "COMPLETED"]
