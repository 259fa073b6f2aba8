"""Triggers as a user has them: made over HTTP, then time passes and events come, and there are runs. Every firing is
delivered twice, as EventBridge may."""

import json
import math
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import pytest

from local.event_times import spell_second
from local.lambda_runtime import Context, Handler, Invocation, run_handler
from local.moto_world.rule_events import put_on_default_bus, service_event
from local.seed import TENANT
from local.stack import LocalStack
from stepcall.domain.ids import read_workflow_id
from stepcall.runtime.wiring import worker_dependencies
from tests.functional.conftest import ENDED, Api

PATIENCE_SECONDS = 20
ECHO: dict[str, Any] = {
    "input": [{"name": "said", "type": "string", "default": "by hand"}],
    "tasks": [{"ref": "same", "type": "Data.Transform", "input": {"expression": "$", "data": "{{input.said}}"}}],
    "output": [{"name": "said", "type": "string", "value": "{{refs.same.output.result}}"}],
}
DUE = {"said": "due at {{event.time}}"}
RATE: dict[str, Any] = {"type": "schedule", "expression": "rate(1 minute)", "input": DUE}
KEY = {"said": "{{event.source}} has {{event.detail.key}}"}
IN: dict[str, Any] = {"key": [{"prefix": "in/"}]}
ON_STEPCALL = {"type": "event", "pattern": {"source": ["my.shop"], "detail": IN}, "input": KEY}
ON_DEFAULT = {"type": "event", "pattern": {"source": ["aws.s3"], "detail": IN}, "input": KEY}


