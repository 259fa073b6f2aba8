"""Workflows that ask somebody, on the interpreter: over HTTP to the decision, by the stream back to the machine."""

import json
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest

from local.stack import LocalStack
from stepcall.domain.ids import read_run_id
from stepcall.runtime.wiring import worker_dependencies
from tests.functional.conftest import Answer, Api
from tests.functional.everything_logged import everything_logged
from tests.functional.everything_stored import answers_of
from tests.functional.test_graph_order import end_of, start, statuses
from tests.sample_workflows import Document, declare, give, transform

PAID = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}


def ask(ref: str = "ask", **given: Any) -> Document:
    return {"ref": ref, "type": "Flow.Approval", "input": {"message": "Pay?", **given}}


def awaiting(api: Api, path: str, ref: str = "ask") -> Any:
    """The task once it awaits a decision."""
    for _ in range(1000):
        told = api("GET", path).json
        [task] = [task for task in told["tasks"] if task["ref"] == ref]
        if "awaiting" in task:
            return task
        assert told["status"] in {"PENDING", "RUNNING"}, told
        threading.Event().wait(0.01)
    raise AssertionError("Nobody is asked.")


def asking(api: Api, *after: Document, given: Document | None = None, **said: Any) -> str:
    """Where an execution is that waits for a decision about its first task."""
    path = start(api, api.define(**{"tasks": [ask(), *after]} | said), given)
    awaiting(api, path)
    return path


def complete(api: Api, path: str, data: Any = None, ref: str = "ask") -> Answer:
    return api("POST", f"{path}/tasks/{ref}/complete", {} if data is None else {"data": data})


def fail(api: Api, path: str, message: str = "Too much.", ref: str = "ask") -> Answer:
    return api("POST", f"{path}/tasks/{ref}/fail", {"message": message})


