"""Workflow.Execute."""

from functools import partial

from stepcall.domain.awaited import Awaited
from stepcall.domain.errors import ErrorReason, PermanentTaskError
from stepcall.domain.ids import spell_execution
from stepcall.domain.parent_task import ParentTask
from stepcall.domain.run import Run, RunStatus
from stepcall.domain.task_contract import TaskContext
from stepcall.domain.task_phases import TaskPhase
from stepcall.stores.run_store import LateAttemptError, RunHasEndedError
from stepcall.tasks.workflow import ExecuteInput, ExecuteOutput
from stepcall.use_cases.dependencies import AcceptDependencies
from stepcall.use_cases.settle_parent import error_of
from stepcall.use_cases.start_child import StartChild, begin_child, parent_task, start_child


class Executor:
    def __init__(self, deps: AcceptDependencies) -> None:
        self._deps = deps

    def execute(self, task_input: ExecuteInput, context: TaskContext) -> ExecuteOutput | Awaited:
        """What is awaited is the run's end: it begins once the task's record says so."""
        parent = self._deps.runs.get_for_work(context.run_id, ()).run
        if parent.run_attempt != context.run_attempt:
            raise LateAttemptError(parent.run_id)
        if parent.status.has_ended:
            raise RunHasEndedError(parent.run_id, parent.status)
        task = parent_task(parent, context.ref)
        if context.phase is TaskPhase.COLLECT:
            return self._look(self._find(parent, task))
        command = StartChild(task_input.workflow_id, task_input.version, task_input.input, task)
        child = start_child(command, parent, self._deps)
        begin = partial(begin_child, child.run_id, self._deps)
        return Awaited(child_run_id=child.run_id, child_workflow_id=child.workflow_id, begin=begin)

    def _find(self, parent: Run, task: ParentTask) -> Run:
        started = self._deps.runs.find_start(parent.tenant, task.principal, task.start_key, self._deps.now())
        if started is None:
            raise PermanentTaskError(ErrorReason.TIMEOUT, "The execution was not started in time.")
        return self._deps.runs.get_for_work(started.run_id, ()).run

    def _look(self, child: Run) -> ExecuteOutput:
        """How it has ended, where nobody was told of that; else it is too late, and whoever hears of it cancels it."""
        spelled = spell_execution(child.run_id)
        if child.runs_for_parent and child.status is RunStatus.COMPLETED and child.output:
            return ExecuteOutput(execution_id=spelled, output=self._deps.payloads.get(child.output))
        if child.status.has_ended or not child.runs_for_parent:
            error = error_of(child)
            raise PermanentTaskError(error.reason, error.message)
        message = f"The execution `{spelled}` had not ended when this task's time was up, and is cancelled."
        raise PermanentTaskError(ErrorReason.TIMEOUT, message)
