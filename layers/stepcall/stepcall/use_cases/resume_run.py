"""Resume a run that FAILED or was CANCELLED: the same run once more, with what its finished tasks have given.

It is another attempt, executed under a name of its own: docs/decisions/2026-11-21-resume.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.errors import ErrorReason, InvalidParametersError, Problem
from stepcall.domain.json_text import write_json
from stepcall.domain.parameters import bind_parameters
from stepcall.domain.resume_plan import Bound, PlannedTask, Planner, Resume
from stepcall.domain.run import CALL_LOCATION, RESUMABLE, TABLE_LIFE, Run, RunStatus, StoredPayload, TaskRun
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.domain.task_contract import Worker, worker_of
from stepcall.domain.workflow import Task, WorkflowVersion
from stepcall.stores.payload_store import PayloadGoneError
from stepcall.stores.run_store import LateAttemptError, RunMoveRefusedError, TableClaimedError
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.enter_run import enter
from stepcall.use_cases.read_run import RunView, find_run, view_run
from stepcall.use_cases.read_workflow import read_workflow
from stepcall.use_cases.require_start import require_start
from stepcall.use_cases.resume_errors import ResumeRefusedError
from stepcall.use_cases.start_run import count_start, encrypt_key

MARGIN = timedelta(days=1)
"""What is deleted sooner than that is taken for gone: the run has to read it yet."""
MAX_ATTEMPTS = 100
"""Of one run: each leaves deliveries of webhooks, names of executions and tasks' records behind."""
RECORD_LIFE = timedelta(days=366)
"""After which a task's record may be deleted while its run goes on: it is kept for a year and a run's retention."""


@dataclass(frozen=True, slots=True)
class ResumeRun:
    """The command. `version` is the one to go on with, None for the run's own."""

    run_id: UUID
    workflow_id: UUID
    version: int | None = None
    pointer: str = "/input"
    """What problems with the stored input are told at."""
    provider_key: str | None = field(default=None, repr=False)
    """The caller's own key to the language model: the one that the run was started with was erased at its end."""


class ResumedRun(NamedTuple):
    """The run as it waits to be executed again, and what it does about each task."""

    view: RunView
    plan: tuple[PlannedTask, ...]


def resume_run(command: ResumeRun, caller: Caller, deps: FaceDependencies) -> ResumedRun:
    """Make the run PENDING again, and start its execution, or have it wait for its turn.

    Raises, in this order, RunNotFoundError, NotGrantedError, RateLimitedError, ResumeRefusedError,
    WorkflowNotFoundError, VersionNotFoundError, InvalidParametersError, EmptyRunModeError, EngineUnavailableError where
    its engine is not deployed, ProviderKeysUnavailableError (the run is as it was then); whatever the engine raises
    besides (the run is FAILED again then).
    """
    found = find_run(command.run_id, caller, deps, command.workflow_id)
    require_start(found.run, caller)
    count_start(caller, deps)
    _require_resumable(found.run, command)
    version = read_workflow(found.run.workflow_id, caller, deps, number=command.version or found.run.workflow_version)
    before = _bound_before(found.run, deps)
    parameters = _rebind(before, version, command.pointer)
    plan = _plan(found, before, Bound(version, parameters), deps)
    resumed = _next_attempt(found.run, version, plan, deps)
    resumed = replace(resumed, input=_keep_input(resumed, before, parameters, deps))
    provider_key = encrypt_key(resumed, command.provider_key, version, deps)
    resumed = replace(resumed, provider_key=provider_key)
    _move(found.run, resumed, deps)
    deps.log("run_resumed", run_id=str(resumed.run_id), tenant=resumed.tenant, run_attempt=str(resumed.run_attempt))
    enter(resumed, version, deps)
    return ResumedRun(view_run(RunWithTasks(resumed, found.tasks), deps), plan)


def _require_resumable(run: Run, command: ResumeRun) -> None:
    """Raises ResumeRefusedError."""
    if run.status not in RESUMABLE:
        raise _not_resumable(run.status)
    if run.run_attempt >= MAX_ATTEMPTS:
        raise ResumeRefusedError(f"It was executed {MAX_ATTEMPTS} times, the most there may be: start another.")
    if run.job and run.error and (run.error.reason, run.error.location) == (ErrorReason.INVALID_QUERY, CALL_LOCATION):
        raise ResumeRefusedError("It was refused before it began, as its call was not valid. Call the procedure again.")
    has_table = run.job is not None and run.job.output_table is not None
    if has_table and command.version not in {None, run.workflow_version}:
        message = "Its output table is of the version that it was called with. Resume it without `version`."
        raise ResumeRefusedError(message)


