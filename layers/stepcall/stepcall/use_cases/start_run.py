"""Start a run: what every face and every trigger comes down to."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.errors import InvalidParametersError, Problem
from stepcall.domain.idempotency import StartOnce
from stepcall.domain.json_text import NotJsonError
from stepcall.domain.parameters import bind_parameters
from stepcall.domain.run import Run, RunStatus, TimeRange
from stepcall.domain.run_mode import RunMode
from stepcall.domain.task_contract import Worker, worker_of
from stepcall.domain.webhook_errors import WebhookRefusedError, WebhookSecretsUnavailableError
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.run_store import RunExistsError
from stepcall.use_cases.count_use import count_use
from stepcall.use_cases.dependencies import AcceptDependencies
from stepcall.use_cases.enter_run import enter


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
    webhook_url: str | None = None
    """Where the caller wants to be called back at the end."""
    trigger_depth: int = 0
    trigger_ids: tuple[UUID, ...] = ()
    """See Run, for both."""


def start_run(command: StartRun, caller: Caller, deps: AcceptDependencies) -> Run:
    """Store a run of the newest version as PENDING, and start its execution, or have it wait for its turn.

    Raises, in this order, WorkflowNotFoundError, NotGrantedError, RateLimitedError, InvalidParametersError,
    WebhookRefusedError, WebhookSecretsUnavailableError, EmptyRunModeError, EngineUnavailableError where its engine is
    not deployed, ProviderKeysUnavailableError and StartedOnceError (no run exists then); whatever the engine raises
    besides (the run is FAILED then).
    """
    version = deps.workflows.get_latest(caller.tenant, command.workflow_id)
    caller.require_workflow(command.workflow_id)
    count_start(caller, deps)
    run = _new_run(version, command, caller, deps)
    store(run, deps, command.once)
    enter(run, version, deps)
    return run


def store(run: Run, deps: AcceptDependencies, once: StartOnce | None) -> None:
    """Put a new run. Raises StartedOnceError."""
    with suppress(RunExistsError):  # a new id exists only if AWS's client has put it twice, its first answer lost
        deps.runs.put(run, once=once)


def count_start(caller: Caller, deps: AcceptDependencies) -> None:
    """Raises RateLimitedError."""
    if caller.rate_limit is not None:
        count_use(caller.bucket, caller.rate_limit, caller, deps, uncounted="start_not_counted")


def pending_run(
    version: WorkflowVersion,
    parameters: Mapping[str, Any],
    caller: Caller,
    deps: AcceptDependencies,
    run_mode: RunMode = RunMode.FULL,
) -> Run:
    """A new run, its input kept, itself not yet. Raises NotJsonError, EmptyRunModeError."""
    content_hash = deps.compile(version, run_mode).content_hash
    run_id, now = deps.new_id(), deps.now()
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
        created_at=now,
        deadline=now + deps.time_to_run,
        correlation_id=deps.correlation_id(),
        input=deps.payloads.put(f"{run_id}/input", parameters),
    )


def _new_run(version: WorkflowVersion, command: StartRun, caller: Caller, deps: AcceptDependencies) -> Run:
    try:
        parameters = bind_parameters(version.definition, command.parameters, command.pointer)
    except InvalidParametersError as exc:
        raise InvalidParametersError([*exc.problems, *_webhook_problems(command, deps)]) from exc
    if command.webhook_url is not None:
        deps.admit_webhook_url(command.webhook_url)
    try:
        run = pending_run(version, parameters, caller, deps, command.run_mode)
    except NotJsonError as exc:
        raise InvalidParametersError([Problem(command.pointer, "not_json", str(exc))]) from exc
    provider_key = encrypt_key(run, command.provider_key, version, deps)
    return replace(
        run,
        provider_key=provider_key,
        time_range=command.time_range,
        webhook_url=command.webhook_url,
        trigger_depth=command.trigger_depth,
        trigger_ids=command.trigger_ids,
    )


def _webhook_problems(command: StartRun, deps: AcceptDependencies) -> list[Problem]:
    """For a caller who is refused anyway."""
    if command.webhook_url is None:
        return []
    try:
        deps.admit_webhook_url(command.webhook_url)
    except WebhookRefusedError as exc:
        return exc.problems
    except WebhookSecretsUnavailableError:
        return []  # it says nothing of the URL
    return []


def encrypt_key(run: Run, provider_key: str | None, version: WorkflowVersion, deps: AcceptDependencies) -> bytes | None:
    """The caller's own key as it goes with the run. Raises ProviderKeysUnavailableError.

    None for a workflow without a task that would use it: what nobody needs is not kept.
    """
    tasks = version.definition.tasks_in(run.run_mode)
    instead = filter(None, map(version.definition.fallback_of, tasks))
    asks_a_model = any(worker_of(task.type, deps.catalog) is Worker.AI for task in (*tasks, *instead))
    if provider_key is None or not asks_a_model:
        return None
    return deps.encrypt_provider_key(run.run_id, provider_key)
