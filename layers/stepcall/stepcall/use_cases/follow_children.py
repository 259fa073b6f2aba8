"""When runs end: let their parents' tasks know, and let what they have started end with them.

All of it may happen twice: a run whose end was told, and one that was cancelled, stays as it is.
"""

import traceback
from collections.abc import Callable, Iterable

from stepcall.domain.parent_task import WORKFLOW_EXECUTE
from stepcall.domain.run import Run, TaskStatus
from stepcall.stores.run_store import RunNotFoundError
from stepcall.use_cases.cancel_children import NOT_AWAITED, cancel_child, cancel_children, cancel_children_of_task
from stepcall.use_cases.dependencies import StartDependencies
from stepcall.use_cases.publish_run_events import StreamedChange
from stepcall.use_cases.settle_parent import settle_parent
from stepcall.use_cases.tell_machines import StreamedEnd, StreamedFailure


def follow_children(
    changes: Iterable[StreamedChange],
    ends: Iterable[StreamedEnd],
    failures: Iterable[StreamedFailure],
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
    of_each = [failure.place for failure in failures if not _tried_each(failure, deps, has_time)]
    return [*of_runs, *of_tasks, *of_each]


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
    # of one that is COMPLETED, too: a task of it may have failed
    return not _executes(run, deps) or cancel_children(run, deps, has_time)


def _executes(run: Run, deps: StartDependencies) -> bool:
    """Whether it can have children. Versions are kept by the process: a list that is empty would be read for each."""
    version = deps.workflows.get_version(run.workflow_id, run.workflow_version)
    return WORKFLOW_EXECUTE in version.definition.task_types


def _tried_child(end: StreamedEnd, deps: StartDependencies) -> bool:
    try:
        if end.child_run_id:
            cancel_child(end.child_run_id, NOT_AWAITED, deps)
    except Exception:  # likewise
        deps.log("child_not_cancelled", run_id=end.run_id, error=traceback.format_exc())
        return False
    return True


def _tried_each(failure: StreamedFailure, deps: StartDependencies, has_time: Callable[[], bool]) -> bool:
    try:
        run = deps.runs.get_for_work(failure.run_id, ()).run
        with deps.about(run):
            # of an earlier attempt its end has cancelled them all
            is_late = run.run_attempt != failure.run_attempt
            return is_late or cancel_children_of_task(run, failure.ref, deps, has_time)
    except RunNotFoundError:
        return True
    except Exception:  # likewise
        deps.log("children_not_cancelled", run_id=str(failure.run_id), error=traceback.format_exc())
        return False
