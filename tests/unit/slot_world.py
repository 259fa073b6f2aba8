"""A world with few slots, whose table has a stream: what ends lets in who waits."""

from dataclasses import dataclass
from typing import Any

from stepcall.domain.run import Run, RunStatus
from stepcall.domain.run_events import RunChange
from stepcall.stores.slot_store import Place
from stepcall.use_cases.dependencies import StartDependencies
from stepcall.use_cases.publish_run_events import StreamedChange
from stepcall.use_cases.start_run import StartRun, start_run
from stepcall.use_cases.start_waiting_runs import start_waiting_runs
from tests.sample_workflows import workflow
from tests.unit.run_world import CALLER, RunWorld

MINUTE = 60.0


@dataclass
class SlotWorld(RunWorld):
    max_running: int = 2

    def start_one(self, caller: Any = CALLER, deps: Any = None) -> Run:
        version = self.define(workflow(), caller)
        return start_run(StartRun(version.workflow_id, {}), caller, deps or self.deps)

    def start_many(self, count: int) -> list[Run]:
        version = self.define(workflow())
        return [start_run(StartRun(version.workflow_id, {}), CALLER, self.deps) for _ in range(count)]

    def complete(self, run: Run) -> None:
        """Its execution does all its work, and the stream tells."""
        self.do_task(run, "only")
        self.finish(run)
        self.tell(run)

    def tell(self, run: Run, deps: StartDependencies | None = None) -> None:
        change = StreamedChange("1", RunChange(self.found(run).run, RunStatus.RUNNING))
        assert start_waiting_runs([change], deps or self.deps, lambda: True) is None

    def begun(self) -> list[Any]:
        """Ids of the runs whose executions have been started, in that order."""
        return list(self.engine.started)

    def holders(self, tenant: str = "acme") -> set[Any]:
        return {place.run_id for place in self.slots.read(tenant).holders}

    def line(self, tenant: str = "acme") -> list[Any]:
        return [place.run_id for place in self.slots.list_waiting(tenant, limit=10_000)]


def ids_of(runs: list[Run]) -> list[Any]:
    return [run.run_id for run in runs]


def place_in(run: Run) -> Place:
    return Place(run.run_id, run.run_attempt)
