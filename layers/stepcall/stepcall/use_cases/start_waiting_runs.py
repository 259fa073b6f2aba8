"""When runs have ended: give their slots back and let in who waits, as the runs table's stream tells.

All of it may happen twice. What comes to nothing here is the sweep's.
"""

import traceback
from collections import defaultdict
from collections.abc import Iterable, Sequence

from stepcall.domain.run import Run
from stepcall.stores.slot_store import place_of
from stepcall.use_cases.admit_waiting_runs import admit_waiting_runs
from stepcall.use_cases.dependencies import StartDependencies
from stepcall.use_cases.publish_run_events import StreamedChange


def start_waiting_runs(changes: Iterable[StreamedChange], deps: StartDependencies) -> str | None:
    """The place in the stream from which on all has to come again; None when all is done.

    What is wrong with one tenant's slots stops no other tenant.
    """
    if not deps.max_running:
        return None
    ended = [streamed for streamed in changes if streamed.change.run.status.has_ended]
    of_tenants: defaultdict[str, list[Run]] = defaultdict(list)
    for _, change in ended:
        of_tenants[change.run.tenant].append(change.run)
    failed = {tenant for tenant, runs in of_tenants.items() if not _is_done(tenant, runs, deps)}
    return next((place for place, change in ended if change.run.tenant in failed), None)


def _is_done(tenant: str, runs: Sequence[Run], deps: StartDependencies) -> bool:
    try:
        slots = deps.slots.give_back(tenant, {place_of(run) for run in runs})
        for run in runs:
            if run.started_at is None:  # it may have been waiting
                deps.slots.remove_waiting(tenant, place_of(run))
        admit_waiting_runs(tenant, slots, deps)
    except Exception:  # whatever it is, it comes again
        deps.log("runs_not_admitted", tenant=tenant, error=traceback.format_exc())
        return False
    return True
