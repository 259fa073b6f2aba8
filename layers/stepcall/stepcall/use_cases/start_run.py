"""Start a run: what every face and every trigger comes down to."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.errors import ErrorReason, InvalidParametersError, Problem
from stepcall.domain.idempotency import StartOnce
from stepcall.domain.json_text import NotJsonError
from stepcall.domain.parameters import bind_parameters
from stepcall.domain.run import CALL_LOCATION, Run, RunStatus, TimeRange, failed_end
from stepcall.domain.run_mode import RunMode
from stepcall.domain.task_contract import Worker
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.run_store import LateAttemptError, RunExistsError, RunMoveRefusedError
from stepcall.use_cases.count_use import count_use
from stepcall.use_cases.dependencies import FaceDependencies, WorkerDependencies
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.executed_run import execution_input

if TYPE_CHECKING:
    from stepcall.use_cases.sweep_runs import SweepDependencies


@dataclass(frozen=True, slots=True)
class StartRun:
    """The command: which workflow, with which parameters, and where these stand in the caller's own document."""

    workflow_id: UUID
    parameters: Mapping[str, Any]
    pointer: str = "/input"
    provider_key: str | None = field(default=None, repr=False)
    """The caller's own key to the language model."""
    run_mode: RunMode = RunMode.FULL
    time_range: TimeRange | None = None
    once: StartOnce | None = None
    """The caller's key to this start."""


def start_run(command: StartRun, caller: Caller, deps: FaceDependencies) -> Run:
    """Store a run of the newest version as PENDING, and start its execution, or leave that to the sweep.

    Raises, in this order, WorkflowNotFoundError, NotGrantedError, RateLimitedError, InvalidParametersError,
    EmptyRunModeError, EngineUnavailableError where its engine is not deployed, ProviderKeysUnavailableError and
    StartedOnceError (no run exists then); whatever the engine raises besides (the run is FAILED then).
    """
    version = deps.workflows.get_latest(caller.tenant, command.workflow_id)
    caller.require_workflow(command.workflow_id)
    count_start(caller, deps)
    run = _new_run(version, command, caller, deps)
    store(run, deps, command.once)
    execute(run, version, deps)
    return run


def store(run: Run, deps: FaceDependencies, once: StartOnce | None) -> None:
    """Put a new run. Raises StartedOnceError."""
    with suppress(RunExistsError):  # a new id exists only if AWS's client has put it twice, its first answer lost
        deps.runs.put(run, once=once)


def execute(run: Run, version: WorkflowVersion, deps: "FaceDependencies | SweepDependencies") -> bool:
    """Start the execution of a PENDING run. False where that has to wait: the run stays PENDING, and is swept up.

    Raises what else the engine raises: the run is FAILED then.
    """
    try:
        deps.engine.start(run.execution_name, deps.compile(version, run.run_mode), execution_input(run))
    except EngineUnavailableError as exc:
        deps.log("start_deferred", run_id=str(run.run_id), tenant=run.tenant, error=str(exc))
        return False
    except Exception:
        if _give_up(run, deps):
            raise
    return True


def count_start(caller: Caller, deps: FaceDependencies) -> None:
    """Raises RateLimitedError."""
    if caller.rate_limit is not None:
        count_use(caller.bucket, caller.rate_limit, caller, deps, uncounted="start_not_counted")


def pending_run(
    version: WorkflowVersion,
    parameters: Mapping[str, Any],
    caller: Caller,
    deps: FaceDependencies,
    run_mode: RunMode = RunMode.FULL,
) -> Run:
    """A new run, its input kept, itself not yet. Raises NotJsonError, EmptyRunModeError."""
    content_hash = deps.compile(version, run_mode).content_hash
    run_id = deps.new_id()
    return Run(
        run_id=run_id,
        tenant=caller.tenant,
        principal=caller.principal,
        principal_id=caller.key_id,
        workflow_id=version.workflow_id,
        workflow_version=version.version,
        workflow_name=version.definition.name,
        workflow_type=version.definition.run_type,
        run_mode=run_mode,
        content_hash=content_hash,
        status=RunStatus.PENDING,
        created_at=deps.now(),
        input=deps.payloads.put(f"{run_id}/input", parameters),
    )


def _new_run(version: WorkflowVersion, command: StartRun, caller: Caller, deps: FaceDependencies) -> Run:
    parameters = bind_parameters(version.definition, command.parameters, command.pointer)
    try:
        run = pending_run(version, parameters, caller, deps, command.run_mode)
    except NotJsonError as exc:
        raise InvalidParametersError([Problem(command.pointer, "not_json", str(exc))]) from exc
    provider_key = encrypt_key(run, command.provider_key, version, deps)
    return replace(run, provider_key=provider_key, time_range=command.time_range)


def encrypt_key(run: Run, provider_key: str | None, version: WorkflowVersion, deps: FaceDependencies) -> bytes | None:
    """The caller's own key as it goes with the run. Raises ProviderKeysUnavailableError.

    None for a workflow without a task that would use it: what nobody needs is not kept.
    """
    tasks = version.definition.tasks_in(run.run_mode)
    asks_a_model = any(deps.catalog[task.type].worker is Worker.AI for task in tasks)
    if provider_key is None or not asks_a_model:
        return None
    return deps.encrypt_provider_key(run.run_id, provider_key)


def _give_up(run: Run, deps: WorkerDependencies) -> bool:
    """Whether the run was given up; not when the call that failed has started it all the same."""
    # what is wrong is not going to pass: this run must not stay PENDING for ever
    message = "The run could not be started: Step Functions did not take it."
    try:
        deps.runs.abandon(run, failed_end(deps.now(), ErrorReason.BACKEND_ERROR, CALL_LOCATION, message))
    except (RunMoveRefusedError, LateAttemptError):
        return False
    deps.log("run_not_started", run_id=str(run.run_id), tenant=run.tenant)
    return True
