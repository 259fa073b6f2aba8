"""EventBridge Scheduler on the local stack: what is made through its API comes at its times, by a clock of our own."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.background.agenda import Agenda
from local.background.scheduler_targets import SchedulerTargets
from local.background.schedules import find_fault
from local.moto_world.scheduler_schedules import schedules_go_to
from local.template import REGION
from tests.local.manual_clock import ManualClock

FUNCTION = f"arn:aws:lambda:{REGION}:123456789012:function:start"
QUEUE = f"arn:aws:sqs:{REGION}:123456789012:dead"
NINE = 1_795_338_000.0  # 2026-11-22T09:00:00Z
INPUT = json.dumps(
    {"at": "<aws.scheduler.scheduled-time>", "of": ["<aws.scheduler.schedule-arn>"], "is": "<aws.scheduler.x>"}
)


class Sent:
    """What functions and queues were given, with when."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.calls: list[tuple[float, str, str]] = []

    def invoke(self, function: str, payload: str) -> None:
        self.calls.append((self._clock.seconds - NINE, function, payload))

    def send(self, arn: str, text: str, group: str | None = None) -> None:
        self.calls.append((self._clock.seconds - NINE, arn, text))

    @property
    def times(self) -> list[float]:
        return [when for when, _, _ in self.calls]


class World:
    def __init__(self, client: Any) -> None:
        self.clock = ManualClock(NINE)
        self.agenda = Agenda(self.clock)
        self.sent = Sent(self.clock)
        self.targets = SchedulerTargets(self.agenda, [FUNCTION], self.sent, self.sent)
        self.client = client
        self.client.create_schedule_group(Name="g")

    def said(self, expression: str, arn: str = FUNCTION, **more: Any) -> dict[str, Any]:
        target = {"Arn": arn, "RoleArn": "arn:aws:iam::123456789012:role/r", "Input": INPUT, **more.pop("target", {})}
        window = {"Mode": "OFF"}
        return {"Name": "s", "GroupName": "g", "ScheduleExpression": expression, "FlexibleTimeWindow": window} | {
            "Target": target,
            **more,
        }

    def create(self, expression: str, arn: str = FUNCTION, **more: Any) -> str:
        answer: str = self.client.create_schedule(**self.said(expression, arn, **more))["ScheduleArn"]
        return answer

    def update(self, expression: str, **more: Any) -> None:
        self.client.update_schedule(**self.said(expression, **more))

    def pass_by(self, *seconds: float) -> list[float]:
        """The seconds after nine at which something was sent."""
        for each in seconds:
            self.clock.pass_by(each, self.agenda)
        return self.sent.times


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("scheduler", region_name=REGION)


@pytest.fixture
def world(client: Any) -> Iterator[World]:
    made = World(client)
    with schedules_go_to(made.targets.begin, find_fault):
        yield made
    with suppress(KeyError):  # moto's answer for a group that a test has deleted
        client.delete_schedule_group(Name="g")


def test_a_schedule_comes_at_its_time_with_its_context_attributes(world: World) -> None:
    arn = world.create("cron(30 10 * * ? *)", ScheduleExpressionTimezone="Europe/Berlin")
    assert world.pass_by(1799, 1) == [1800]
    [(_, function, text)] = world.sent.calls
    assert function == FUNCTION
    assert json.loads(text) == {"at": "2026-11-22T09:30:00Z", "of": [arn], "is": "<aws.scheduler.x>"}
    assert arn == f"arn:aws:scheduler:{REGION}:123456789012:schedule/g/s"
    assert world.pass_by(86_399, 1) == [1800, 1800 + 86_400]


def test_a_rate_counts_from_its_start_date(world: World) -> None:
    world.create("rate(5 minutes)", StartDate=NINE + 7)
    assert world.pass_by(6, 1, 299, 1, 300) == [7, 307, 607]


def test_a_rate_without_a_start_date_comes_at_once(world: World) -> None:
    world.create("rate(1 minute)")
    assert world.pass_by(0, 60) == [0, 60]


def test_nothing_comes_before_the_start_or_after_the_end(world: World) -> None:
    world.create("cron(* * * * ? *)", StartDate=NINE + 120, EndDate=NINE + 180)
    assert world.pass_by(60, 60, 60, 60, 60) == [120, 180]


