"""The states of a task that somebody's answer ends. Imported when there is one: a cold start has no time for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from stepcall.asl.phases import END_SUFFIX, collecting, payload_of
from stepcall.asl.states import LAMBDA_INVOKE, Catcher, LambdaTaskState
from stepcall.domain.task_phases import TaskPhase

UNANSWERED = ("States.Timeout", "NothingToAwaitError")
TOKEN: Mapping[str, str] = {"token.$": "$$.Task.Token"}


@dataclass(frozen=True, slots=True)
class AwaitedTaskState(LambdaTaskState):
    """A Task state that invokes a Lambda function, and goes on when somebody has answered with its token."""

    resource: ClassVar[str] = f"{LAMBDA_INVOKE}.waitForTaskToken"
    events_of_attempt: ClassVar[int] = 4


def awaited_states(task: LambdaTaskState, seconds: int) -> Iterator[LambdaTaskState | AwaitedTaskState]:
    """The worker begins the task and asks, the machine waits for the answer, and there is no more to do: whoever has
    answered has written the task's end. Where nobody has in that time, its worker looks what that means.

    `task` is the state that a task is which its worker does at once.
    """
    end = f"{task.name}{END_SUFFIX}"
    catch = (Catcher(UNANSWERED, end, "$.error"), *task.catch)
    payload = payload_of(task, TaskPhase.PREPARE, **TOKEN)
    yield AwaitedTaskState(task.name, task.function_arn, payload, seconds, task.retry, catch, task.next)
    yield collecting(task, end)
