"""Does the tasks that reshape data, those that only wait, and those that ask somebody."""

from collections.abc import Mapping

from run_data_task.approval import Asker
from run_data_task.evaluator import Limits
from run_data_task.transform import Transformer
from run_data_task.wait import Waiter
from stepcall.domain.task_contract import TaskImplementation
from stepcall.runtime.kept_processes import ProcessPool
from stepcall.runtime.wiring import now
from stepcall.runtime.worker import task_handler
from stepcall.tasks.data import DATA_TRANSFORM
from stepcall.tasks.flow import APPROVAL, WAIT

# Lambda gives an instance one task at a time; the local stack gives several, on few processors.
EVALUATORS = 2


def implementations() -> Mapping[str, TaskImplementation]:
    limits = Limits()
    return {
        DATA_TRANSFORM.name: Transformer(ProcessPool(EVALUATORS, limits.child), limits).transform,
        WAIT.name: Waiter(now).wait,
        APPROVAL.name: Asker(now).ask,
    }


lambda_handler = task_handler(implementations)