def test_a_time_that_is_told_once_comes_once(world: World) -> None:
    world.create("at(2026-11-22T10:00:05)", ScheduleExpressionTimezone="Europe/Berlin")
    assert world.pass_by(4, 1, 86_400, 365 * 86_400) == [5]
    assert world.client.get_schedule(GroupName="g", Name="s")["State"] == "ENABLED"


def test_a_schedule_may_go_after_its_last_time(world: World) -> None:
    world.create("at(2026-11-22T09:00:05)", ActionAfterCompletion="DELETE")
    assert world.pass_by(5) == [5]
    with pytest.raises(world.client.exceptions.ResourceNotFoundException):
        world.client.get_schedule(GroupName="g", Name="s")


def test_a_disabled_schedule_rests_until_it_is_enabled(world: World) -> None:
    world.create("cron(* * * * ? *)", State="DISABLED")
    assert world.pass_by(60, 60) == []
    world.update("cron(* * * * ? *)", State="ENABLED")
    assert world.pass_by(60) == [180]
    world.update("cron(* * * * ? *)", State="DISABLED")
    assert world.pass_by(60) == [180]


def test_a_changed_schedule_comes_at_its_new_times_only(world: World) -> None:
    world.create("cron(1,2,3 9 * * ? *)")
    assert world.pass_by(60) == [60]
    world.update("cron(3 9 * * ? *)", target={"Input": "changed"})
    assert world.pass_by(60, 60) == [60, 180]
    assert world.sent.calls[-1][2] == "changed"


def test_a_deleted_schedule_comes_no_more_and_one_of_its_name_is_another(world: World) -> None:
    world.create("cron(* * * * ? *)")
    world.client.delete_schedule(GroupName="g", Name="s")
    assert world.pass_by(60) == []
    world.create("cron(2 9 * * ? *)")
    assert world.pass_by(60, 60) == [120]


def test_the_schedules_of_a_deleted_group_come_no_more(world: World) -> None:
    world.create("cron(* * * * ? *)")
    world.client.delete_schedule_group(Name="g")
    assert world.pass_by(60) == []


def test_the_event_of_a_target_that_there_is_not_goes_to_the_dead_letters(world: World) -> None:
    world.create("cron(* * * * ? *)", f"{FUNCTION}-gone", target={"DeadLetterConfig": {"Arn": QUEUE}})
    world.pass_by(60)
    [(_, queue, text)] = world.sent.calls
    assert (queue, json.loads(text)["at"]) == (QUEUE, "2026-11-22T09:01:00Z")


def test_the_event_of_a_target_that_there_is_not_is_logged_without_dead_letters(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.create("cron(* * * * ? *)", f"{FUNCTION}-gone")
    assert world.pass_by(60) == []
    assert "no target that there is" in caplog.text


def test_a_target_may_be_a_queue(world: World) -> None:
    world.create("cron(* * * * ? *)", QUEUE)
    assert world.pass_by(60) == [60]
    assert world.sent.calls[0][1] == QUEUE


def test_without_an_input_the_target_gets_schedulers_own_event(world: World) -> None:
    said = world.said("cron(* * * * ? *)")
    del said["Target"]["Input"]
    arn = world.client.create_schedule(**said)["ScheduleArn"]
    world.pass_by(60)
    event = json.loads(world.sent.calls[0][2])
    assert (event["source"], event["resources"], event["detail"]) == ("aws.scheduler", [arn], "{}")
    assert event["time"] == "2026-11-22T09:01:00Z"


@pytest.mark.parametrize(
    ("expression", "timezone"),
    [("cron(0 9 * * * *)", "UTC"), ("rate(1 day)", "Europe/Berln"), ("cron(0 0 30 2 ? *)", "UTC")],
)
def test_what_aws_would_not_take_is_refused(world: World, expression: str, timezone: str) -> None:
    with pytest.raises(ClientError) as caught:
        world.create(expression, ScheduleExpressionTimezone=timezone)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert world.client.list_schedules()["Schedules"] == []


def test_a_group_that_there_is_not_is_told(world: World) -> None:
    with pytest.raises(world.client.exceptions.ResourceNotFoundException):
        world.create("rate(1 day)", GroupName="other")