def problem(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["type"].rpartition(":")[2]


def test_a_task_asks_and_waits_and_what_was_decided_is_its_output(api: Api) -> None:
    tasks = [
        ask(message="Pay {{input.amount}} €?", expires_in=3600, output_schema=PAID),
        transform("pay", "{{refs.ask.output.data.amount}}", "$ + 1"),
    ]
    outputs = [give("who", "{{refs.ask.output.decided_by}}")]
    workflow = api.define(input=[declare("amount", "integer")], tasks=tasks, output=outputs)
    path = start(api, workflow, {"amount": 300})
    task = awaiting(api, path)
    assert (task["status"], task["awaiting"]["message"]) == ("RUNNING", "Pay 300 €?")
    assert task["awaiting"]["output_schema"] == PAID
    expires = datetime.fromisoformat(task["awaiting"]["expires_at"]) - datetime.fromisoformat(task["started_at"])
    assert expires == timedelta(hours=1)
    decided = complete(api, path, {"amount": 250})
    assert decided.status == 200, decided.text
    done = end_of(api, path)
    assert (done["status"], statuses(done)) == ("COMPLETED", {"ask": "COMPLETED", "pay": "COMPLETED"})
    asked = done["tasks"][0]
    assert asked == decided.json
    assert (asked["decided_at"], "awaiting" in asked) == (asked["completed_at"], False)
    assert done["output"] == {"who": asked["decided_by"]} == {"who": "local-developer"}


def test_a_no_fails_the_task_and_says_why(api: Api) -> None:
    path = asking(api, transform("after"))
    refused = fail(api, path, "The budget is spent.")
    assert (refused.status, refused.json["status"]) == (200, "FAILED")
    done = end_of(api, path)
    assert done["error"] == {"reason": "stopped", "location": "ask", "message": "The budget is spent."}
    assert statuses(done) == {"ask": "FAILED", "after": "PENDING"}
    assert done["tasks"][0]["decided_by"] == "local-developer"


def test_the_same_decision_is_answered_again_and_another_is_a_conflict(api: Api) -> None:
    path = asking(api)
    first = complete(api, path, {"ok": True})
    assert complete(api, path, {"ok": True}).json == first.json
    assert problem(complete(api, path, {"ok": False})) == (409, "task-decided")
    assert problem(fail(api, path)) == (409, "task-decided")
    assert "`local-developer` has completed it at 20" in fail(api, path).json["detail"]
    assert end_of(api, path)["status"] == "COMPLETED"
    assert complete(api, path, {"ok": True}).json == first.json, "also when the execution has ended"
    assert problem(fail(api, path)) == (409, "task-decided")


def test_the_same_refusal_is_answered_again_too(api: Api) -> None:
    path = asking(api)
    first = fail(api, path)
    assert fail(api, path).json == first.json
    assert problem(fail(api, path, "Something else.")) == (409, "task-decided")
    assert problem(complete(api, path)) == (409, "task-decided")


def test_data_that_does_not_fit_is_told_with_its_places_and_nothing_is_lost(api: Api) -> None:
    path = asking(api, tasks=[ask(output_schema=PAID)])
    refused = complete(api, path, {"amount": "much"})
    assert problem(refused) == (400, "invalid-decision")
    assert [(told["location"], told["code"]) for told in refused.json["errors"]] == [("/data/amount", "wrong_type")]
    assert [told["location"] for told in complete(api, path).json["errors"]] == ["/data/amount"]
    assert "much" not in refused.text
    bare = api("POST", f"{path}/tasks/ask/complete", {"amount": 3}).json["errors"]
    assert [told["message"] for told in bare] == [
        'There is no field `amount`. What is decided stands in `data`: `{"data": {…}}`.'
    ]
    assert complete(api, path, {"amount": 3}).status == 200
    assert end_of(api, path)["status"] == "COMPLETED"


@pytest.mark.parametrize("ref", ["ask%5Bx%5D", "%5D", "x" * 1100], ids=["text", "bracket", "long"])
def test_a_ref_that_is_no_tasks_is_not_found_whatever_it_is(api: Api, ref: str) -> None:
    path = asking(api)
    assert problem(complete(api, path, ref=ref)) == (404, "task-not-found")


def test_without_a_schema_the_data_is_any_object(api: Api) -> None:
    path = asking(api)
    assert [told["location"] for told in complete(api, path, [1]).json["errors"]] == ["/data"]
    assert complete(api, path).status == 200


def test_only_what_awaits_a_decision_can_be_decided(api: Api) -> None:
    path = asking(api, ask("later"), transform("other"))
    assert problem(complete(api, path, ref="nobody")) == (404, "task-not-found")
    assert problem(complete(api, path, ref="other")) == (409, "task-not-awaiting")
    assert problem(complete(api, path, ref="later")) == (409, "task-not-awaiting")
    assert problem(complete(api, path, ref="ask%5B3%5D")) == (409, "task-not-awaiting")
    assert complete(api, path).status == 200
    awaiting(api, path, "later")
    assert complete(api, path, ref="later").status == 200
    assert end_of(api, path)["status"] == "COMPLETED"


@pytest.mark.parametrize("body", [{}, {"message": ""}, {"message": "x" * 2001}, {"message": 1}, {"mesage": "no"}])
def test_a_refusal_has_a_message_of_a_length_that_somebody_reads(api: Api, body: Any) -> None:
    answer = api("POST", "/workflows/w-x/executions/ex-x/tasks/ask/fail", body)
    assert answer.status == 400


def test_when_nobody_decides_in_time_the_task_fails_with_timeout(api: Api) -> None:
    path = asking(api, tasks=[ask(expires_in=1)])
    done = end_of(api, path)
    assert done["error"] == {"reason": "timeout", "location": "ask", "message": "Nobody decided within 1 second."}
    late = complete(api, path)
    assert problem(late) == (409, "execution-has-ended")
    assert "Nobody decided within 1 second. Resume the execution, and it asks again." in late.json["detail"]


def test_a_late_decision_about_a_task_whose_run_goes_on_is_told_that_its_time_was_up(api: Api) -> None:
    tasks = [ask(expires_in=1) | {"on_error": "continue"}, ask("then")]
    path = asking(api, tasks=tasks)
    awaiting(api, path, "then")
    late = complete(api, path)
    assert problem(late) == (409, "task-not-awaiting")
    assert "Nobody decided within 1 second." in late.json["detail"]
    assert complete(api, path, ref="then").status == 200
    assert statuses(end_of(api, path)) == {"ask": "FAILED", "then": "COMPLETED"}


def test_nobody_is_asked_by_a_task_that_is_skipped(api: Api) -> None:
    never = {"left": 1, "operator": "==", "right": 2}
    done = api.run(api.define(tasks=[ask() | {"condition": never}, transform("after")]))
    assert statuses(done) == {"ask": "SKIPPED", "after": "COMPLETED"}


def test_a_no_may_be_followed_by_a_fallback(api: Api) -> None:
    instead = {"type": "Data.Transform", "input": {"expression": "1", "data": 1}}
    path = asking(api, tasks=[ask() | {"fallback": instead}])
    assert fail(api, path).status == 200
    done = end_of(api, path)
    assert (done["status"], done["tasks"][0]["status"], done["tasks"][0]["used_fallback"]) == (
        "COMPLETED",
        "COMPLETED",
        True,
    )


def test_approvals_side_by_side_are_decided_in_any_order_and_one_no_ends_the_others(api: Api) -> None:
    path = start(api, api.define(order="graph", tasks=[ask("one"), ask("two"), ask("three")]))
    for ref in ("one", "two", "three"):
        awaiting(api, path, ref)
    assert complete(api, path, ref="two").status == 200
    assert fail(api, path, ref="three").status == 200
    done = end_of(api, path)
    assert (done["error"]["location"], statuses(done)) == (
        "three",
        {"one": "CANCELLED", "two": "COMPLETED", "three": "FAILED"},
    )
    assert problem(complete(api, path, ref="one")) == (409, "execution-has-ended")


def test_a_cancelled_run_asks_nobody_any_more_and_a_resumed_one_asks_anew(api: Api) -> None:
    path = asking(api, transform("after"))
    assert api("POST", f"{path}/cancel", {}).status == 202
    cancelled = end_of(api, path)
    assert statuses(cancelled) == {"ask": "CANCELLED", "after": "PENDING"}
    assert "awaiting" not in cancelled["tasks"][0]
    assert problem(complete(api, path)) == (409, "execution-has-ended")
    assert api("POST", f"{path}/resume", {}).status == 202
    awaiting(api, path)
    assert complete(api, path).status == 200
    assert end_of(api, path)["status"] == "COMPLETED"


def test_a_resumed_run_keeps_what_was_decided(api: Api) -> None:
    bad = transform("bad", "{{refs.ask.output.data}}", "$error('not today')")
    path = asking(api, bad)
    decided = complete(api, path).json
    assert end_of(api, path)["status"] == "FAILED"
    answer = api("POST", f"{path}/resume", {})
    assert [planned["resume"] for planned in answer.json["plan"]] == ["reused", "run again"]
    assert end_of(api, path)["tasks"][0] == decided
    assert complete(api, path).json == decided


def test_of_two_who_decide_at_once_one_has_decided(api: Api) -> None:
    path = asking(api)
    answers: list[Answer] = []
    calls = [lambda: answers.append(complete(api, path)), lambda: answers.append(fail(api, path))] * 3
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200] * 3 + [409] * 3
    [status] = {answer.json["status"] for answer in answers if answer.status == 200}
    assert end_of(api, path)["status"] == status


