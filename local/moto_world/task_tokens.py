"""Tasks that wait for an answer: they end with their execution, each attempt has a token, and answers are heard once.

In moto such a state outlasts its stopped execution until its time is up, a retried state keeps its first token, a late
answer is taken with thanks where AWS says TaskTimedOut, and the cause of a failure is lost.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from moto.core.exceptions import AWSError
from moto.core.responses import EmptyResult
from moto.stepfunctions.exceptions import InvalidToken
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackConsumerTimeout,
    CallbackOutcome,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
    CallbackOutcomeTimedOut,
)
from moto.stepfunctions.responses import StepFunctionResponse

from local.moto_world.executions import kept_executions
from local.moto_world.replacing import replaced

LONGEST_SLEEP = 0.25
"""Of one that waits: nothing else tells it that its execution was stopped."""


class WaitsNoMoreError(AWSError):
    """The task of the token has timed out, or was told before."""

    TYPE = "TaskTimedOut"


@contextmanager
def task_tokens() -> Iterator[None]:
    evaluate = StateTaskServiceCallback._evaluate_with_timeout
    with (
        replaced(StateTaskServiceCallback, "_evaluate_with_timeout", _with_token_of_its_own(evaluate)),
        replaced(StateTaskServiceCallback, "_eval_wait_for_task_token", _wait),
        replaced(StepFunctionResponse, "send_task_success", _succeed),
        replaced(StepFunctionResponse, "send_task_failure", _fail),
    ):
        yield


def _with_token_of_its_own(evaluate: Callable[..., None]) -> Callable[..., None]:
    """moto makes a token when the state begins: good for its first attempt."""

    def evaluate_attempt(self: Any, env: Any) -> None:
        context = env.states.context_object
        is_again = context.context_object_data["State"]["RetryCount"] > 0
        if is_again and self.resource.condition == ResourceCondition.WaitForTaskToken:
            env.callback_pool_manager.add(context.update_task_token())
        evaluate(self, env)

    return evaluate_attempt


def _wait(_self: Any, env: Any, timeout_seconds: int, callback_endpoint: Any, heartbeat_endpoint: Any) -> Any:
    """No machine of ours has a heartbeat."""
    del heartbeat_endpoint
    end, outcome = monotonic() + timeout_seconds, callback_endpoint.get_outcome()
    while outcome is None and env.is_running() and (left := end - monotonic()) > 0:
        outcome = callback_endpoint.wait(min(left, LONGEST_SLEEP))
    if outcome is None:
        callback_endpoint.report(CallbackConsumerTimeout())
    return outcome or CallbackOutcomeTimedOut(callback_id=callback_endpoint.callback_id)


def _succeed(self: Any) -> EmptyResult:
    token = self._get_param("taskToken")
    return _tell(CallbackOutcomeSuccess(callback_id=token, output=self._get_param("output")))


def _fail(self: Any) -> EmptyResult:
    token, error, cause = (self._get_param(name) for name in ("taskToken", "error", "cause"))
    return _tell(CallbackOutcomeFailure(callback_id=token, error=error, cause=cause))


def _tell(outcome: CallbackOutcome) -> EmptyResult:
    """Raises InvalidToken, WaitsNoMoreError."""
    for execution in kept_executions():
        endpoint = execution.exec_worker.env.callback_pool_manager.get(outcome.callback_id)
        if endpoint is None:
            continue
        if endpoint.consumer_error or endpoint.get_outcome() or not execution.exec_worker.env.is_running():
            raise WaitsNoMoreError("The task has timed out, or has been told before.")
        endpoint.notify(outcome)
        return EmptyResult()
    raise InvalidToken
