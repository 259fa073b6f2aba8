"""Workflow → Amazon States Language: what it costs, that it is deterministic, how much fits."""

import hashlib
import json
import os
import subprocess
import sys
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from stepcall.asl.check_limits import MAX_DEFINITION_BYTES, MAX_HISTORY_EVENTS, MAX_REQUEST_BYTES
from stepcall.asl.compiler import FAIL_STATE, FAILED_STATE, FINISH_RUN, FINISH_STATE, CompiledWorkflow, compile_workflow
from stepcall.domain.definition_model import Identifier
from stepcall.domain.errors import InvalidDefinitionError
from stepcall.domain.task_contract import Worker
from stepcall.domain.workflow import MAX_TASKS
from stepcall.tasks.catalog import CATALOG
from tests.sample_workflows import Document, checked, give, transform, workflow
from tests.unit.oversized import LONGEST_ARN

USUAL_ARN = "arn:aws:lambda:eu-central-1:123456789012:function:stepcall-RunDataTaskFunction-0123456789ab"


def arns(arn: str = USUAL_ARN) -> dict[str, str]:
    return dict.fromkeys((*Worker, FINISH_RUN), arn)


def compiled(document: Document, arn: str = USUAL_ARN) -> CompiledWorkflow:
    return compile_workflow(checked(document), CATALOG, arns(arn))


def machine(document: Document) -> Any:
    return json.loads(compiled(document).definition)


def chain(length: int, width: int = 12) -> Document:
    return workflow(*[transform(f"{number:x}".rjust(width, "t")) for number in range(length)])


def walk(asl: Any, leave: str) -> list[str]:
    """The names of the states that a run enters, taking `Next` or `Catch` out of each; Fail and End end it."""
    name, entered = asl["StartAt"], []
    while name:
        entered.append(name)
        state = asl["States"][name]
        name = state.get("Catch", [{}])[0].get("Next", state.get("Next")) if leave == "Catch" else state.get("Next")
    return entered


@pytest.mark.parametrize("tasks", [1, 3, 40])
def test_a_run_costs_its_tasks_and_one_transition_more(tasks: int) -> None:
    refs = [task["ref"] for task in chain(tasks)["tasks"]]
    assert walk(machine(chain(tasks)), "Next") == [*refs, FINISH_STATE]


def test_the_bad_road_writes_the_runs_end_and_fails_the_machine() -> None:
    asl = machine(chain(3))
    assert walk(asl, "Catch")[1:] == [FAIL_STATE, FAILED_STATE]
    assert asl["States"][FAILED_STATE]["Type"] == "Fail"
    assert asl["States"][FAIL_STATE]["Parameters"]["Payload"]["error.$"] == "$.error"
    for name, state in asl["States"].items():
        if name not in {FAIL_STATE, FAILED_STATE}:
            assert state["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": FAIL_STATE}]


def test_a_machine_carries_ids_and_no_data() -> None:
    document = workflow(transform("a", "confidential"), outputs=[give("o", "{{refs.a.output.result}} confidential")])
    text = compiled(document).definition
    assert "confidential" not in text
    assert "expression" not in text
    assert machine(document)["States"]["a"]["Parameters"]["Payload"] == {
        "run.$": "$.run",
        "ref": "a",
        "attempt.$": "$$.State.RetryCount",
    }


def test_every_task_retries_lambdas_own_faults_what_a_worker_calls_retryable_and_a_worker_that_died() -> None:
    errors = [
        error for retrier in machine(chain(1))["States"]["ttttttttttt0"]["Retry"] for error in retrier["ErrorEquals"]
    ]
    assert errors == [
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
        "RetryableTaskError",
        "Runtime.ExitError",
        "Lambda.Unknown",
    ]


def test_a_finisher_that_died_is_tried_again_as_often_as_one_that_could_not_write() -> None:
    _, own = machine(chain(1))["States"][FINISH_STATE]["Retry"]
    assert (own["ErrorEquals"], own["MaxAttempts"]) == (
        ["RetryableTaskError", "Runtime.ExitError", "Lambda.Unknown"],
        6,
    )


