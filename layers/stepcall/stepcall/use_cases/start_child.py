"""Start the run that a task of another run executes: stored once, whoever comes again, and begun once it is awaited.

First it is stored, PENDING, with the place where its parent's end finds it; then the parent's task says that it waits
for it; then its execution is started, if the task still waits. So whatever dies on the way, a run whose parent has
ended is found and cancelled, or never starts. docs/decisions/2026-11-22-child-runs.md.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from stepcall.asl.graph import EmptyRunModeError
from stepcall.domain.access import Caller
from stepcall.domain.errors import ErrorReason, InvalidParametersError, PermanentTaskError, RetryableTaskError
from stepcall.domain.idempotency import IdempotencyKeyReusedError, StartOnce
from stepcall.domain.ids import spell_execution, spell_workflow
from stepcall.domain.parameters import bind_parameters
from stepcall.domain.parent_task import MAX_BELOW, MAX_CHILD_DEPTH, ParentTask
from stepcall.domain.run import Run, RunStatus
from stepcall.domain.run_mode import RunMode
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.payload_store import PayloadTooLargeError
from stepcall.stores.run_store import StartedOnceError
from stepcall.stores.workflow_store import VersionNotFoundError, WorkflowNotFoundError
from stepcall.use_cases.child_bond import Bond, bond_of
from stepcall.use_cases.dependencies import AcceptDependencies, StartDependencies
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.enter_run import enter
from stepcall.use_cases.read_workflow import read_workflow
from stepcall.use_cases.start_configured_run import find_configured_workflow
from stepcall.use_cases.start_once import start_once
from stepcall.use_cases.start_run import pending_run, store

MAX_TOLD = 3
"""Problems of an input that a task's error tells."""


class StartChild(NamedTuple):
    """The command: which workflow, by its id or its `config_id`, in which version, None for the newest; for whom."""

    name: str
    version: int | None
    parameters: Mapping[str, Any]
    task: ParentTask

    @property
    def once(self) -> StartOnce:
        """The key alone says it: what a second delivery of the task would start is what the first has started."""
        return StartOnce(self.task.start_key, str(self.task.run_id))


def caller_of(parent: Run, task: ParentTask) -> Caller:
    """Who starts it: no key, whose limit would count it, and whose own starts would go by the same name."""
    return Caller(parent.tenant, task.principal, task.principal)


def parent_task(parent: Run, ref: str) -> ParentTask:
    task = ParentTask(parent.run_id, parent.run_attempt, ref, parent.lineage, run_mode=parent.run_mode)
    above = parent.parent
    return task._replace(top_run_id=above.topmost, run_mode=above.run_mode) if above else task


def start_child(command: StartChild, parent: Run, deps: AcceptDependencies) -> Run:
    """The run, stored and not begun, or as an earlier delivery has left it. Raises TaskError."""
    start = partial(_put_anew, parent)
    with _errors_of_a_task():
        return start_once(start, command, caller_of(parent, command.task), deps).run


def _put_anew(parent: Run, command: StartChild, caller: Caller, deps: AcceptDependencies) -> Run:
    workflow_id = find_configured_workflow(command.name, caller, deps)
    version = read_workflow(workflow_id, caller, deps, number=command.version)
    _refuse_to_nest(version, command.task)
    parameters = bind_parameters(version.definition, command.parameters)
    _count(command.task, deps)
    run = pending_run(version, parameters, caller, deps, _run_mode_of(version, command.task))
    deadlines = [deadline for deadline in (run.deadline, parent.deadline) if deadline]
    run = replace(
        run,
        parent=command.task,
        time_range=parent.time_range,
        deadline=min(deadlines, default=None),
        correlation_id=parent.correlation_id,
        trigger_depth=parent.trigger_depth,
        trigger_ids=parent.trigger_ids,
    )
    store(run, deps, command.once)
    deps.log("child_run_stored", run_id=str(run.run_id), tenant=run.tenant, parent_run_id=str(parent.run_id))
    return run


def _run_mode_of(version: WorkflowVersion, task: ParentTask) -> RunMode:
    """A workflow without stages knows no modes: it is done whole, where the task that executes it is done."""
    is_staged = any(each.stage is not None for each in version.definition.tasks)
    return task.run_mode if is_staged else RunMode.FULL


def _count(task: ParentTask, deps: AcceptDependencies) -> None:
    """Raises PermanentTaskError."""
    if deps.runs.count_below(task.topmost, deps.now()) > MAX_BELOW:
        message = (
            f"Below `{spell_execution(task.topmost)}` some {MAX_BELOW:,} executions were started, and more are not: do "
            "in one execution for many elements what each has one for, or start several executions from outside."
        )
        raise PermanentTaskError(ErrorReason.RESOURCES_EXCEEDED, message)


def _refuse_to_nest(version: WorkflowVersion, task: ParentTask) -> None:
    """What the check of a definition cannot see: workflows change one by one. Raises PermanentTaskError."""
    if version.workflow_id in task.lineage:
        behind = (*task.lineage[task.lineage.index(version.workflow_id) :], version.workflow_id)
        chain = " → ".join(f"`{spell_workflow(each)}`" for each in behind)
        raise PermanentTaskError(ErrorReason.INVALID, f"A workflow cannot execute itself, and this would: {chain}.")
    if len(task.lineage) > MAX_CHILD_DEPTH:
        message = f"Executions nest at most {MAX_CHILD_DEPTH} deep below the first, and this one is as deep already."
        raise PermanentTaskError(ErrorReason.INVALID, message)


@contextmanager
def _errors_of_a_task() -> Iterator[None]:
    try:
        yield
    except WorkflowNotFoundError as exc:
        message = "The workflow that is to be executed is not there: it was deleted, or has lost that `config_id`."
        raise PermanentTaskError(ErrorReason.NOT_FOUND, message) from exc
    except VersionNotFoundError as exc:
        raise PermanentTaskError(ErrorReason.NOT_FOUND, str(exc)) from exc
    except InvalidParametersError as exc:
        told = " ".join(f"{problem.location}: {problem.message}" for problem in exc.problems[:MAX_TOLD])
        raise PermanentTaskError(ErrorReason.INVALID, f"The workflow does not take this input. {told}") from exc
    except (EmptyRunModeError, PayloadTooLargeError) as exc:
        raise PermanentTaskError(ErrorReason.INVALID, f"The workflow cannot be executed. {exc}") from exc
    except IdempotencyKeyReusedError as exc:
        message = "The execution that was started before is kept no more."
        raise PermanentTaskError(ErrorReason.NOT_FOUND, message) from exc
    except (StartedOnceError, EngineUnavailableError) as exc:
        raise RetryableTaskError(ErrorReason.BACKEND_ERROR, "The execution could not be started now.") from exc


def begin_child(run_id: UUID, deps: StartDependencies) -> None:
    """Start the execution of a run that was stored for a task that waits for it now, or say how it has ended already.

    What cannot be started ends, and its end is told as any.
    """
    from stepcall.use_cases.settle_parent import settle_parent  # noqa: PLC0415 - few have ended before they began

    child = deps.runs.get_for_work(run_id, ()).run
    if child.status.has_ended or not child.runs_for_parent:
        settle_parent(child, deps)  # before the task waited for it, and then nobody was to be told
    elif child.status is RunStatus.PENDING and bond_of(child, deps) is Bond.AWAITED:
        enter(child, deps.workflows.get_version(child.workflow_id, child.workflow_version), deps)
