"""What the runs table's stream tells of runs: each write, once, in its order."""

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.moto_world.table_streams import stream_records_go_to
from local.stack import LocalStack
from stepcall.domain.run import RunStatus

RUN_ITEM, TASK_PREFIX = "RUN", "TASK#"


@dataclass
class RunSeen:
    """`statuses` are those that the run has had, in their order."""

    workflow_id: str = ""
    statuses: list[RunStatus] = field(default_factory=list)
    error: str = ""
    completed: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """When each task was completed, in seconds since 1970, for each time that it was written as that."""

    @property
    def ends(self) -> int:
        """How often it was moved to an end."""
        return sum(status.has_ended for status in self.statuses)

    @property
    def is_over(self) -> bool:
        return bool(self.statuses) and self.statuses[-1].has_ended


class RunChanges:
    """`runs` by their id, as of the last `read`."""

    def __init__(self) -> None:
        self._written: deque[Mapping[str, Any]] = deque()
        self.runs: defaultdict[str, RunSeen] = defaultdict(RunSeen)

    def take(self, record: Mapping[str, Any]) -> None:
        """A record as GetRecords gives it."""
        self._written.append(record)

    def read(self) -> None:
        while self._written:
            self._note(self._written.popleft()["dynamodb"])

    def of_workflow(self, workflow_id: str) -> dict[str, RunSeen]:
        return {run_id: seen for run_id, seen in self.runs.items() if seen.workflow_id == workflow_id}

    def _note(self, write: Mapping[str, Any]) -> None:
        after = write.get("NewImage")
        if not after:
            return
        seen, item, status = self.runs[after["run_id"]["S"]], after["item"]["S"], after.get("status", {}).get("S")
        before = write.get("OldImage", {}).get("status", {}).get("S")
        if item == RUN_ITEM:
            seen.workflow_id = after["workflow_id"]["S"]
            if status != before:
                seen.statuses.append(RunStatus(status))
                seen.error = str(after.get("error", ""))
        elif item.startswith(TASK_PREFIX) and status == "COMPLETED":
            at = datetime.fromisoformat(after["completed_at"]["S"]).timestamp()
            seen.completed[item.removeprefix(TASK_PREFIX)].append(at)


@contextmanager
def changes_of(stack: LocalStack) -> Iterator[RunChanges]:
    """From here on; to be read by one thread."""
    changes = RunChanges()
    with stream_records_go_to({stack.deployment.names["RunsTable"]: [changes.take]}):
        yield changes