@pytest.mark.parametrize("name", [FINISH_STATE, FAIL_STATE, FAILED_STATE])
def test_no_ref_can_be_the_name_of_a_state_of_ours(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Identifier).validate_python(name)


@pytest.mark.parametrize("ref", ["Failed", "Fail", "Succeed", "Fail_run", "finish_run", "StartAt", "States"])
def test_a_task_may_be_called_like_words_of_the_states_language(ref: str) -> None:
    states = machine(workflow(transform(ref), transform("after")))["States"]
    assert [states[name]["Type"] for name in (ref, "after")] == ["Task", "Task"]
    assert len(states) == 2 + 3


def test_equal_definitions_share_one_machine_and_its_name_is_a_hash_of_its_text() -> None:
    one, other = compiled(chain(5)), compiled(chain(5))
    assert one == other
    assert one.content_hash == hashlib.sha256(one.definition.encode()).hexdigest()[:32]


def test_what_a_machine_does_not_run_does_not_change_its_name() -> None:
    document = chain(2)
    renamed = document | {"name": "another", "description": "d", "output": [give("o", 1, "number")]}
    assert compiled(renamed).content_hash == compiled(document).content_hash


@pytest.mark.parametrize("name", [*Worker, FINISH_RUN])
def test_another_function_is_another_machine(name: str) -> None:
    tasks = [
        {"ref": "web", "type": "Web.Download", "input": {"url": "x"}},
        {"ref": "ai", "type": "OpenAI.Text.Summarize", "input": {"text": "x"}},
        transform("data"),
        {"ref": "sql", "type": "Sql.Query", "input": {"query": "SELECT 1 AS n"}},
        {"ref": "child", "type": "Workflow.Execute", "input": {"workflow_id": "another"}},
        {"ref": "function", "type": "Lambda.Invoke", "input": {"function": "x", "payload": 1}},
    ]
    definition = checked(workflow(*tasks))
    moved = arns() | {name: USUAL_ARN + "-moved"}
    one, other = (compile_workflow(definition, CATALOG, functions) for functions in (arns(), moved))
    assert one.content_hash != other.content_hash


def test_other_tasks_or_another_order_are_another_machine() -> None:
    documents = [chain(2), chain(3), workflow(*reversed(chain(2)["tasks"])), workflow(transform("a"), transform("b"))]
    assert len({compiled(document).content_hash for document in documents}) == 4


def test_the_bytes_do_not_depend_on_the_process() -> None:
    code = "from tests.unit.test_compiler import compiled, chain; print(compiled(chain(7)).content_hash)"
    hashes = {
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", code],
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert hashes == {compiled(chain(7)).content_hash}


def test_a_thousand_tasks_of_usual_names_fit() -> None:
    text = compiled(chain(MAX_TASKS, width=16)).definition
    assert len(text) < MAX_DEFINITION_BYTES
    assert len(json.dumps(text)) < MAX_REQUEST_BYTES


def test_where_names_are_longest_the_limit_is_found_before_step_functions_finds_it() -> None:
    """References of 64 characters and ARNs of 140: 916 tasks fit, and 1,000 do not."""
    fits = compiled(chain(916, width=64), LONGEST_ARN)
    assert len(json.dumps(fits.definition)) <= MAX_REQUEST_BYTES - 2048
    for tasks in (917, MAX_TASKS):
        with pytest.raises(InvalidDefinitionError) as refused:
            compiled(chain(tasks, width=64), LONGEST_ARN)
        [problem] = refused.value.problems
        assert (problem.code, problem.location, problem.expected) == ("too_large", "", "at most 1048576 bytes")
        assert "Step Functions takes 1048576" in problem.message


def test_the_longest_run_of_the_most_tasks_keeps_within_the_history() -> None:
    """20 events for each task with all its retries, 32 and 23 for the states that end a run, 1 for Fail, 2 for all."""
    assert compiled(chain(2)).history_events == 2 * 20 + 32 + 23 + 1 + 2
    assert compiled(chain(MAX_TASKS, width=16)).history_events == 20_058 < MAX_HISTORY_EVENTS


def test_what_a_run_writes_and_costs_goes_with_its_compiled_machine() -> None:
    assert [compiled(chain(tasks)).transitions for tasks in (1, 3, 40)] == [2, 4, 41]
