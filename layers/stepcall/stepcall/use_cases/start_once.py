"""A start that its caller has given a key: sent again, it finds the run of the first time and starts nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, Protocol, TypeVar

from stepcall.domain.access import Caller
from stepcall.domain.idempotency import IdempotencyKeyReusedError, StartOnce
from stepcall.domain.run import Run, RunStatus
from stepcall.stores.run_store import RunNotFoundError, StartedOnceError
from stepcall.use_cases.dependencies import AcceptDependencies
from stepcall.use_cases.require_start import require_start


class Started(NamedTuple):
    """The run of a start; `is_replayed` says that an earlier call has started it."""

    run: Run
    is_replayed: bool = False


class StartCommand(Protocol):
    """What starts a run: `once` is its caller's key, None for none."""

    @property
    def once(self) -> StartOnce | None: ...


CommandT = TypeVar("CommandT", bound=StartCommand)
DepsT = TypeVar("DepsT", bound=AcceptDependencies)
Start = Callable[[CommandT, Caller, DepsT], Run]


def start_once(start: Start[CommandT, DepsT], command: CommandT, caller: Caller, deps: DepsT) -> Started:
    """What `start` starts, or the run of the same call before: then nothing is counted, looked up or checked.

    Raises IdempotencyKeyReusedError, NotGrantedError, StartedOnceError while another call is starting the run and
    nobody can say which, and what `start` raises.
    """
    if command.once is None:
        return Started(start(command, caller, deps))
    if earlier := _find(command.once, caller, deps):
        return Started(earlier, is_replayed=True)
    try:
        return Started(start(command, caller, deps))
    except StartedOnceError:
        if earlier := _find(command.once, caller, deps):
            return Started(earlier, is_replayed=True)
        raise


def _find(once: StartOnce, caller: Caller, deps: AcceptDependencies) -> Run | None:
    """The run that the key has started, as it was then."""
    earlier = deps.runs.find_start(caller.tenant, caller.key_id, once.key, deps.now())
    if earlier is None:
        return None
    if earlier.fingerprint != once.fingerprint:
        raise IdempotencyKeyReusedError(
            "This `Idempotency-Key` was sent before with another request, and nothing was started. Send a new key with "
            "each new request, and the same one only with the same request."
        )
    try:
        run = deps.runs.get(caller.tenant, earlier.run_id).run
    except RunNotFoundError as exc:
        raise IdempotencyKeyReusedError(
            "This `Idempotency-Key` was sent before, and what it has started is kept no more. Send a new key."
        ) from exc
    require_start(run, caller)  # a token shares its key's starts, and may reach less of them
    deps.log("start_replayed", run_id=str(run.run_id), tenant=run.tenant)
    return replace(
        run,
        status=RunStatus.PENDING,
        started_at=None,
        completed_at=None,
        output=None,
        error=None,
        provider_key=None,
        cancelled_from=None,
        run_attempt=1,
        resumed_at=None,
        kept_refs=frozenset(),
    )
