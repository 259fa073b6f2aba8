"""Which tasks of a run that is resumed have to run again, and why."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from stepcall.domain.json_text import write_json
from stepcall.domain.run import TaskRun, TaskStatus
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.domain.template import InputReference, references
from stepcall.domain.workflow import Task, WorkflowVersion


class Resume(StrEnum):
    REUSED = "reused"
    RUN_AGAIN = "run again"


class PlannedTask(NamedTuple):
    """What a resumed run does about one of its tasks; `reason` is a sentence for a person."""

    ref: str
    resume: Resume
    reason: str


class Bound(NamedTuple):
    """A version of a workflow with the value of each of its inputs."""

    version: WorkflowVersion
    parameters: Mapping[str, Any]

    def has_task(self, ref: str) -> bool:
        return any(task.ref == ref for task in self.version.definition.tasks)


HAS_OUTPUT = "It has its output."


@dataclass(frozen=True, slots=True)
class Planner:
    """Compares what a run has done with what the version that it goes on with asks for."""

    found: RunWithTasks
    before: Bound
    after: Bound
    is_kept: Callable[[Task, TaskRun], bool]
    """Whether a finished task's output will be there for as long as the run goes on."""
    is_sql: Callable[[Task], bool]
    """Whether the connection has a say in what it does."""

    def plan(self) -> tuple[PlannedTask, ...]:
        """The tasks of the run's mode, as they stand in the document."""
        plan: dict[str, PlannedTask] = {}
        definition, mode = self.after.version.definition, self.found.run.run_mode
        for task in definition.tasks_in_run_order(mode):
            why = next(self._reasons(task, plan), None)
            resume = Resume.RUN_AGAIN if why else Resume.REUSED
            plan[task.ref] = PlannedTask(task.ref, resume, why or HAS_OUTPUT)
        return tuple(plan[task.ref] for task in definition.tasks_in(mode))

    def _reasons(self, task: Task, plan: Mapping[str, PlannedTask]) -> Iterator[str]:
        """Why it has to run again: none when it would do the same once more, as far as anybody can know."""
        version, done = f"version {self.after.version.version}", self.found.task(task.ref)
        if not self.before.has_task(task.ref):
            yield f"It is new in {version}."
        elif done.status is not TaskStatus.COMPLETED or done.output is None:
            yield "It has no output."
        elif self._spelled(task, self.before) != self._spelled(task, self.after):
            yield f"Its definition changed in {version}."
        yield from (f"It uses the input `{name}`, which changed in {version}." for name in self._changed(task))
        again = (ref for ref in self._needs(task) if plan[ref].resume is Resume.RUN_AGAIN)
        yield from (f"It uses `{ref}`, which runs again." for ref in again)
        if not self.is_kept(task, done):
            yield "Its output is kept no more."

    def _needs(self, task: Task) -> tuple[str, ...]:
        instead = self.after.version.definition.fallback_of(task)
        return (*task.needs, *(instead.needs if instead else ()))

    def _spelled(self, task: Task, bound: Bound) -> str:
        """What it does in that version. The order of keys counts: it may matter to an expression."""
        definition = bound.version.definition
        there = definition.task(task.ref)
        sql = [definition.connection, bound.version.sql_engine] if self.is_sql(there) else []
        instead = definition.fallback_of(there)
        spelled = [instead.type, instead.input] if instead else []
        each = [] if there.for_each is None else [there.for_each]
        named = {there.type, *([instead.type] if instead else [])}
        own = [custom.to_json() for custom in bound.version.custom_types if custom.name in named]
        return write_json([there.type, there.input, there.condition, *each, *spelled, *sql, *own])

    def _changed(self, task: Task) -> Iterator[str]:
        """The inputs that it uses and that have another value: a default may be new."""
        instead = self.after.version.definition.fallback_of(task)
        templates = (*task.templates, *(instead.templates if instead else ()))
        named = (one for template in templates for _, one in references(template))
        used = (one.name for one in named if isinstance(one, InputReference))
        for name in dict.fromkeys(used):
            if write_json(self.before.parameters.get(name)) != write_json(self.after.parameters.get(name)):
                yield name