class MovedClock:
    """It goes as clocks do, and is moved on besides: what waits for a quarter of a second need not be known here."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    def begin(self) -> None:
        """Half a minute before the first time of `rate(1 minute)` and one and a half before that of two minutes, of
        which Scheduler counts one from the real time: no test is close to one when it begins."""
        self.ahead = math.ceil(self.ahead / 120) * 120 + 30


CLOCK = MovedClock()


def deliver_twice(handler: Handler, payload: str, context: Context) -> Invocation:
    if "StartTriggeredRun" in context.function_name:
        run_handler(handler, payload, context)
    return run_handler(handler, payload, context)


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack(now=CLOCK, run=deliver_twice) as stack:
        yield stack


class World:
    """A workflow, and what has become of it."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.api = Api(stack.url)
        self.workflow = self.api.define(**ECHO)
        self.path = f"/workflows/{self.workflow}/triggers"

    def create(self, said: Any) -> Any:
        answer = self.api("POST", self.path, said)
        assert answer.status == 201, answer.text
        return answer.json

    def shown(self, trigger: Any) -> Any:
        return self.api("GET", f"{self.path}/{trigger['trigger_id']}").json

    def change(self, trigger: Any, **said: Any) -> Any:
        answer = self.api("PATCH", f"{self.path}/{trigger['trigger_id']}", said)
        assert answer.status == 200, answer.text
        return answer.json

    def move_to(self, instant: float) -> None:
        assert instant > CLOCK()
        CLOCK.ahead += instant - CLOCK()
        self.stack.agenda.wake()
        self.wait_for(lambda: self.stack.agenda.is_idle)

    def put(self, bus: str, key: str) -> None:
        """An event of my.shop on the deployment's bus, or one of S3 on the account's, that one sent twice."""
        if bus == "stepcall":
            put_event(self.stack, {"key": key})
        else:
            event = service_event("aws.s3", "Object Created", CLOCK(), "arn:aws:s3:::incoming", {"key": key})
            for _ in range(2):
                put_on_default_bus(event)
        self.wait_for(lambda: self.stack.agenda.is_idle)

    def executions(self) -> list[Any]:
        """Newest first."""
        path = f"/workflows/{self.workflow}/executions"
        listed = self.api("GET", f"{path}?limit=50").json["executions"]
        return [self.api("GET", f"{path}/{each['execution_id']}").json for each in listed]

    def ended(self, count: int) -> list[Any]:
        """All executions, once there are so many, and all have ended."""

        def have_ended() -> bool:
            found = self.executions()
            return len(found) >= count and all(each["status"] in ENDED for each in found)

        self.wait_for(have_ended)
        return self.executions()

    def said(self, count: int) -> list[str]:
        """What so many executions have put out, newest first; all have succeeded."""
        found = self.ended(count)
        assert {each["status"] for each in found} <= {"COMPLETED"}
        return [each["output"]["said"] for each in found]

    def run_count(self) -> int:
        """Also of a workflow that is deleted."""
        runs, workflow_id = worker_dependencies().runs, read_workflow_id(self.workflow)
        return len(runs.list_by_workflow(TENANT, workflow_id, status=None, limit=100, after=None).runs)

    def wait_for(self, met: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not met():
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def world(stack: LocalStack) -> Iterator[World]:
    CLOCK.begin()
    stack.agenda.wake()
    world = World(stack)
    yield world
    delete_triggers(world)


def put_event(stack: LocalStack, detail: Any) -> None:
    bus = next(one.variables["EVENT_BUS"] for one in stack.deployment.functions if "EVENT_BUS" in one.variables)
    entry: Any = {"Source": "my.shop", "DetailType": "Order", "Detail": json.dumps(detail), "EventBusName": bus}
    assert boto3.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def next_due(made: Any, period: float = 60) -> float:
    """Of a rate, by the stack's clock, which is ahead of the one that the API tells the next times by."""
    first = datetime.fromisoformat(made["next_times"][0]).timestamp()
    return first + math.ceil((CLOCK() - first) / period) * period


def once(zone: str) -> tuple[dict[str, Any], float]:
    """An `at` two minutes from now, there."""
    due = math.floor(CLOCK()) + 120.0
    local = datetime.fromtimestamp(due, ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M:%S")
    return {"type": "schedule", "expression": f"at({local})", "timezone": zone, "input": DUE}, due


def daily(zone: str) -> tuple[dict[str, Any], float]:
    """A `cron` in the minute after next, there."""
    due = math.floor(CLOCK() / 60) * 60 + 120.0
    local = datetime.fromtimestamp(due, ZoneInfo(zone))
    return {"type": "schedule", "expression": f"cron({local:%M %H} * * ? *)", "timezone": zone, "input": DUE}, due


# --- By the clock ----------------------------------------------------------------------------------------------------


def test_a_rate_starts_a_run_each_period_with_the_time_that_it_was_due(world: World) -> None:
    made = world.create(RATE)
    due = next_due(made)
    world.move_to(due - 15)
    assert world.executions() == []
    world.move_to(due)
    assert world.said(1) == [f"due at {spell_second(due)}"]
    world.move_to(due + 60)
    assert world.said(2) == [f"due at {spell_second(due + 60)}", f"due at {spell_second(due)}"]
    assert world.run_count() == 2
    newest, shown = world.executions()[0], world.shown(made)
    assert shown["last_run"] == {"execution_id": newest["execution_id"], "at": newest["created_at"]}
    assert (shown["status"], shown["last_error"]) == ("active", None)


@pytest.mark.parametrize("schedule", [once, daily])
def test_a_time_of_the_clocks_of_another_time_zone_starts_one_run(
    world: World, schedule: Callable[[str], tuple[dict[str, Any], float]]
) -> None:
    said, due = schedule("Asia/Kolkata")
    made = world.create(said)
    world.move_to(due - 15)
    assert world.executions() == []
    world.move_to(due)
    assert world.said(1) == [f"due at {spell_second(due)}"]
    world.move_to(due + 3600)
    assert world.run_count() == 1
    assert world.shown(made)["last_run"]["execution_id"] == world.executions()[0]["execution_id"]


def test_a_schedule_of_one_minute_starts_its_run_within_two_seconds_of_its_time(world: World) -> None:
    due = next_due(world.create(RATE))
    world.move_to(due - 1)  # and from here on it goes by itself
    [run] = world.ended(1)
    started = datetime.fromisoformat(run["created_at"]).timestamp()
    assert 0 <= started + CLOCK.ahead - due < 2


def test_a_changed_expression_counts_from_the_change(world: World) -> None:
    made = world.create(RATE)
    former, changed = next_due(made), world.change(made, expression="rate(2 minutes)")
    due = next_due(changed, 120)
    assert due - former > 30
    world.move_to(due - 15)
    assert world.executions() == []
    world.move_to(due)
    assert world.said(1) == [f"due at {spell_second(due)}"]
    assert world.shown(made)["status"] == "active"


# --- By events -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bus", "source", "said"), [("stepcall", "my.shop", ON_STEPCALL), ("default", "aws.s3", ON_DEFAULT)]
)
def test_each_event_of_the_pattern_starts_one_run_with_what_it_says(
    world: World, bus: str, source: str, said: Any
) -> None:
    made = world.create(said)
    assert made["bus"] == bus
    world.put(bus, "out/1")
    assert world.executions() == []
    for key in ("in/2", "in/3"):
        world.put(bus, key)
    assert sorted(world.said(2)) == [f"{source} has in/2", f"{source} has in/3"]
    assert world.run_count() == 2
    assert world.shown(made)["last_run"]["execution_id"] in {each["execution_id"] for each in world.executions()}


def test_a_run_is_started_by_the_end_of_a_run_of_another_workflow(world: World, stack: LocalStack) -> None:
    other = World(stack)
    pattern = {
        "source": ["stepcall"],
        "detail-type": ["Run Completed"],
        "detail": {"workflow_id": [other.workflow], "status": ["COMPLETED"]},
    }
    world.create({"type": "event", "pattern": pattern, "input": {"said": "after {{event.detail.execution_id}}"}})
    first = world.api.run(other.workflow)
    assert world.said(1) == [f"after {first['execution_id']}"]
    assert (world.run_count(), other.run_count()) == (1, 1)


def test_a_trigger_on_its_own_runs_starts_one_for_each_event_of_others_and_says_why_no_more(world: World) -> None:
    pattern = {"source": ["stepcall"], "detail": {"workflow_id": [world.workflow]}}
    made = world.create({"type": "event", "pattern": pattern, "input": {"said": "{{event.detail-type}}"}})
    world.api.run(world.workflow)
    world.wait_for(lambda: world.shown(made)["last_error"])
    assert world.shown(made)["last_error"]["code"] == "trigger-loop"
    assert sorted(world.said(3)) == ["Run Completed", "Run Started", "by hand"]
    assert world.run_count() == 3


# --- What starts nothing ---------------------------------------------------------------------------------------------


def test_a_disabled_trigger_starts_nothing_until_it_is_enabled(world: World) -> None:
    by_clock, by_event = world.create(RATE | {"enabled": False}), world.create(ON_DEFAULT | {"enabled": False})
    world.move_to(CLOCK() + 120)
    world.put("default", "in/1")
    assert (world.run_count(), world.shown(by_clock)["last_run"]) == (0, None)
    world.change(by_event, enabled=True)
    world.put("default", "in/2")
    assert world.said(1) == ["aws.s3 has in/2"]
    world.move_to(next_due(world.change(by_clock, enabled=True)))
    assert len(world.said(2)) == world.run_count() == 2


def delete_triggers(world: World) -> None:
    for trigger in world.api("GET", world.path).json.get("triggers", []):  # none of a workflow that is gone
        assert world.api("DELETE", f"{world.path}/{trigger['trigger_id']}").status == 204


def delete_workflow(world: World) -> None:
    assert world.api("DELETE", f"/workflows/{world.workflow}").status == 204


@pytest.mark.parametrize("delete", [delete_triggers, delete_workflow])
def test_what_is_deleted_starts_nothing_more(world: World, delete: Callable[[World], None]) -> None:
    made = world.create(RATE)
    for said in (ON_DEFAULT, ON_STEPCALL):
        world.create(said)
    world.move_to(next_due(made))
    for bus in ("default", "stepcall"):
        world.put(bus, "in/1")
    assert len(world.said(3)) == 3
    delete(world)
    for bus in ("default", "stepcall"):
        world.put(bus, "in/2")
    world.move_to(CLOCK() + 120)
    assert world.run_count() == 3
