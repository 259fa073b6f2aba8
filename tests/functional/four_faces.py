"""The four faces as their clients know them: each starts, reads, lists and cancels runs in its own words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from stepcall.domain.ids import (
    read_run_id,
    spell_dated_run,
    spell_execution,
    spell_job,
    spell_later_execution,
)
from tests.functional.amperity import Amperity
from tests.functional.carto import Carto, Deployed
from tests.functional.conftest import Answer, Api
from tests.functional.wave import Wave

Json = dict[str, Any]
SPELLINGS: Mapping[str, Callable[[UUID], str]] = {
    "ex-": spell_execution,
    "we-": spell_later_execution,
    "job_": spell_job,
    "wf-": spell_dated_run,
    "UUID": str,
}


class TaskSeen(NamedTuple):
    """A task as a face shows it, in its word for how far it is."""

    state: str
    began_at: datetime | None
    ended_at: datetime | None


class Seen(NamedTuple):
    """A run as a face shows it. What a face does not show is None."""

    spelled: str
    state: str
    created_at: datetime | None = None
    ended_at: datetime | None = None
    result: Any = None
    error: Any = None
    tasks: list[TaskSeen] | None = None

    @property
    def run_id(self) -> UUID:
        return read_run_id(self.spelled)


class Reader(Protocol):
    @property
    def name(self) -> str: ...

    def read(self, workflow: Deployed, spelled: str) -> Seen: ...


class Face(Reader, Protocol):
    def start(self, workflow: Deployed) -> Seen:
        """The run as the face tells of it when it has started it."""


class Canceller(Reader, Protocol):
    def cancel(self, workflow: Deployed, spelled: str) -> Seen:
        """The run as the face tells of it when it has cancelled it."""


class Lister(Reader, Protocol):
    def list(self, workflow: Deployed) -> list[Seen]:
        """The newest runs, at least those of the workflow."""


def told(answer: Answer, status: int = 200) -> Any:
    assert answer.status == status, answer.text
    return answer.json


def at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True)
class NativeFace:
    api: Api
    name: str = "native"

    def start(self, workflow: Deployed) -> Seen:
        return self._seen(told(self.api("POST", f"/workflows/{workflow.workflow_id}/execute", {"input": {}}), 202))

    def read(self, workflow: Deployed, spelled: str) -> Seen:
        return self._seen(told(self.api("GET", f"/workflows/{workflow.workflow_id}/executions/{spelled}")))

    def cancel(self, workflow: Deployed, spelled: str) -> Seen:
        path = f"/workflows/{workflow.workflow_id}/executions/{spelled}/cancel"
        return self._seen(told(self.api("POST", path), 202))

    def list(self, workflow: Deployed) -> list[Seen]:
        page = told(self.api("GET", f"/workflows/{workflow.workflow_id}/executions"))
        return [self._seen(execution) for execution in page["executions"]]

    @staticmethod
    def _seen(told: Json) -> Seen:
        times = at(told.get("created_at")), at(told.get("completed_at"))
        spelled = told.get("execution_id") or told["workflow_execution_id"]  # as it was asked for
        tasks = [
            TaskSeen(task["status"], at(task.get("started_at")), at(task.get("completed_at")))
            for task in told.get("tasks", [])
        ]
        return Seen(spelled, told["status"], *times, told.get("output"), told.get("error"), tasks)


def job_seen(job: Json) -> Seen:
    status = job.get("status", {})
    return Seen(job["externalId"], status.get("state", ""), at(job.get("createdAt")), error=status.get("errorResult"))


@dataclass(frozen=True)
class JobShape:
    """The native face's own answer in the shape of a job."""

    api: Api
    name: str = "/jobs"

    def read(self, _: Deployed, spelled: str) -> Seen:
        return job_seen(told(self.api("GET", f"/jobs/{spelled}")))


@dataclass(frozen=True)
class CartoFace:
    carto: Carto
    name: str = "CARTO"

    def start(self, workflow: Deployed) -> Seen:
        return job_seen(told(workflow.create("", {})))

    def read(self, _: Deployed, spelled: str) -> Seen:
        return job_seen(told(self.carto.job(spelled)))

    def cancel(self, _: Deployed, spelled: str) -> Seen:
        return job_seen(told(self.carto.cancel(spelled)))

    def list(self, _: Deployed) -> list[Seen]:
        return [job_seen(job) for job in told(self.carto("GET", "/v3/sql/jobs?page_size=100"))["result"]]


@dataclass(frozen=True)
class WaveFace:
    """It lists no runs and cancels none."""

    wave: Wave
    name: str = "Wave"

    def start(self, workflow: Deployed) -> Seen:
        return self._seen(told(self.wave("POST", f"/workflows/{workflow.workflow_id}/execute", {})))

    def read(self, _: Deployed, spelled: str) -> Seen:
        return self._seen(told(self.wave("GET", f"/runs/{spelled}")))

    @staticmethod
    def _seen(run: Json) -> Seen:
        error = run.get("errorMessage")
        # nanoseconds are more than Python reads
        return Seen(run["id"], run["status"], at(f"{run['startedAt'][:-4]}Z"), result=run.get("result"), error=error)


@dataclass(frozen=True)
class AmperityFace:
    amperity: Amperity
    name: str = "Amperity"

    def start(self, workflow: Deployed) -> Seen:
        return self._seen(self.amperity.start(workflow.workflow_id))

    def read(self, _: Deployed, spelled: str) -> Seen:
        return self._seen(self.amperity.run(spelled))

    def cancel(self, _: Deployed, spelled: str) -> Seen:
        return self._seen(told(self.amperity.stop(spelled)))

    def list(self, _: Deployed) -> list[Seen]:
        return [self._seen(run) for run in told(self.amperity.page(limit=100))["data"]]

    @staticmethod
    def _seen(run: Json) -> Seen:
        times = at(run["created_at"]), at(run.get("ended_at"))
        tasks = [
            TaskSeen(task["state"], at(task["created_at"]), at(task.get("ended_at")))
            for task in run.get("task_instances", [])
        ]
        return Seen(run["id"], run["state"], *times, error=run.get("error"), tasks=tasks)


class Faces(NamedTuple):
    native: NativeFace
    carto: CartoFace
    wave: WaveFace
    amperity: AmperityFace
    jobs: JobShape

    @property
    def starters(self) -> tuple[Face, ...]:
        return self.native, self.carto, self.wave, self.amperity

    @property
    def readers(self) -> tuple[Reader, ...]:
        return self

    @property
    def cancellers(self) -> tuple[Canceller, ...]:
        return self.native, self.carto, self.amperity

    @property
    def listers(self) -> tuple[Lister, ...]:
        return self.native, self.carto, self.amperity


def faces_at(url: str) -> Faces:
    api = Api(url)
    return Faces(
        NativeFace(api), CartoFace(Carto(url)), WaveFace(Wave(url)), AmperityFace(Amperity(url)), JobShape(api)
    )
