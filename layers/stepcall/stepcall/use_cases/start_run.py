"""Start a run: what every face and every trigger comes down to."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from stepcall.asl.compiler import CompiledWorkflow
from stepcall.domain.access import Caller
from stepcall.domain.errors import ErrorReason, InvalidParametersError, Problem
from stepcall.domain.json_text import NotJsonError
from stepcall.domain.parameters import bind_parameters
from stepcall.domain.rate_limit import microseconds_of
from stepcall.domain.run import CALL_LOCATION, Run, RunStatus, failed_end
from stepcall.domain.task_contract import Worker
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.rate_limit_store import BucketUnavailableError
from stepcall.stores.run_store import RunExistsError, RunMoveRefusedError
from stepcall.use_cases.dependencies import FaceDependencies


@dataclass(frozen=True, slots=True)
class StartRun:
    """The command: which workflow, with which parameters, and where these stand in the caller's own document."""

    workflow_id: UUID
    parameters: Mapping[str, Any]
    pointer: str = "/input"
    provider_key: str | None = field(default=None, repr=False)
    """The caller's own key to the language model."""


def start_run(command: StartRun, caller: Caller, deps: FaceDependencies) -> Run:
    """Store a run of the newest version as PENDING, and start its execution.

    Raises WorkflowNotFoundError, NotGrantedError, RateLimitedError, InvalidParametersError and
    ProviderKeysUnavailableError (nothing exists then); EngineUnavailableError, or whatever else the engine raises (the
    run is FAILED then).
    """
    version = deps.workflows.get_latest(caller.tenant, command.workflow_id)
    caller.require_workflow(command.workflow_id)
    _count_start(caller, deps)
    compiled = deps.compile(version)
    run = _new_run(version, compiled, command, caller, deps)
    with suppress(RunExistsError):  # a new id exists only if AWS's client has put it twice, its first answer lost
        deps.runs.put(run)
    try:
        deps.engine.start(run.run_id, compiled, execution_input(run))
    except Exception:
        if _give_up(run, deps):
            raise
    return run


def execution_input(run: Run) -> dict[str, Any]:
    """All that Step Functions carries: who runs what. Data stays in the run's record."""
    return {
        "run_id": str(run.run_id),
        "workflow_id": str(run.workflow_id),
        "workflow_version": run.workflow_version,
    }


def _count_start(caller: Caller, deps: FaceDependencies) -> None:
    """Raises RateLimitedError. A bucket that cannot be asked allows: docs/decisions/2026-11-21-rate-limit.md."""
    if caller.rate_limit is None:
        return
    try:
        deps.rate_limits.take(caller.tenant, caller.key_id, caller.rate_limit, microseconds_of(deps.now()))
    except BucketUnavailableError as exc:
        deps.log("start_not_counted", tenant=caller.tenant, key_id=caller.key_id, error=str(exc))


def _new_run(
    version: WorkflowVersion,
    compiled: CompiledWorkflow,
    command: StartRun,
    caller: Caller,
    deps: FaceDependencies,
) -> Run:
    run_id = deps.new_id()
    parameters = bind_parameters(version.definition, command.parameters, command.pointer)
    provider_key = _encrypt_key(run_id, command, version, deps)
    try:
        stored_input = deps.payloads.put(f"{run_id}/input", parameters)
    except NotJsonError as exc:
        raise InvalidParametersError([Problem(command.pointer, "not_json", str(exc))]) from exc
    return Run(
        run_id=run_id,
        tenant=caller.tenant,
        principal=caller.principal,
        workflow_id=version.workflow_id,
        workflow_version=version.version,
        content_hash=compiled.content_hash,
        status=RunStatus.PENDING,
        created_at=deps.now(),
        input=stored_input,
        provider_key=provider_key,
    )


def _encrypt_key(run_id: UUID, command: StartRun, version: WorkflowVersion, deps: FaceDependencies) -> bytes | None:
    """None for a workflow without a task that would use it: what nobody needs is not kept."""
    asks_a_model = any(deps.catalog[task.type].worker is Worker.AI for task in version.definition.tasks)
    if command.provider_key is None or not asks_a_model:
        return None
    return deps.encrypt_provider_key(run_id, command.provider_key)


def _give_up(run: Run, deps: FaceDependencies) -> bool:
    """Whether the run was given up; not when the call that failed has started it all the same."""
    # the caller is told to try again, which makes a new run; this one must not stay PENDING for ever
    message = "The run could not be started: Step Functions did not take it."
    try:
        deps.runs.abandon(run.run_id, failed_end(deps.now(), ErrorReason.BACKEND_ERROR, CALL_LOCATION, message))
    except RunMoveRefusedError:
        return False
    deps.log("run_not_started", run_id=str(run.run_id), tenant=run.tenant)
    return True
