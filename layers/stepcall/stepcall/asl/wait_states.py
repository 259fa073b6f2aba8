"""The states of a task that only waits. Imported when there is one: a cold start has no time for it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from stepcall.asl.states import WAIT_PATH, AslObject, Catcher, LambdaTaskState, Retrier
from stepcall.domain.task_phases import TaskPhase

WAIT_SUFFIX, END_SUFFIX = " wait", " end"


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
    preparing = {**task.payload, "phase": TaskPhase.PREPARE.value}
    yield replace(task, payload=preparing, next=wait, kept={"until.$": "$.Payload.until"}, kept_at=WAIT_PATH)
    yield WaitState(wait, end)
    yield replace(task, name=end, payload={**task.payload, "phase": TaskPhase.COLLECT.value})
