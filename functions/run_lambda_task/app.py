"""Does the tasks that functions of the deployer's own do."""

from collections.abc import Mapping

from run_lambda_task.invoke import Invoker
from stepcall.domain.custom_type import CUSTOM
from stepcall.domain.task_contract import TaskImplementation
from stepcall.runtime.invocation_wiring import invocations
from stepcall.runtime.invokable_settings import InvokableSettings
from stepcall.runtime.worker import task_handler
from stepcall.tasks.invoke import LAMBDA_INVOKE


def implementations() -> Mapping[str, TaskImplementation]:
    invoker = Invoker(InvokableSettings.from_env().functions, invocations())
    return {LAMBDA_INVOKE.name: invoker.invoke, CUSTOM: invoker.do_custom}


lambda_handler = task_handler(implementations)
