"""What lists of runs show, as a run store in memory has them."""

from datetime import datetime

from stepcall.domain.run import Run
from stepcall.stores.run_store import OpenRun, RunFilter, RunPage


def open_run(run: Run) -> OpenRun:
    return OpenRun(
        run.run_id,
        run.tenant,
        run.status,
        run.created_at,
        run.content_hash,
        run.run_attempt,
        run.deadline,
        run.resumed_at,
        run.correlation_id,
        run.parent,
    )


def page(runs: list[Run], limit: int) -> RunPage:
    return RunPage(tuple(runs[:limit]), runs[limit - 1].run_id if len(runs) > limit else None)


def is_shown(run: Run, only: RunFilter) -> bool:
    if only.status not in {None, run.status} or only.workflow_type not in {None, run.workflow_type}:
        return False
    created = _is_within(run.created_at, only.created_from, only.created_to)
    return created and _is_within(run.completed_at, only.ended_from, only.ended_to)


def _is_within(time: datetime | None, start: datetime | None, end: datetime | None) -> bool:
    if time is None:
        return start is end is None
    return (start is None or start <= time) and (end is None or time < end)
