"""Executions that stop at once, keep their error and cause, and do not pile up.

In moto StopExecution waits for the running handler, whose error then ends the execution instead, and forgets its own
error and cause; a stop that comes before the execution's thread is up fails; and every finished execution and every
thread is kept for ever.
"""

from _thread import start_new_thread
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.stepfunctions.exceptions import ExecutionAlreadyExists
from moto.stepfunctions.models import StateMachine
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.evaluation_details import EvaluationDetails
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend, stepfunctions_parser_backends
from moto.stepfunctions.parser.utils import TMP_THREADS
from moto.stepfunctions.responses import StepFunctionResponse

from local.moto_world.atomic_calls import STATE_MACHINES
from local.moto_world.replacing import replaced

NAMES_REMEMBERED = 100_000  # AWS refuses the name of a finished execution for 90 days


class FinishedExecutions:
    """The last `kept` finished executions. Of older ones only the name is remembered. Used with STATE_MACHINES held."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._finished: deque[Any] = deque()
        self._forgotten: dict[str, None] = {}

    def add(self, execution: Any) -> None:
        TMP_THREADS.clear()  # moto only ever appends to it
        self._finished.append(execution)
        while len(self._finished) > self._kept:
            self._forget(self._finished.popleft())

    def refuse_name_of_forgotten(self, state_machine: Any, name: str) -> None:
        """Raises ExecutionAlreadyExists."""
        arn = f"{state_machine.arn.replace(':stateMachine:', ':execution:')}:{name}"
        if arn in self._forgotten:
            raise ExecutionAlreadyExists(f"Execution Already Exists: '{arn}'")

    def _forget(self, execution: Any) -> None:
        execution.listed_in.remove(execution)
        self._forgotten[execution.exec_arn] = None
        if len(self._forgotten) > NAMES_REMEMBERED:
            del self._forgotten[next(iter(self._forgotten))]


class StoppableExecutionWorker(ExecutionWorker):
    """Its environment is there, and running, before its thread starts: a stop always finds it."""

    def start(self) -> None:
        self.env = super()._get_evaluation_environment()
        program: Any = self._get_evaluation_entrypoint()
        self.env.next_state_name = program.start_at.start_at_name
        # unlike Thread.start this does not wait until the thread has run: StartExecution answers sooner
        start_new_thread(self._execution_logic, ())

    def _get_evaluation_environment(self) -> Any:
        return self.env


@contextmanager
def bounded_and_stoppable_executions(kept: int = 200) -> Iterator[None]:
    finished = FinishedExecutions(kept)
    corrections: list[tuple[Any, str, Any]] = [
        (Execution, "_get_start_execution_worker", _stoppable_worker),
        (Execution, "stop", _stop_at_once),
        (StepFunctionResponse, "stop_execution", _stop_with_error_and_cause),
        (Environment, "set_error", _unless_stopped(Environment.set_error)),
        (Environment, "set_timed_out", _unless_stopped(Environment.set_timed_out)),
        (Program, "eval", _eval_in_own_thread(Program.eval)),
        (BaseExecutionWorkerCommunication, "terminated", _end_into(finished)),
        (StepFunctionsParserBackend, "start_execution", _start_listed(StepFunctionsParserBackend.start_execution)),
        (
            StateMachine,
            "_handle_name_input_idempotency",
            _refuse_forgotten(StateMachine._handle_name_input_idempotency, finished),
        ),
    ]
    with ExitStack() as stack:
        for correction in corrections:
            stack.enter_context(replaced(*correction))
        yield


def abort_running_executions() -> None:
    """So that none goes on when its functions and its AWS are gone."""
    with STATE_MACHINES:
        for execution in running_executions():
            execution.stop(stop_date=utcnow(), error=None, cause="The local stack ends.")


def running_executions() -> list[Any]:
    return [execution for execution in kept_executions() if execution.exec_status is ExecutionStatus.RUNNING]


def kept_executions() -> list[Any]:
    """Of all machines: those that run, and the last that have ended."""
    with STATE_MACHINES:
        backends = stepfunctions_parser_backends[DEFAULT_ACCOUNT_ID].values()
        return [e for backend in backends for machine in backend.state_machines for e in machine.executions]


def _stoppable_worker(self: Any) -> StoppableExecutionWorker:
    return StoppableExecutionWorker(
        evaluation_details=EvaluationDetails(
            aws_execution_details=self._get_start_aws_execution_details(),
            execution_details=self.get_start_execution_details(),
            state_machine_details=self.get_start_state_machine_details(),
        ),
        exec_comm=self._get_start_execution_worker_comm(),
        cloud_watch_logging_session=None,
        activity_store={},
    )


def _start_listed(start_execution: Callable[..., Any]) -> Callable[..., Any]:
    """Lets an execution know the list it stands in: it holds a copy of its state machine, not the machine."""

    def start(self: Any, state_machine_arn: str, *args: Any, **kwargs: Any) -> Any:
        execution = start_execution(self, state_machine_arn, *args, **kwargs)
        execution.listed_in = self.describe_state_machine(state_machine_arn).executions
        return execution

    return start


def _eval_in_own_thread(eval_with_timeout: Callable[..., None]) -> Callable[..., None]:
    """Another thread is needed only to give up a machine that has a TimeoutSeconds of its own."""

    def eval_program(self: Any, env: Any) -> None:
        if env.is_frame():  # a branch of another
            env.next_state_name = self.start_at.start_at_name
        if self.timeout_seconds is not None and env.is_running():
            eval_with_timeout(self, env)
        else:
            self._eval_body(env)  # which writes the end of a stopped one into its history, too

    return eval_program


def _stop_at_once(self: Any, stop_date: Any, error: str | None, cause: str | None) -> None:
    """The handler that runs goes on to its own end, as on AWS; the execution does not wait for it."""
    self.exec_worker.stop(stop_date=stop_date, error=error, cause=cause)
    if isinstance(self.exec_worker.env.program_state(), ProgramStopped) and self.stop_date is None:
        self.exec_status = ExecutionStatus.ABORTED
        self.stop_date, self.error, self.cause = stop_date, error, cause


def _stop_with_error_and_cause(self: Any) -> Any:
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    execution.stop(stop_date=utcnow(), error=self._get_param("error"), cause=self._get_param("cause"))
    return ActionResult({"stopDate": execution.stop_date or utcnow()})


def _unless_stopped(end_otherwise: Callable[..., None]) -> Callable[..., None]:
    """What its handler comes to after the stop is no longer the execution's end."""

    def end(self: Any, *args: Any, **kwargs: Any) -> None:
        with self._state_mutex:
            if not isinstance(self._program_state, ProgramStopped):
                end_otherwise(self, *args, **kwargs)

    return end


def _end_into(finished: FinishedExecutions) -> Callable[[Any], None]:
    def end(self: Any) -> None:
        with STATE_MACHINES:
            if self.execution.exec_status is ExecutionStatus.RUNNING:
                self._reflect_execution_status()
            finished.add(self.execution)

    return end


def _refuse_forgotten(same_name: Callable[..., Any], finished: FinishedExecutions) -> Callable[..., Any]:
    def refuse_used_name(self: Any, name: str, execution_input: str) -> Any:
        finished.refuse_name_of_forgotten(self, name)
        return same_name(self, name, execution_input)

    return refuse_used_name
