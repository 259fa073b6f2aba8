"""Lambda.Invoke on the interpreter, with real functions behind Lambda's API."""

from typing import Any

import pytest

from tests.functional.conftest import OWN_FUNCTIONS, Api
from tests.functional.test_graph_order import statuses
from tests.sample_workflows import Document, declare, give, transform

ARNS = {function.name: function.arn for function in OWN_FUNCTIONS}


def invoke(ref: str, function: str, payload: Any = None) -> Document:
    return {"ref": ref, "type": "Lambda.Invoke", "input": {"function": function, "payload": payload}}


@pytest.mark.parametrize("said", ["echo", ARNS["echo"]])
def test_a_function_gets_the_rendered_payload_and_its_answer_goes_on(api: Api, said: str) -> None:
    tasks = [
        invoke("ask", said, {"city": "{{input.city}}", "more": [1, None, "é"]}),
        transform("say", "{{refs.ask.output.payload.city}}"),
    ]
    outputs = [give("said", "{{refs.say.output.result}}"), give("status", "{{refs.ask.output.status_code}}", "integer")]
    workflow = api.define(input=[declare("city", "string")], tasks=tasks, output=outputs)
    done = api.run(workflow, {"city": "Brno"})
    assert (done["status"], done["output"]) == ("COMPLETED", {"said": "Brno", "status": 200})


def test_a_function_is_told_whose_work_it_does(api: Api) -> None:
    outputs = [give("told", "{{refs.ask.output.payload}}", "object")]
    workflow = api.define(tasks=[invoke("ask", "whose", {})], output=outputs)
    done = api.run(workflow)
    assert done["output"]["told"].keys() == {"run_id", "ref", "attempt", "idempotency_key"}
    assert (done["output"]["told"]["ref"], done["output"]["told"]["attempt"]) == ("ask", 0)


def test_a_function_that_raises_fails_the_task_once_in_its_own_words(api: Api) -> None:
    done = api.run(api.define(tasks=[invoke("ask", "fail", {"why": "no such city"}) | {"retry": {"attempts": 5}}]))
    assert (done["status"], done["tasks"][0]["attempts"]) == ("FAILED", 1)
    assert done["error"]["message"] == "The function failed. LookupError: no such city"
    assert (done["error"]["location"], done["error"]["reason"]) == ("ask", "invalid")


def test_what_fails_may_be_skipped_continued_or_tried_otherwise(api: Api) -> None:
    never = {"left": 1, "operator": "==", "right": 2}
    tasks = [
        invoke("skipped", "fail", {"why": "x"}) | {"condition": never},
        invoke("continued", "fail", {"why": "x"}) | {"on_error": "continue"},
        invoke("instead", "fail", {"why": "x"})
        | {"fallback": {"type": "Lambda.Invoke", "input": {"function": "echo", "payload": "second"}}},
    ]
    outputs = [give("second", "{{refs.instead.output.payload}}", "object")]
    done = api.run(api.define(order="graph", tasks=tasks, output=outputs))
    assert done["status"] == "FAILED", "text is no object"
    outputs = [give("status", "{{refs.instead.output.status_code}}", "integer")]
    done = api.run(api.define(order="graph", tasks=tasks, output=outputs))
    assert (done["status"], done["output"]) == ("COMPLETED", {"status": 200})
    assert statuses(done) == {"skipped": "SKIPPED", "continued": "FAILED", "instead": "COMPLETED"}


def test_an_answer_that_lambda_does_not_hand_on_fails_the_task(api: Api) -> None:
    done = api.run(api.define(tasks=[invoke("ask", "grow", {"bytes": 7_000_000})]))
    assert (done["error"]["reason"], done["error"]["location"]) == ("resourcesExceeded", "ask")


def test_a_large_answer_goes_on_whole(api: Api) -> None:
    tasks = [
        invoke("ask", "grow", {"bytes": 5_000_000}),
        transform("count", "{{refs.ask.output.payload}}", "$length($)"),
    ]
    outputs = [give("length", "{{refs.count.output.result}}", "number")]
    assert api.run(api.define(tasks=tasks, output=outputs))["output"] == {"length": 5_000_000}


def test_a_function_that_takes_longer_than_its_author_lets_it_has_failed_with_timeout(api: Api) -> None:
    slow = invoke("ask", "hold", {}) | {"timeout_seconds": 1}
    done = api.run(api.define(tasks=[slow]))
    assert (done["status"], done["error"]["reason"]) == ("FAILED", "timeout")


def test_a_function_that_is_not_listed_is_refused_when_it_is_defined(api: Api) -> None:
    document = {"name": "x", "tasks": [invoke("ask", "ecko")]}
    refused = api("POST", "/workflows", document)
    [problem] = refused.json["errors"]
    assert (refused.status, problem["location"], problem["code"]) == (
        400,
        "/tasks/0/input/function",
        "unknown_function",
    )
    assert ("InvokableFunctionArns" in problem["message"], "Did you mean `echo`?" in problem["message"]) == (True, True)
    assert "arn:" not in refused.text
