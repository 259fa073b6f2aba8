"""When runs end: let their parents' tasks know, and let what they have started end with them.

All of it may happen twice: a run whose end was told, and one that was cancelled, stays as it is.
"""

import traceback
from collections.abc import Callable, Iterable

from stepcall.domain.run import Run, RunStatus, TaskStatus
from stepcall.use_cases.cancel_children import cancel_child, cancel_children
from stepcall.use_cases.dependencies import StartDependencies
from stepcall.use_cases.publish_run_events import StreamedChange
from stepcall.use_cases.settle_parent import settle_parent
from stepcall.use_cases.tell_machines import StreamedEnd

NOT_AWAITED = (
    "The execution was cancelled, as the task that had started it has failed: its time was up, or it was stopped."
)


def follow_children(
    changes: Iterable[StreamedChange],
    ends: Iterable[StreamedEnd],
    deps: StartDependencies,
    has_time: Callable[[], bool],
) -> list[str]:
    """The places in the stream of what has to come again, with all behind it. One stops no other."""
    of_runs = [
        place
        for place, change in changes
        if change.run.status.has_ended and not _tried(change.run, lambda run: _follow(run, deps, has_time), deps)
    ]
    failed = (end for end in ends if end.status is TaskStatus.FAILED and end.child_run_id)
    of_tasks = [end.place for end in failed if not _tried_child(end, deps)]
    return [*of_runs, *of_tasks]


def _tried(run: Run, follow: Callable[[Run], bool], deps: StartDependencies) -> bool:
    try:
        with deps.about(run):
            return follow(run)
    except Exception:  # whatever it is, it comes again
        deps.log("children_not_followed", run_id=str(run.run_id), error=traceback.format_exc())
        return False


def _follow(run: Run, deps: StartDependencies, has_time: Callable[[], bool]) -> bool:
    if run.parent and run.runs_for_parent:
        settle_parent(run, deps)
        deps.runs.forget_child(run.parent, run.run_id)
    return run.status is RunStatus.COMPLETED or cancel_children(run, deps, has_time)


def _tried_child(end: StreamedEnd, deps: StartDependencies) -> bool:
    try:
        if end.child_run_id:
            cancel_child(end.child_run_id, NOT_AWAITED, deps)
    except Exception:  # likewise
        deps.log("child_not_cancelled", run_id=end.run_id, error=traceback.format_exc())
        return False
    return True
