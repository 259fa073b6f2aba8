"""Let a run that was accepted begin: at once where its tenant has a slot free, else when its turn comes.

What every start comes down to, and every resume. docs/decisions/2026-11-21-run-concurrency.md.
"""

import traceback
from itertools import islice

from stepcall.domain.errors import ErrorReason
from stepcall.domain.run import CALL_LOCATION, Run, failed_end
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.run_store import LateAttemptError, RunMoveRefusedError
from stepcall.stores.slot_store import SlotsUnavailableError, Taking, place_of
from stepcall.use_cases.dependencies import StartDependencies, WorkerDependencies
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.executed_run import execution_input

MAX_ADMITTED = 11
"""By one start: itself and ten others, for its caller waits for all of them."""


def enter(run: Run, version: WorkflowVersion, deps: StartDependencies) -> None:
    """Start the execution of a run that was just put as PENDING, or have it wait. What fails on the way is swept up.

    Raises what `execute` raises.
    """
    try:
        # in its parent's place: who holds a slot and waits for who waits for one would wait for ever
        may_begin = not deps.max_running or run.runs_for_parent or _takes_slot(run, deps)
        if not may_begin:
            _wait(run, deps)
    except SlotsUnavailableError as exc:
        deps.log("start_deferred", run_id=str(run.run_id), tenant=run.tenant, error=str(exc))
        return
    if may_begin:
        execute(run, version, deps)


def execute(run: Run, version: WorkflowVersion, deps: StartDependencies) -> bool:
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


def _takes_slot(run: Run, deps: StartDependencies) -> bool:
    taking = deps.slots.take(run.tenant, place_of(run), limit=deps.max_running, in_turn=False)
    return taking is not Taking.REFUSED


def _wait(run: Run, deps: StartDependencies) -> None:
    """Raises SlotsUnavailableError."""
    from stepcall.use_cases.admit_waiting_runs import admit_waiting_runs  # noqa: PLC0415 - few starts have to wait

    deps.slots.put_waiting(run.tenant, place_of(run))
    slots = deps.slots.mark(run.tenant, place_of(run))
    deps.log("run_waits", run_id=str(run.run_id), tenant=run.tenant)
    try:
        # who has ended since the slot was refused has not seen the mark, and let nobody in
        for _ in islice(admit_waiting_runs(run.tenant, slots, deps), MAX_ADMITTED):
            pass
    except Exception:  # the caller's own run waits in its place, whatever has happened to another
        deps.log("runs_not_admitted", tenant=run.tenant, error=traceback.format_exc())


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
