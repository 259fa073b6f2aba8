"""What sets triggers off: schedules of EventBridge Scheduler, and rules of EventBridge's buses.

Every call says all that a schedule or rule is, so that it can be made again at any time. Source: the references
"Amazon EventBridge Scheduler API" and "Amazon EventBridge API".
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stepcall.aws.trigger_errors import CONFLICT, NOT_FOUND, PASSING, code_of, outages, rule_faults, schedule_faults
from stepcall.aws.trigger_names import (
    EVENT_PATHS,
    describe,
    rule_input_template,
    rule_name,
    schedule_input,
    schedule_name,
)
from stepcall.domain.json_text import write_json
from stepcall.domain.schedule_expression import read_schedule
from stepcall.domain.trigger import Bus, EventSource, ScheduleSource, Trigger, TriggerKey, TriggerType
from stepcall.use_cases.trigger_sources import SourcesUnavailableError

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_events.type_defs import PutTargetsResponseTypeDef, TargetTypeDef
    from types_boto3_scheduler import EventBridgeSchedulerClient
    from types_boto3_scheduler.type_defs import CreateScheduleInputTypeDef

MAX_AGE_SECONDS = 86400
"""How long what could not be handed to the function is tried again: less than a start is known by its key."""
MAX_ATTEMPTS = 185
"""All that EventBridge makes: the age ends them."""
TARGET = "run"
"""A rule has this one target."""
HAS_TARGETS = "ValidationException"
"""What DeleteRule says of a rule that has some."""
OLDEST_START = timedelta(minutes=1)
"""Scheduler refuses a StartDate of five minutes ago."""


@dataclass(frozen=True, slots=True)
class TriggerTarget:
    """What a schedule or rule calls, and where it is made."""

    stack: str
    """Names the schedule group, and begins the names of rules on the account's own bus."""
    bus: str
    """The name of the deployment's own."""
    function_arn: str
    scheduler_role_arn: str
    """What Scheduler calls the function as; a rule is let in by the function's own policy."""
    dead_letters_arn: str

    @property
    def region(self) -> str:
        return self.function_arn.split(":")[3]

    @property
    def account(self) -> str:
        return self.function_arn.split(":")[4]


