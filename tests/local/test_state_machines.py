"""State machines on the local stack: really interpreted, their tasks the stack's functions, their stops at once."""

from typing import Any

from tests.local.http_client import Client

INVOKE = "arn:aws:states:::lambda:invoke"
Asl = dict[str, Any]


def task(payload: Asl, **fields: Any) -> Asl:
    payload = {**payload, "attempt.$": "$$.State.RetryCount"}
    return {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "WORK", "Payload": payload}, **fields}


def machine(payload: Asl, **fields: Any) -> Asl:
    return {"StartAt": "Work", "States": {"Work": task(payload, ResultPath=None, End=True, **fields)}}


def run(client: Client, definition: Asl) -> Any:
    return client("POST", "/machine", definition).json


def test_a_machine_runs_its_tasks_in_order(client: Client) -> None:
    selected = {"answer.$": "$.Payload.number"}
    states = {
        "First": task({"number": 1}, ResultSelector=selected, ResultPath="$.first", Next="Second"),
        "Second": task({"number.$": "$.first.answer"}, ResultSelector=selected, ResultPath="$.second", End=True),
    }
    execution = run(client, {"StartAt": "First", "States": states})
    assert execution["status"] == "SUCCEEDED"
    assert execution["output"] == '{"first": {"answer": 1}, "second": {"answer": 1}}'
    assert execution["events"].count("TaskSucceeded") == 2


def test_a_tasks_error_is_named_after_the_exceptions_class(client: Client) -> None:
    execution = run(client, machine({"do": "raise"}))
    assert (execution["status"], execution["error"]) == ("FAILED", "NotTodayError")
    assert '"errorMessage":"not today"' in execution["cause"]


def test_a_worker_that_dies_fails_its_task(client: Client) -> None:
    execution = run(client, machine({"do": "die"}))
    assert (execution["status"], execution["error"]) == ("FAILED", "Runtime.ExitError")


def test_a_worker_over_its_own_time_limit_fails_its_task(client: Client) -> None:
    execution = run(client, machine({"do": "hang"}, TimeoutSeconds=60))
    assert (execution["status"], execution["error"]) == ("FAILED", "Sandbox.Timedout")


def test_a_worker_that_answers_too_much_fails_its_task(client: Client) -> None:
    assert run(client, machine({"do": "answer too much"}))["error"] == "Function.ResponseSizeTooLarge"


def test_retries_are_counted_and_a_catch_goes_on(client: Client) -> None:
    retry = [{"ErrorEquals": ["NotTodayError"], "IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 1.0}]
    states = {
        "Work": task({"do": "raise at first"}, Retry=[retry[0] | {"JitterStrategy": "FULL"}], Next="Raise"),
        "Raise": task({"do": "raise"}, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}], End=True),
        "Caught": {"Type": "Succeed"},
    }
    execution = run(client, {"StartAt": "Work", "States": states})
    assert execution["status"] == "SUCCEEDED"
    assert execution["events"].count("TaskFailed") == 2


def test_a_function_that_is_not_the_stacks_is_an_error_of_lambda(client: Client) -> None:
    definition = machine({})
    arn = "arn:aws:lambda:us-east-1:123456789012:function:nobody"
    definition["States"]["Work"]["Parameters"]["FunctionName"] = arn
    assert run(client, definition)["error"] == "Lambda.ResourceNotFoundException"


def test_a_function_may_be_a_tasks_resource_itself(client: Client) -> None:
    states = {
        "Work": {"Type": "Task", "Resource": "WORK", "Parameters": {"number": 5}, "OutputPath": "$.number", "End": True}
    }
    assert run(client, {"StartAt": "Work", "States": states})["output"] == "5"


def test_a_stop_does_not_wait_for_the_running_handler(client: Client) -> None:
    stopped = client("POST", "/stop", machine({"do": "sleep", "seconds": 0.9})).json
    assert stopped["seconds"] < 0.5
    assert (stopped["status"], stopped["error"], stopped["cause"]) == ("ABORTED", "Cancelled", "because")
