"""Triggers, and EventBridge on moto as they find it: what tests of the adapter and of crashes begin with."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import boto3
from botocore.config import Config

from stepcall.aws.triggers import EventBridgeTriggers, TriggerTarget
from stepcall.domain.ids import uuid7
from stepcall.domain.trigger import Bus, EventSource, ScheduleSource, Trigger
from tests.clock import Clock

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_scheduler import EventBridgeSchedulerClient

STACK = "stepcall-dev"
BUS = f"{STACK}-runs"
TARGET = TriggerTarget(
    stack=STACK,
    bus=BUS,
    function_arn="arn:aws:lambda:eu-west-1:123456789012:function:start-triggered-run",
    scheduler_role_arn="arn:aws:iam::123456789012:role/scheduler",
    dead_letters_arn="arn:aws:sqs:eu-west-1:123456789012:undelivered-triggers",
)
# a local stack in the same process points clients to itself
AS_ON_AWS = Config(ignore_configured_endpoint_urls=True)  # type: ignore[call-arg] # the stubs do not know it


def numbered(number: int) -> UUID:
    return uuid7(Clock().now(), lambda size: number.to_bytes(size, "big"))


SCHEDULE = Trigger(
    tenant="acme",
    workflow_id=numbered(1),
    trigger_id=numbered(2),
    source=ScheduleSource("cron(0 8 ? * MON-FRI *)", "Europe/Vienna"),
    input={"day": "{{event.time}}"},
    created_at=Clock().now(),
)
RATE = replace(
    SCHEDULE,
    source=ScheduleSource("rate(10 minutes)", starts_at=Clock().now().replace(microsecond=0) + timedelta(minutes=10)),
)
OWN_EVENT = replace(
    SCHEDULE, trigger_id=numbered(3), source=EventSource({"source": ["shop"], "detail": {"paid": [True]}}, Bus.STEPCALL)
)
AWS_EVENT = replace(
    SCHEDULE, trigger_id=numbered(4), source=EventSource({"source": ["aws.s3"]}, Bus.DEFAULT), enabled=False
)
EVERY_KIND = (SCHEDULE, OWN_EVENT, AWS_EVENT)


class EventBridge:
    """What moto has of the stack's, and how it is asked."""

    config = AS_ON_AWS

    def __init__(self) -> None:
        self.scheduler: EventBridgeSchedulerClient = boto3.client("scheduler", config=AS_ON_AWS)
        self.events: EventBridgeClient = boto3.client("events", config=AS_ON_AWS)

    def set_up(self) -> None:
        self.scheduler.create_schedule_group(Name=STACK)
        self.events.create_event_bus(Name=BUS)

    def tear_down(self) -> None:
        """moto forgets it itself only when no local stack runs in this process."""
        for bus in (BUS, "default"):
            for rule in self.events.list_rules(EventBusName=bus)["Rules"]:
                ids = [target["Id"] for target in self.targets_of(rule["Name"], bus)]
                if ids:
                    self.events.remove_targets(Rule=rule["Name"], EventBusName=bus, Ids=ids)
                self.events.delete_rule(Name=rule["Name"], EventBusName=bus)
        self.events.delete_event_bus(Name=BUS)
        self.scheduler.delete_schedule_group(Name=STACK)

    def sources(self, clock: Clock) -> EventBridgeTriggers:
        return EventBridgeTriggers(lambda: self.scheduler, lambda: self.events, TARGET, clock.now)

    def schedules(self) -> list[dict[str, Any]]:
        """All that is in the stack's group, whole."""
        names = sorted(each["Name"] for each in self.scheduler.list_schedules(GroupName=STACK)["Schedules"])
        return [dict(self.scheduler.get_schedule(GroupName=STACK, Name=name)) for name in names]

    def rules(self, bus: str) -> list[dict[str, Any]]:
        """All that the bus has, with their targets."""
        rules = sorted(self.events.list_rules(EventBusName=bus)["Rules"], key=lambda rule: rule["Name"])
        return [{**rule, "Targets": self.targets_of(rule["Name"], bus)} for rule in rules]

    def targets_of(self, rule: str, bus: str) -> list[dict[str, Any]]:
        return [dict(target) for target in self.events.list_targets_by_rule(Rule=rule, EventBusName=bus)["Targets"]]

    def holds_nothing(self) -> bool:
        return not (self.schedules() or self.rules(BUS) or self.rules("default"))
