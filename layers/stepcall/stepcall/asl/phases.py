"""A task whose worker is invoked before and after what the machine does meanwhile: its two states.

Imported when there is one: a cold start has no time for it.
"""

from collections.abc import Mapping
from dataclasses import replace

from stepcall.asl.states import LambdaTaskState
from stepcall.domain.task_phases import TaskPhase

END_SUFFIX = " end"
"""With which the names of the states end that come last."""


def payload_of(task: LambdaTaskState, phase: TaskPhase, **told: str) -> Mapping[str, str]:
    """`told` is what the worker is told besides, by the field's name in ASL's words."""
    return {**task.payload, "phase": phase.value, **told}


def preparing(task: LambdaTaskState, after: str, kept: Mapping[str, str], kept_at: str) -> LambdaTaskState:
    """`kept` is what the machine keeps of the answer, and `kept_at` where."""
    return replace(task, payload=payload_of(task, TaskPhase.PREPARE), next=after, kept=kept, kept_at=kept_at)


def collecting(task: LambdaTaskState, name: str, **told: str) -> LambdaTaskState:
    return replace(task, name=name, payload=payload_of(task, TaskPhase.COLLECT, **told))
