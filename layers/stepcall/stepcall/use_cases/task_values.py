"""What a task is given, and where what it gives is kept. What cannot be had or kept raises PermanentTaskError."""

from typing import Any

from stepcall.domain.errors import ErrorReason, PermanentTaskError
from stepcall.domain.json_text import NotJsonError
from stepcall.domain.render_template import RenderError, Scope, render
from stepcall.domain.run import Run, StoredPayload
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.domain.template import Array, Template
from stepcall.domain.types import describe_value
from stepcall.domain.workflow import Task
from stepcall.stores.payload_store import PayloadGoneError, PayloadTooLargeError
from stepcall.use_cases.dependencies import WorkerDependencies
from stepcall.use_cases.read_scope import read_scope


def scope_of_task(task: Task, found: RunWithTasks, deps: WorkerDependencies) -> Scope:
    """What its templates may name."""
    try:
        # every element of an array reads it again
        return read_scope(found, task.needs, deps, may_keep=task.for_each is not None)
    except PayloadGoneError as exc:
        message = "What earlier tasks handed on is kept 30 days, and has been deleted."
        raise PermanentTaskError(ErrorReason.NOT_FOUND, message) from exc


def is_wanted(task: Task, scope: Scope) -> bool:
    if task.parsed_condition is None:
        return True
    from stepcall.domain.condition import ConditionError, holds  # noqa: PLC0415 - few tasks have one

    try:
        return holds(task.parsed_condition, scope)
    except (RenderError, ConditionError) as exc:
        raise PermanentTaskError(ErrorReason.INVALID, str(exc)) from exc


def render_input(task: Task, scope: Scope) -> Any:
    return _render(task.input_template, scope)


def count_elements(task: Task, scope: Scope) -> int:
    """Of the array that the task is done for."""
    return len(_read_array(task, scope))


def read_element(task: Task, scope: Scope, index: int) -> Any:
    """One of them: whatever names them gives the same at any time, as nothing that it names changes in a run."""
    if isinstance(task.each_template, Array):
        return _render(task.each_template.elements[index], scope)
    return _read_array(task, scope)[index]


def _read_array(task: Task, scope: Scope) -> list[Any]:
    value = _render(task.each_template, scope)
    if not isinstance(value, list):
        raise PermanentTaskError(ErrorReason.INVALID, f"`for_each` must be an array, not {describe_value(value)}.")
    return value


def _render(template: Template, scope: Scope) -> Any:
    try:
        return render(template, scope)
    except RenderError as exc:
        raise PermanentTaskError(ErrorReason.INVALID, str(exc)) from exc


def output_name(run: Run, ref: str) -> str:
    """What a task's output is kept under: of `page[17]` under `page/17`."""
    return f"{run.execution_name}/{ref.replace('[', '/').removesuffix(']')}"


def store_output(task: Task, found: RunWithTasks, output: Any, deps: WorkerDependencies) -> StoredPayload:
    try:
        return deps.payloads.put(output_name(found.run, task.ref), output)
    except (NotJsonError, PayloadTooLargeError) as exc:
        raise PermanentTaskError(ErrorReason.RESOURCES_EXCEEDED, f"The output cannot be stored. {exc}") from exc
