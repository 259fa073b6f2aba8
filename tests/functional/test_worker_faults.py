"""A worker that dies or hangs: the run still ends, and says what happened. Compiled machines, really interpreted."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.lambda_runtime import Invocation
from local.moto_world.waits import machines_wait_by
from local.stack import LocalStack
from tests.functional.conftest import Api


@pytest.fixture(autouse=True)
def retries_at_once() -> Iterator[None]:
    with machines_wait_by(lambda _seconds: None):
        yield


def wait_for_end(api: Api, path: str) -> Any:
    deadline = time.monotonic() + 30
    while (execution := api("GET", path).json)["status"] in {"PENDING", "RUNNING"}:
        assert time.monotonic() < deadline, execution
        time.sleep(0.02)
    return execution


def test_a_run_ends_although_what_ends_it_dies_twice(
    api: Api, stack: LocalStack, monkeypatch: pytest.MonkeyPatch, page_host: str
) -> None:
    # Given a finish_run that dies at its first two calls
    finisher, invoke = stack.deployment.names["FinishRunFunction"], stack.functions.invoke
    deaths = ["Sandbox.Timedout", "Runtime.ExitError"]

    def die_twice(function: str, payload: str, **options: Any) -> Invocation:
        if finisher in function and deaths:
            return Invocation.error(deaths.pop(), "died")
        return invoke(function, payload, **options)

    monkeypatch.setattr(stack.functions, "invoke", die_twice)
    # When a task of a run fails
    page = {"ref": "page", "type": "Web.Download", "input": {"url": f"http://{page_host}/missing"}}
    workflow = api.define(tasks=[page])
    started = api("POST", f"/workflows/{workflow}/execute").json
    execution = wait_for_end(api, f"/workflows/{workflow}/executions/{started['execution_id']}")
    # Then the run is FAILED, by that task
    assert not deaths
    assert (execution["status"], execution["error"]["location"]) == ("FAILED", "page")


@pytest.mark.parametrize(
    ("error", "reason", "attempts"),
    [
        ("Runtime.ExitError", "internalError", 3),
        ("Sandbox.Timedout", "timeout", 1),
        ("Lambda.Unknown", "internalError", 3),
    ],
)
def test_a_worker_that_dies_at_every_attempt_or_hangs_fails_its_run(
    api: Api, stack: LocalStack, monkeypatch: pytest.MonkeyPatch, *, error: str, reason: str, attempts: int
) -> None:
    # Given a data worker that dies before it has written anything
    worker, invoke = stack.deployment.names["RunDataTaskFunction"], stack.functions.invoke
    invoked: list[str] = []

    def die(function: str, payload: str, **options: Any) -> Invocation:
        if worker in function:
            invoked.append(payload)
            return Invocation.error(error, "arn:aws:lambda:us-east-1:123456789012:function:secret died")
        return invoke(function, payload, **options)

    monkeypatch.setattr(stack.functions, "invoke", die)
    # When a workflow runs
    tasks = [{"ref": ref, "type": "Data.Transform", "input": {"expression": "1"}} for ref in ("first", "second")]
    workflow = api.define(tasks=tasks)
    started = api("POST", f"/workflows/{workflow}/execute").json
    execution = wait_for_end(api, f"/workflows/{workflow}/executions/{started['execution_id']}")
    # Then the run is FAILED, by the task that was its worker's, and no detail of ours is told
    assert execution["status"] == "FAILED"
    assert len(invoked) == attempts
    assert [task["status"] for task in execution["tasks"]] == ["FAILED", "PENDING"]
    assert (execution["error"]["reason"], execution["error"]["location"]) == (reason, "first")
    assert "arn:" not in str(execution)
    assert "secret" not in str(execution)
