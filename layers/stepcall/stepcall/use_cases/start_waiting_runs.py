"""When runs have ended: give their slots back and let in who waits, as the runs table's stream tells.

All of it may happen twice. What comes to nothing here is the sweep's.
"""

import traceback
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from stepcall.domain.run import Run
from stepcall.stores.slot_store import place_of
from stepcall.use_cases.admit_waiting_runs import admit_waiting_runs
from stepcall.use_cases.dependencies import StartDependencies
from stepcall.use_cases.publish_run_events import StreamedChange


def start_waiting_runs(
    changes: Iterable[StreamedChange], deps: StartDependencies, has_time: Callable[[], bool]
) -> str | None:
    """The place in the stream from which on all has to come again; None when all is done, or time is up.

    What is wrong with one tenant's slots stops no other tenant, nor does it how many of its runs wait.
    """
    if not deps.max_running:
        return None
    ended = [each for each in changes if each.change.run.status.has_ended and not each.change.run.runs_for_parent]
    of_tenants: defaultdict[str, list[Run]] = defaultdict(list)
    for _, change in ended:
        of_tenants[change.run.tenant].append(change.run)
    failed = set[str]()
    admissions = ((tenant, _admit_after(tenant, runs, deps)) for tenant, runs in of_tenants.items())
    going_on = deque(each for each in admissions if _goes_on(*each, failed, deps))  # all slots are given back by now
    while going_on and has_time():
        admission = going_on.popleft()
        if _goes_on(*admission, failed, deps):
            going_on.append(admission)
    if going_on:
        deps.log("admission_out_of_time", tenants=str(len(going_on)))
    return next((place for place, change in ended if change.run.tenant in failed), None)


def _goes_on(tenant: str, admission: Iterator[None], failed: set[str], deps: StartDependencies) -> bool:
    """Whether there is more to do after the next step of this tenant's."""
    try:
        next(admission)
    except StopIteration:
        return False
    except Exception:  # whatever it is, it comes again
        deps.log("runs_not_admitted", tenant=tenant, error=traceback.format_exc())
        failed.add(tenant)
        return False
    return True


def _admit_after(tenant: str, runs: Sequence[Run], deps: StartDependencies) -> Iterator[None]:
    """Give their slots back, then let in one with each step."""
    slots = deps.slots.give_back(tenant, {place_of(run) for run in runs})
    for run in runs:
        if run.started_at is None:  # it may have been waiting
            deps.slots.remove_waiting(tenant, place_of(run))
    yield
    yield from admit_waiting_runs(tenant, slots, deps)
