"""Flow.Wait: its worker is invoked before the wait and after it, and each invocation may be delivered twice."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from run_data_task.wait import Waiter
from stepcall.domain.errors import ErrorReason, PermanentTaskError
from stepcall.domain.moment import read_moment
from stepcall.domain.run import Run, RunAttempt, TaskStatus
from stepcall.domain.task_contract import TaskContext
from stepcall.domain.times import print_time
from stepcall.domain.waiting import PreparedWait
from stepcall.stores.run_store import RunStore
from stepcall.tasks.flow import WAIT, WaitInput
from stepcall.use_cases.run_task import Prepared, TaskInvocation, run_task
from tests.unit.run_world import RunWorld, sent_by_the_machine

HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> RunWorld:
    return RunWorld()


def begin(world: RunWorld, **given: Any) -> Run:
    condition = {"condition": given.pop("condition")} if "condition" in given else {}
    declared = [{"name": name, "type": "string", "required": False} for name in ("until", "other")]
    tasks = [{"ref": "one", "type": "Flow.Wait", "input": given} | condition]
    return world.start({"name": "One wait", "input": declared, "tasks": tasks})


def deliver(world: RunWorld, run: Run, phase: str, attempt: int = 0) -> Prepared | None:
    event = {**sent_by_the_machine(run), "ref": "one", "attempt": attempt, "phase": phase}
    wait = {WAIT.name: Waiter(world.deps.now).wait}
    return run_task(TaskInvocation.model_validate(event), wait, lambda: 60.0, world.deps)


def prepare(world: RunWorld, run: Run, attempt: int = 0) -> datetime:
    prepared = deliver(world, run, "prepare", attempt)
    assert isinstance(prepared, PreparedWait)
    return datetime.fromisoformat(prepared.until)


class SkippedMeanwhile:
    """A store in which another delivery is always a moment sooner."""

    def __init__(self, store: RunStore) -> None:
        self._store = store

    def skip_task(self, run: RunAttempt, ref: str, now: datetime) -> None:
        for _ in range(2):
            self._store.skip_task(run, ref, now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_task_that_waits_is_running_until_its_worker_ends_it(world: RunWorld) -> None:
    run = begin(world, seconds=3600)
    until = prepare(world, run)
    task = world.task(run, "one")
    assert task.started_at
    assert task.status is TaskStatus.RUNNING
    assert HOUR <= until - task.started_at < HOUR + timedelta(seconds=1)
    world.clock.sleep(3601)
    assert deliver(world, run, "collect") is None
    ended = world.task(run, "one")
    assert (ended.status, ended.attempts, ended.started_at) == (TaskStatus.COMPLETED, 1, task.started_at)
    assert world.value(ended.output) == {"until": print_time(task.started_at + HOUR)}


def test_a_wait_that_is_prepared_again_ends_no_later(world: RunWorld) -> None:
    run = begin(world, seconds=3600)
    until = prepare(world, run)
    world.clock.sleep(300)
    assert prepare(world, run, attempt=1) == until


def test_a_time_with_any_offset_is_told_to_the_machine_in_utc(world: RunWorld) -> None:
    at = world.deps.now().replace(microsecond=1) + HOUR
    local = at.astimezone(timezone(timedelta(hours=-3, minutes=-30))).isoformat()
    assert prepare(world, begin(world, until=local)) == at.replace(microsecond=0) + timedelta(seconds=1)


def test_a_time_that_is_past_is_no_wait(world: RunWorld) -> None:
    run = begin(world, until="2001-02-03T04:05:06+02:00")
    assert deliver(world, run, "prepare") == PreparedWait("2001-02-03T02:05:06Z")
    deliver(world, run, "collect")
    assert world.value(world.task(run, "one").output) == {"until": "2001-02-03T02:05:06.000Z"}


def test_what_is_skipped_does_not_wait(world: RunWorld) -> None:
    run = begin(world, seconds=3600, condition={"left": 1, "operator": "==", "right": 2})
    assert prepare(world, run) <= world.deps.now()
    assert deliver(world, run, "collect") is None
    assert world.task(run, "one").status is TaskStatus.SKIPPED


def test_a_wait_that_another_delivery_has_skipped_meanwhile_is_none(world: RunWorld) -> None:
    run = begin(world, seconds=3600, condition={"left": 1, "operator": "==", "right": 2})
    event = {**sent_by_the_machine(run), "ref": "one", "attempt": 0, "phase": "prepare"}
    deps = replace(world.deps, runs=SkippedMeanwhile(world.deps.runs))
    wait = {WAIT.name: Waiter(world.deps.now).wait}
    prepared = run_task(TaskInvocation.model_validate(event), wait, lambda: 60.0, deps)
    assert isinstance(prepared, PreparedWait)
    assert datetime.fromisoformat(prepared.until) <= world.deps.now()


def test_what_has_waited_does_not_wait_again(world: RunWorld) -> None:
    run = begin(world, seconds=3600)
    prepare(world, run)
    world.clock.sleep(3600)
    for _ in range(2):
        assert deliver(world, run, "collect") is None
    assert prepare(world, run) <= world.deps.now()
    assert world.task(run, "one").status is TaskStatus.COMPLETED


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"until": "2027-03-03T05:06:06Z"}, ErrorReason.TIMEOUT),
        ({"until": "9999-12-31T23:59:59Z"}, ErrorReason.INVALID),
        ({"until": "{{input.until}}"}, ErrorReason.INVALID),
        ({"until": "x{{input.other}}"}, ErrorReason.INVALID),
    ],
)
def test_a_wait_that_can_never_end_well_fails_before_it_begins(
    world: RunWorld, given: dict[str, Any], reason: ErrorReason
) -> None:
    run = begin(world, **given)
    with pytest.raises(PermanentTaskError) as failed:
        deliver(world, run, "prepare")
    task = world.task(run, "one")
    assert (failed.value.reason, task.status) == (reason, TaskStatus.FAILED)


@pytest.mark.parametrize("given", [WaitInput(), WaitInput(seconds=1, until="2027-01-31T08:00:00Z")])
def test_a_wait_has_one_end(world: RunWorld, given: WaitInput) -> None:
    context = TaskContext(UUID(int=1), "acme", "one", 0, lambda: 60.0)
    with pytest.raises(PermanentTaskError, match="one of them, not both"):
        Waiter(world.deps.now).wait(given, context)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2027-01-31T09:00:00+01:00", "2027-01-31T08:00:00+00:00"),
        ("2027-01-31t09:00:00.25z", "2027-01-31T09:00:00.250000+00:00"),
        ("2024-02-29T23:59:59-12:00", "2024-03-01T11:59:59+00:00"),
    ],
)
def test_a_moment_is_read_in_utc(text: str, utc: str) -> None:
    assert read_moment(text).isoformat() == utc


@pytest.mark.parametrize(
    "text",
    [
        "", "2027-01-31", "2027-01-31T09:00:00", "2027-01-31 09:00:00Z", "20270131T090000Z", "2027-W05-1T09:00:00Z",
        "2027-02-30T09:00:00Z", "2027-01-31T25:00:00Z", "2027-01-31T09:00:00+1", "2027-01-31T09:00:00+99:00",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "２027-01-31T09:00:00Z", "2027-01-31T09:00:00Z\n",
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="offset from UTC"):
        read_moment(text)
