"""Does the task that executes another workflow: starts its run, and looks at it when the task's time is up."""

from collections.abc import Mapping

from run_workflow_task.execute import Executor
from stepcall.domain.task_contract import TaskImplementation
from stepcall.runtime.wiring import accept_fields
from stepcall.runtime.worker import task_handler
from stepcall.tasks.workflow import EXECUTE
from stepcall.use_cases.dependencies import AcceptDependencies


def implementations() -> Mapping[str, TaskImplementation]:
    return {EXECUTE.name: Executor(AcceptDependencies(**accept_fields())).execute}


lambda_handler = task_handler(implementations)
