"""Let in who waits, first come first, as far as a tenant has slots: whenever one was given back.

Two at once do no harm: who has taken the slot of a run lets it in, and would both, it had one execution.
"""

from collections.abc import Iterator

from stepcall.domain.run import Run, RunStatus
from stepcall.stores.run_store import RunNotFoundError
from stepcall.stores.slot_store import Place, Slots, Taking
from stepcall.use_cases.dependencies import StartDependencies
from stepcall.use_cases.enter_run import execute

PAGE = 25


def admit_waiting_runs(tenant: str, slots: Slots, deps: StartDependencies) -> Iterator[None]:
    """Let in one with each step. Who stops before the end leaves the mark: the next end goes on, or the sweep.

    `slots` are the tenant's as they were a moment ago: whoever gives one back later comes here, too.

    Raises SlotsUnavailableError, and an ExceptionGroup, after all, of faults met with single runs.
    """
    admission = _Admission(tenant, slots, deps)
    yield from admission.admit()
    if admission.faults:
        raise ExceptionGroup("Some runs could not be admitted.", admission.faults)


class _Admission:
    def __init__(self, tenant: str, slots: Slots, deps: StartDependencies) -> None:
        self._tenant = tenant
        self._holders = slots.holders
        self._mark = slots.mark
        self._room = deps.max_running - len(slots.holders)
        self._deps = deps
        self.faults: list[Exception] = []

    def admit(self) -> Iterator[None]:
        if self._mark is None or self._room <= 0:
            return  # who begins to wait from now on sees for himself what is free
        after: Place | None = None
        while waiting := self._deps.slots.list_waiting(self._tenant, limit=PAGE, after=after):
            for place in waiting:
                taking = self._take(place)
                if taking is Taking.REFUSED:
                    return
                if taking is Taking.TAKEN:
                    self._let_in(place)
                    yield
            after = waiting[-1]
        if not self.faults:
            self._deps.slots.unmark(self._tenant, self._mark)

    def _take(self, place: Place) -> Taking:
        if place in self._holders:
            return Taking.HELD  # somebody lets it in at this moment; if he has died on the way, the sweep does
        if self._room <= 0:
            return Taking.REFUSED  # without asking: a refused write costs as much as one that is done
        self._room -= 1
        return self._deps.slots.take(self._tenant, place, limit=self._deps.max_running, in_turn=True)

    def _let_in(self, place: Place) -> None:
        try:
            run = run_in(place, self._deps)
            if run is None:
                self._room += 1
                self._deps.slots.give_back(self._tenant, [place])
            elif run.status is RunStatus.PENDING:
                with self._deps.about(run):
                    self._start(run)
        except Exception as exc:  # whatever it is: those behind have done nothing wrong
            exc.add_note(f"Met with the run {place}.")
            self.faults.append(exc)
            return  # and this one keeps its slot and its place, for the sweep
        self._deps.slots.remove_waiting(self._tenant, place)

    def _start(self, run: Run) -> None:
        version = self._deps.workflows.get_version(run.workflow_id, run.workflow_version)
        if self._deps.compile(version, run.run_mode).content_hash != run.content_hash:
            # of an earlier release: the sweep looks first whether that has started it
            self._deps.log("run_left_to_the_sweep", run_id=str(run.run_id), tenant=self._tenant)
        elif execute(run, version, self._deps):
            self._deps.log("run_admitted", run_id=str(run.run_id), tenant=self._tenant)


def run_in(place: Place, deps: StartDependencies) -> Run | None:
    """The run of this place; None when it needs none any more: it has ended, or is at a later attempt."""
    try:
        run = deps.runs.get_for_end(place.run_id).run
    except RunNotFoundError:
        return None
    return None if run.status.has_ended or run.run_attempt != place.run_attempt else run
