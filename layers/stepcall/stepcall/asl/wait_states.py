"""The states of a task that only waits. Imported when there is one: a cold start has no time for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from stepcall.asl.phases import END_SUFFIX, collecting, preparing
from stepcall.asl.states import WAIT_PATH, AslObject, Catcher, LambdaTaskState, Retrier

WAIT_SUFFIX = " wait"


@dataclass(frozen=True, slots=True)
class WaitState:
    """A Wait state, which goes on at the time that stands in `$.wait.until`, and at once when that is past."""

    events_of_attempt: ClassVar[int] = 0
    retry: ClassVar[tuple[Retrier, ...]] = ()
    catch: ClassVar[tuple[Catcher, ...]] = ()

    name: str
    next: str

    def to_asl(self) -> AslObject:
        return {"Type": "Wait", "TimestampPath": f"{WAIT_PATH}.until", "Next": self.next}


def wait_states(task: LambdaTaskState) -> Iterator[LambdaTaskState | WaitState]:
    """The worker begins the task and says until when, the machine waits, and the worker ends the task.

    `task` is the state that a task is which does not wait.
    """
    wait, end = f"{task.name}{WAIT_SUFFIX}", f"{task.name}{END_SUFFIX}"
    yield preparing(task, wait, {"until.$": "$.Payload.until"}, WAIT_PATH)
    yield WaitState(wait, end)
    yield collecting(task, end)