def tokens_of(path: str) -> list[str]:
    run_id = read_run_id(path.rpartition("/")[2])
    runs: Any = worker_dependencies().runs
    items = runs._client.query(
        TableName=runs._table,
        KeyConditionExpression="run_id = :id",
        ExpressionAttributeValues={":id": {"S": str(run_id)}},
    )["Items"]
    return [item["task_token"]["S"] for item in items if "task_token" in item]


def test_the_token_is_in_no_answer_no_log_and_no_event(api: Api, stack: LocalStack) -> None:
    with everything_logged() as said:
        path = asking(api)
        [token] = tokens_of(path)
        told = [complete(api, path, [1]).text, complete(api, path).text, fail(api, path).text]
        execution = end_of(api, path)
        told += answers_of(api, execution)
    ours = [line for line in said if "'name': 'moto" not in line and "'name': 'botocore" not in line]
    assert any("task_decided" in line for line in ours)
    assert not [text for text in (*told, *ours, json.dumps(execution)) if token in text]


def test_what_a_wrong_approval_says_is_refused_at_the_door(api: Api) -> None:
    wrong = ask(expires_in="{{input.n}}", output_schema={"type": "objct"}) | {"timeout_seconds": 5}
    document = {"name": "w", "input": [declare("n", "integer")], "tasks": [wrong]}
    refused = api("POST", "/workflows", document)
    told = {(error["location"], error["code"]) for error in refused.json["errors"]}
    assert told == {
        ("/tasks/0/timeout_seconds", "invalid_value"),
        ("/tasks/0/input/expires_in", "not_literal"),
        ("/tasks/0/input/output_schema/type", "invalid_schema"),
    }