class EventBridgeTriggers:
    """See TriggerSources. Raises what botocore raises for faults of the deployment."""

    def __init__(
        self,
        scheduler: Callable[[], "EventBridgeSchedulerClient"],
        events: Callable[[], "EventBridgeClient"],
        target: TriggerTarget,
        now: Callable[[], datetime],
    ) -> None:
        self._scheduler = scheduler
        self._events = events
        self._target = target
        self._now = now

    def ensure(self, trigger: Trigger) -> None:
        if isinstance(trigger.source, ScheduleSource):
            if self._is_over(trigger, trigger.source):
                with outages():
                    self._remove_schedule(trigger.key)
            else:
                self._ensure_schedule(trigger, self._schedule(trigger, trigger.source))
        else:
            self._ensure_rule(trigger, trigger.source)

    def remove(self, key: TriggerKey) -> None:
        with outages():
            if key.type is TriggerType.SCHEDULE:
                self._remove_schedule(key)
            else:
                self._remove_rule(key)

    def _is_over(self, trigger: Trigger, source: ScheduleSource) -> bool:
        """Disabled, and its last time has gone by: Scheduler refuses such a time, and has nothing to do for it.

        One that is enabled is refused: its last time may have gone by before Scheduler heard of it.
        """
        schedule = read_schedule(source.expression, source.timezone)
        return not trigger.enabled and not schedule.next_times(self._now(), 1, source.starts_at)

    def _ensure_schedule(self, trigger: Trigger, schedule: "CreateScheduleInputTypeDef") -> None:
        """One call where what is probable is so: a new trigger has no schedule yet, and a changed one has."""
        create, update = self._scheduler().create_schedule, self._scheduler().update_schedule
        with schedule_faults():
            try:
                if trigger.revision == 1:
                    create(**schedule)
                else:
                    update(**schedule)
            except ClientError as exc:
                if code_of(exc) not in {CONFLICT, NOT_FOUND}:
                    raise
                if trigger.revision == 1:
                    update(**schedule)
                else:
                    create(**schedule)

    def _schedule(self, trigger: Trigger, source: ScheduleSource) -> "CreateScheduleInputTypeDef":
        target = self._target
        schedule: CreateScheduleInputTypeDef = {
            "Name": schedule_name(trigger.trigger_id),
            "GroupName": target.stack,
            "Description": describe(trigger.key),
            "ScheduleExpression": source.expression,
            "ScheduleExpressionTimezone": source.timezone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED" if trigger.enabled else "DISABLED",
            "Target": {
                "Arn": target.function_arn,
                "RoleArn": target.scheduler_role_arn,
                "Input": schedule_input(trigger, account=target.account, region=target.region),
                "RetryPolicy": {"MaximumEventAgeInSeconds": MAX_AGE_SECONDS, "MaximumRetryAttempts": MAX_ATTEMPTS},
                "DeadLetterConfig": {"Arn": target.dead_letters_arn},
            },
        }
        if source.starts_at:
            schedule["StartDate"] = start_of(source, source.starts_at, self._now())
        return schedule

    def _remove_schedule(self, key: TriggerKey) -> None:
        try:
            self._scheduler().delete_schedule(Name=schedule_name(key.trigger_id), GroupName=self._target.stack)
        except ClientError as exc:
            if code_of(exc) != NOT_FOUND:
                raise

    def _ensure_rule(self, trigger: Trigger, source: EventSource) -> None:
        name, bus = rule_name(trigger.key, self._target.stack), self._bus(trigger.key)
        with rule_faults():
            self._events().put_rule(
                Name=name,
                EventBusName=bus,
                EventPattern=write_json(source.pattern),
                State="ENABLED" if trigger.enabled else "DISABLED",
                Description=describe(trigger.key),
            )
        with outages():
            answer = self._put_target(name, bus, self._rule_target(trigger))
        if answer["FailedEntryCount"]:
            codes = ", ".join(entry.get("ErrorCode", "") for entry in answer["FailedEntries"])
            raise SourcesUnavailableError(f"EventBridge did not take the target of a rule: {codes}.")

    def _put_target(self, name: str, bus: str, target: "TargetTypeDef") -> "PutTargetsResponseTypeDef":
        try:
            return self._events().put_targets(Rule=name, EventBusName=bus, Targets=[target])
        except ClientError as exc:
            if code_of(exc) != NOT_FOUND:
                raise
            raise SourcesUnavailableError("Another has removed the rule at this moment.") from exc

    def _rule_target(self, trigger: Trigger) -> "TargetTypeDef":
        return {
            "Id": TARGET,
            "Arn": self._target.function_arn,
            "InputTransformer": {"InputPathsMap": EVENT_PATHS, "InputTemplate": rule_input_template(trigger)},
            "RetryPolicy": {"MaximumEventAgeInSeconds": MAX_AGE_SECONDS, "MaximumRetryAttempts": MAX_ATTEMPTS},
            "DeadLetterConfig": {"Arn": self._target.dead_letters_arn},
        }

    def _remove_rule(self, key: TriggerKey) -> None:
        """A rule goes after its targets, as EventBridge wants it."""
        name, bus = rule_name(key, self._target.stack), self._bus(key)
        try:
            answer = self._events().remove_targets(Rule=name, EventBusName=bus, Ids=[TARGET])
            if any(entry.get("ErrorCode") in PASSING for entry in answer["FailedEntries"]):
                raise SourcesUnavailableError("EventBridge did not let go of a rule's target; it may, later.")
            self._delete_rule(name, bus)
        except ClientError as exc:
            if code_of(exc) != NOT_FOUND:
                raise

    def _delete_rule(self, name: str, bus: str) -> None:
        try:
            self._events().delete_rule(Name=name, EventBusName=bus)
        except ClientError as exc:
            if code_of(exc) != HAS_TARGETS:
                raise
            raise SourcesUnavailableError("Another has made the rule again at this moment.") from exc

    def _bus(self, key: TriggerKey) -> str:
        return "default" if key.bus is Bus.DEFAULT else self._target.bus


def start_of(source: ScheduleSource, starts_at: datetime, now: datetime) -> datetime:
    """Of a rate's times, the first that Scheduler still takes to begin with."""
    if starts_at > now - OLDEST_START:
        return starts_at
    [following] = read_schedule(source.expression, source.timezone).next_times(now, 1, starts_at)
    return following
