"""Runs of all workflows of a tenant, as far as the caller sees them."""

from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.errors import StepcallError
from stepcall.domain.run import RunSummary
from stepcall.stores.run_store import ALL_RUNS, RunFilter, RunPage
from stepcall.use_cases.dependencies import FaceDependencies

MAX_READS = 5
"""For one page, of a caller that sees few runs, or of runs that the filter lets through seldom."""
READ_AT_ONCE = 1000


class TooManyRunsError(StepcallError):
    """There are more runs than can be counted while a caller waits."""


def list_tenant_runs(
    caller: Caller, deps: FaceDependencies, *, only: RunFilter = ALL_RUNS, limit: int, after: UUID | None
) -> RunPage:
    """The newest first, at most `limit`, older than `after`. A page may hold fewer than there are, and even none."""
    shown: list[RunSummary] = []
    going_on: UUID | None = None
    for page in islice(_pages(caller, deps, only, READ_AT_ONCE if caller.is_narrowed else limit, after), MAX_READS):
        shown += (run for run in page.runs if _sees(caller, run))
        if len(shown) > limit:
            return RunPage(tuple(shown[:limit]), shown[limit - 1].run_id)
        going_on = page.next_run_id
        if len(shown) == limit:
            break
    return RunPage(tuple(shown), going_on)


def count_tenant_runs(caller: Caller, deps: FaceDependencies, *, only: RunFilter, seconds: float) -> int:
    """All runs of such a list. Raises TooManyRunsError where counting them takes longer than that."""
    deadline, total = deps.monotonic() + seconds, 0
    for number in _counts(caller, deps, only):
        total += number
        if deps.monotonic() > deadline:
            raise TooManyRunsError("There are more runs than can be counted within one request.")
    return total


def _counts(caller: Caller, deps: FaceDependencies, only: RunFilter) -> Iterator[int]:
    """Of one part after the other."""
    if caller.is_narrowed:
        for page in _pages(caller, deps, only, READ_AT_ONCE, None):
            yield sum(_sees(caller, run) for run in page.runs)
        return
    after: UUID | None = None
    while True:
        part = deps.runs.count_by_tenant(caller.tenant, after=after, only=only)
        yield part.number
        if (after := part.next_run_id) is None:
            return


def _pages(caller: Caller, deps: FaceDependencies, only: RunFilter, size: int, after: UUID | None) -> Iterator[RunPage]:
    """All that may hold what the caller sees."""
    if caller.run_id is not None:
        yield _page_of_one(caller.run_id, caller.tenant, deps, only, after)
        return
    while True:
        page = deps.runs.list_by_tenant(caller.tenant, limit=size, after=after, only=only)
        yield page
        if (after := page.next_run_id) is None:
            return


def _page_of_one(run_id: UUID, tenant: str, deps: FaceDependencies, only: RunFilter, after: UUID | None) -> RunPage:
    """Begins with that run, if it is in the list at all."""
    if after is not None and run_id >= after:
        return RunPage((), None)
    page = deps.runs.list_by_tenant(tenant, limit=1, after=UUID(int=run_id.int + 1), only=only)
    return RunPage(page.runs, None)


def _sees(caller: Caller, run: RunSummary) -> bool:
    return run.run_id == caller.run_id if caller.run_id is not None else caller.sees(run.workflow_id)