def _not_resumable(status: RunStatus) -> ResumeRefusedError:
    instead = "Start a new one." if status.has_ended else "Wait for its end, or cancel it first."
    return ResumeRefusedError(
        f"The execution is {status}. Those that are FAILED or CANCELLED can be resumed. {instead}"
    )


def _bound_before(run: Run, deps: FaceDependencies) -> Bound:
    """What the run was started with. Raises ResumeRefusedError."""
    version = deps.workflows.get_version(run.workflow_id, run.workflow_version)
    try:
        return Bound(version, deps.payloads.get(run.input))
    except PayloadGoneError as exc:
        message = "Its input is kept no more: over 8 KB it is kept 30 days. Start a new execution."
        raise ResumeRefusedError(message) from exc


def _rebind(before: Bound, version: WorkflowVersion, pointer: str) -> dict[str, Any]:
    """The inputs of the version, of which an earlier one may have had others. Raises InvalidParametersError."""
    declared = {parameter.name for parameter in version.definition.input}
    given = {name: value for name, value in before.parameters.items() if name in declared and value is not None}
    try:
        return bind_parameters(version.definition, given, pointer)
    except InvalidParametersError as exc:
        raise InvalidParametersError([_advise(problem) for problem in exc.problems]) from exc


def _advise(problem: Problem) -> Problem:
    advice = "A resume takes no inputs: choose a version that the execution's own fit, or start a new execution."
    return replace(problem, message=f"{problem.message} {advice}")


def _plan(found: RunWithTasks, before: Bound, after: Bound, deps: FaceDependencies) -> tuple[PlannedTask, ...]:
    planner = Planner(
        found,
        before,
        after,
        is_kept=lambda task, done: _is_kept(task, done, deps),
        is_sql=lambda task: _is_sql(task, deps),
    )
    return planner.plan()


def _is_sql(task: Task, deps: FaceDependencies) -> bool:
    return worker_of(task.type, deps.catalog) is Worker.SQL


def _is_kept(task: Task, done: TaskRun, deps: FaceDependencies) -> bool:
    """The bucket keeps what was written there, tables too, for 30 days; a record has the rest."""
    is_in_bucket = _is_sql(task, deps) or (done.output is not None and done.output.key is not None)
    life = TABLE_LIFE - MARGIN if is_in_bucket else RECORD_LIFE
    return done.completed_at is not None and deps.now() - done.completed_at < life


def _next_attempt(run: Run, version: WorkflowVersion, plan: tuple[PlannedTask, ...], deps: FaceDependencies) -> Run:
    now = deps.now()
    return replace(
        run,
        status=RunStatus.PENDING,
        run_attempt=run.run_attempt + 1,
        resumed_at=now,
        kept_refs=frozenset(planned.ref for planned in plan if planned.resume is Resume.REUSED),
        workflow_version=version.version,
        workflow_name=version.definition.name,
        workflow_type=version.definition.run_type,
        content_hash=deps.compile(version, run.run_mode).content_hash,
        deadline=_deadline_anew(run, now),
        started_at=None,
        completed_at=None,
        output=None,
        error=None,
        cancelled_from=None,
    )


def _deadline_anew(run: Run, now: datetime) -> datetime | None:
    """As long from now on as it was from when the attempt was asked for."""
    return run.deadline and now + (run.deadline - run.accepted_at)


def _keep_input(resumed: Run, before: Bound, given: Mapping[str, Any], deps: FaceDependencies) -> StoredPayload:
    """As it is, or written anew: what lies in the bucket for another 30 days, what another version takes."""
    if resumed.input.key is None and write_json(given) == write_json(before.parameters):
        return resumed.input
    return deps.payloads.put(f"{resumed.execution_name}/input", given)


def _move(run: Run, resumed: Run, deps: FaceDependencies) -> None:
    """Raises ResumeRefusedError when somebody else was first."""
    try:
        deps.runs.resume(run, resumed, table=run.job.output_table if run.job else None)
    except TableClaimedError as exc:
        message = "Another call has its output table now, or nobody any more. Call the procedure again."
        raise ResumeRefusedError(message) from exc
    except RunMoveRefusedError as exc:
        raise _not_resumable(exc.status) from exc
    except LateAttemptError as exc:
        raise _not_resumable(deps.runs.get(run.tenant, run.run_id).run.status) from exc
