"""The use cases with memory stores and an engine that does nothing: each test plays the state machine itself."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

from stepcall.asl.compiler import FINISH_RUN, CompiledWorkflow
from stepcall.domain.access import Caller
from stepcall.domain.ids import read_execution_name
from stepcall.domain.invokable_functions import InvokableFunctions
from stepcall.domain.run import Run, RunStatus, StoredPayload, TaskRun
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.domain.task_contract import TaskContext, TaskImplementation, Worker
from stepcall.domain.workflow import WorkflowVersion
from stepcall.runtime.authentication import KnownKeys
from stepcall.runtime.provider_keys import ProviderKeys
from stepcall.stores.memory_api_key_store import MemoryApiKeyStore
from stepcall.stores.memory_connection_store import MemoryConnectionStore
from stepcall.stores.memory_payload_store import MemoryPayloadStore
from stepcall.stores.memory_procedure_store import MemoryProcedureStore
from stepcall.stores.memory_rate_limit_store import MemoryRateLimitStore
from stepcall.stores.memory_run_store import MemoryRunStore
from stepcall.stores.memory_slot_store import MemorySlotStore
from stepcall.stores.memory_task_type_store import MemoryTaskTypeStore
from stepcall.stores.memory_workflow_store import MemoryWorkflowStore
from stepcall.stores.rate_limit_store import RateLimitStore
from stepcall.stores.slot_store import SlotStore
from stepcall.tasks.catalog import CATALOG
from stepcall.tasks.data import TransformInput, TransformOutput
from stepcall.use_cases.compile_version import MachineCompiler
from stepcall.use_cases.define_workflow import define_workflow
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.engine import EngineUnavailableError, ExecutionStatus
from stepcall.use_cases.finish_run import RunEnding, finish_run
from stepcall.use_cases.metrics import Measured
from stepcall.use_cases.run_task import TaskInvocation, run_task
from stepcall.use_cases.start_run import StartRun, start_run
from stepcall.use_cases.sweep_runs import ListedTo, SweepDependencies, SweepResult, sweep_runs
from tests.clock import Clock, new_ids
from tests.fixed_secret import FixedSecret
from tests.sample_workflows import Document
from tests.unit.fake_sql import FakeSqlWorker, FakeUploads

ARNS = {name: f"arn:aws:lambda:eu-central-1:123456789012:function:{name}" for name in (*Worker, FINISH_RUN)}
CALLER = Caller("acme", "ci")
STRANGER = Caller("other", "ci")
TIME_TO_RUN = timedelta(hours=168)
FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:price"


@dataclass
class FakeEngine:
    """Step Functions as far as a caller can see it: what was started, what was stopped, and whether it answers.

    An execution RUNS until the test says in `ended` how it has ended. What is kept by run is of its latest attempt.
    """

    is_down: bool = False
    fault: Exception | None = None
    """What it raises in place of a start."""
    ended: dict[UUID, ExecutionStatus] = field(default_factory=dict)
    described: list[UUID] = field(default_factory=list)
    started: dict[UUID, tuple[CompiledWorkflow, dict[str, Any]]] = field(default_factory=dict)
    stopped: list[UUID] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """Of the executions that were started, each once."""
    on_start: Callable[[], object] = lambda: None

    def start(self, name: str, compiled: CompiledWorkflow, execution_input: dict[str, Any]) -> None:
        self.on_start()
        if self.is_down:
            raise EngineUnavailableError("Step Functions answered ThrottlingException.")
        if self.fault:
            raise self.fault
        run_id, run_attempt = read_execution_name(name)
        if self._latest_attempt(run_id) < run_attempt:
            self.names.append(name)
            self.started[run_id] = (compiled, execution_input)
            self.ended.pop(run_id, None)

    def _latest_attempt(self, run_id: UUID) -> int:
        """0 for a run that was not started."""
        if run_id not in self.started:
            return 0
        _, execution_input = self.started[run_id]
        attempt: int = execution_input.get("run", {}).get("run_attempt", 1)
        return attempt

    def stop(self, name: str, content_hash: str, cause: str) -> None:
        if self.is_down:
            raise EngineUnavailableError("Step Functions answered ThrottlingException.")
        self.stopped.append(read_execution_name(name).run_id)

    def describe(self, name: str, content_hash: str) -> ExecutionStatus:
        run_id, run_attempt = read_execution_name(name)
        self.described.append(run_id)
        if self.is_down:
            raise EngineUnavailableError("Step Functions answered ThrottlingException.")
        if self._latest_attempt(run_id) != run_attempt or self.started[run_id][0].content_hash != content_hash:
            return ExecutionStatus.MISSING
        return self.ended.get(run_id, ExecutionStatus.RUNNING)


def hand_on(task_input: TransformInput, _context: TaskContext) -> TransformOutput:
    """The work of a light task: its data is its result."""
    return TransformOutput(result=task_input.data)


@dataclass
class RunWorld:
    """One deployment. `work` is what the next tasks do, in place of `hand_on`."""

    clock: Clock = field(default_factory=Clock)
    engine: FakeEngine = field(default_factory=FakeEngine)
    runs: MemoryRunStore = field(default_factory=MemoryRunStore)
    workflows: MemoryWorkflowStore = field(default_factory=MemoryWorkflowStore)
    payloads: MemoryPayloadStore = field(default_factory=MemoryPayloadStore)
    keys: MemoryApiKeyStore = field(default_factory=MemoryApiKeyStore)
    rate_limits: RateLimitStore = field(default_factory=MemoryRateLimitStore)
    slots: SlotStore = field(default_factory=MemorySlotStore)
    max_running: int = 500
    connections: MemoryConnectionStore = field(default_factory=MemoryConnectionStore)
    procedures: MemoryProcedureStore = field(default_factory=MemoryProcedureStore)
    task_types: MemoryTaskTypeStore = field(default_factory=MemoryTaskTypeStore)
    sql_worker: FakeSqlWorker = field(default_factory=FakeSqlWorker)
    uploads: FakeUploads = field(default_factory=FakeUploads)
    admitted_urls: list[str] = field(default_factory=list)
    logged: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    remaining_seconds: float = 60.0
    correlation_id: str = "req-1"

    def __post_init__(self) -> None:
        self.keys_in_use = KnownKeys(self.keys, self.clock.monotonic, self.clock.now)
        self.deps = FaceDependencies(
            workflows=self.workflows,
            runs=self.runs,
            payloads=self.payloads,
            catalog=CATALOG,
            now=self.clock.now,
            log=lambda event, /, **facts: self.logged.append((event, facts)),
            about=lambda _run: nullcontext(),
            engine=self.engine,
            compile=MachineCompiler(CATALOG, ARNS),
            slots=self.slots,
            max_running=self.max_running,
            time_to_run=TIME_TO_RUN,
            keys=self.keys,
            read_own_key=self.keys_in_use.of_id_anew,
            forget_key=self.keys_in_use.forget,
            rate_limits=self.rate_limits,
            connections=self.connections,
            procedures=self.procedures,
            sql_worker=self.sql_worker,
            uploads=self.uploads,
            athena_available=True,
            dataset_buckets=frozenset({"open-data"}),
            functions=InvokableFunctions([FUNCTION]),
            task_types=lambda: self.task_types,
            correlation_id=lambda: self.correlation_id,
            encrypt_provider_key=ProviderKeys(FixedSecret()).encrypt,
            admit_webhook_url=self.admitted_urls.append,
            new_id=new_ids(self.clock),
            sleep=self.clock.sleep,
            monotonic=self.clock.monotonic,
        )
        self.sweep_deps = SweepDependencies(
            workflows=self.workflows,
            runs=self.runs,
            payloads=self.payloads,
            catalog=CATALOG,
            now=self.clock.now,
            log=self.deps.log,
            about=self.deps.about,
            engine=self.engine,
            compile=self.deps.compile,
            metrics=self.measured.append,
            slots=self.slots,
            max_running=self.max_running,
            choose=Random(0).sample,
            listed_to=ListedTo(),
            sleep=self.clock.sleep,
            monotonic=self.clock.monotonic,
        )

    def define(self, document: Document, caller: Caller = CALLER) -> WorkflowVersion:
        return define_workflow(document, caller, self.deps).version

    def start(self, document: Document, caller: Caller = CALLER, **parameters: Any) -> Run:
        version = self.define(document, caller)
        return start_run(StartRun(version.workflow_id, parameters), caller, self.deps)

    def do_task(self, run: Run, ref: str, work: TaskImplementation = hand_on, attempt: int = 0) -> None:
        """Deliver a task to its worker; it takes a second."""
        self.clock.sleep(1)
        implementations: Mapping[str, TaskImplementation] = dict.fromkeys(CATALOG, work)
        run_task(self._invocation(run, ref, attempt), implementations, lambda: self.remaining_seconds, self.deps)

    def finish(self, run: Run, error: str | None = None, cause: str = "arn:aws:lambda:x Traceback") -> None:
        """Deliver the run's end: with the name of an error, on the bad road."""
        self.clock.sleep(1)
        names: dict[str, Any] = {"error": {"Error": error, "Cause": cause}} if error else {}
        finish_run(RunEnding.model_validate(sent_by_the_machine(run) | names), self.deps)

    def sweep(self, *, after: float = 0.0, seconds: float = 40.0) -> SweepResult:
        """One sweep, so many seconds later. Raises what it met with single runs."""
        self.clock.sleep(after)
        result = sweep_runs(seconds, self.sweep_deps)
        if result.faults:
            raise ExceptionGroup("What the sweep has met with.", result.faults)
        return result

    def found(self, run: Run) -> RunWithTasks:
        return self.runs.get_for_end(run.run_id)

    def status(self, run: Run) -> RunStatus:
        return self.found(run).run.status

    def task(self, run: Run, ref: str) -> TaskRun:
        return self.found(run).task(ref)

    def output(self, run: Run) -> Any:
        return self.value(self.found(run).run.output)

    def result(self, run: Run, ref: str) -> Any:
        return self.value(self.task(run, ref).output)["result"]

    def value(self, payload: StoredPayload | None) -> Any:
        assert payload is not None
        return self.payloads.get(payload)

    def events(self) -> list[str]:
        return [event for event, _ in self.logged]

    @staticmethod
    def _invocation(run: Run, ref: str, attempt: int) -> TaskInvocation:
        return TaskInvocation.model_validate(sent_by_the_machine(run) | {"ref": ref, "attempt": attempt})


def sent_by_the_machine(run: Run) -> dict[str, Any]:
    """What every state sends of its run."""
    return {
        "run": {
            "run_id": str(run.run_id),
            "run_attempt": run.run_attempt,
            "content_hash": run.content_hash,
            "workflow_id": str(run.workflow_id),
            "workflow_version": run.workflow_version,
            "tenant": run.tenant,
            "correlation_id": run.correlation_id,
        }
    }
