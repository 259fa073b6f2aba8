"""What EventBridge is told of triggers: the adapter over moto, which keeps schedules and rules and puts events in."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from stepcall.aws.trigger_names import rule_name
from stepcall.aws.triggers import start_of
from stepcall.domain.ids import spell_trigger
from stepcall.domain.trigger import EventSource, ScheduleSource, Trigger
from stepcall.domain.trigger_errors import TriggerQuotaError, TriggerRefusedError
from stepcall.use_cases.trigger_sources import SourcesUnavailableError
from tests.clock import Clock
from tests.trigger_world import AWS_EVENT, BUS, EVERY_KIND, OWN_EVENT, RATE, SCHEDULE, STACK, TARGET, EventBridge

EVENT = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": 'Order "paid"',
    "source": "shop",
    "account": "123456789012",
    "time": "2026-03-04T05:06:07Z",
    "region": "eu-west-1",
    "resources": ["arn:aws:s3:::orders"],
    "detail": {"paid": True, "lines": [{"name": 'a "quoted" <name>', "price": 1.5}], "note": None},
}


@pytest.fixture
def eventbridge() -> Iterator[EventBridge]:
    with mock_aws():
        world = EventBridge()
        world.set_up()
        yield world
        world.tear_down()


def calls_of(world: EventBridge) -> Counter[str]:
    counted = Counter[str]()
    for client in (world.scheduler, world.events):
        client.meta.events.register("before-call", lambda model, **_: counted.update([model.name]))
    return counted


def test_of_a_disabled_schedule_whose_time_has_gone_by_scheduler_has_nothing_until_it_has_another(
    eventbridge: EventBridge,
) -> None:
    clock = Clock()
    once = replace(
        SCHEDULE, source=ScheduleSource((clock.now() + timedelta(minutes=5)).strftime("at(%Y-%m-%dT%H:%M:%S)"))
    )
    sources = eventbridge.sources(clock)
    sources.ensure(once)
    clock.sleep(600)
    for _ in range(2):
        sources.ensure(replace(once, enabled=False, revision=2))
        assert eventbridge.schedules() == []
    sources.ensure(replace(once, source=SCHEDULE.source, revision=3))
    assert [schedule["State"] for schedule in eventbridge.schedules()] == ["ENABLED"]


def test_a_new_schedule_is_one_call_and_says_all_that_it_is(eventbridge: EventBridge) -> None:
    calls = calls_of(eventbridge)
    eventbridge.sources(Clock()).ensure(SCHEDULE)
    assert calls == {"CreateSchedule": 1}
    [schedule] = eventbridge.schedules()
    assert schedule["Name"] == spell_trigger(SCHEDULE.trigger_id)
    assert (schedule["GroupName"], schedule["State"]) == (STACK, "ENABLED")
    assert schedule["ScheduleExpression"] == "cron(0 8 ? * MON-FRI *)"
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Vienna"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    target = schedule["Target"]
    assert (target["Arn"], target["RoleArn"]) == (TARGET.function_arn, TARGET.scheduler_role_arn)
    assert target["DeadLetterConfig"] == {"Arn": TARGET.dead_letters_arn}
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    assert "StartDate" not in schedule


def test_a_schedule_sends_which_trigger_it_is_and_when_it_was_due(eventbridge: EventBridge) -> None:
    eventbridge.sources(Clock()).ensure(replace(SCHEDULE, revision=3))
    sent = json.loads(eventbridge.schedules()[0]["Target"]["Input"])
    assert sent == {
        "trigger": named(SCHEDULE, 3),
        "event": {
            "id": "<aws.scheduler.scheduled-time>",
            "source": "aws.scheduler",
            "detail-type": "Scheduled Event",
            "account": "123456789012",
            "time": "<aws.scheduler.scheduled-time>",
            "region": "eu-west-1",
            "resources": ["<aws.scheduler.schedule-arn>"],
            "detail": {},
        },
    }


def named(trigger: Trigger, revision: int) -> dict[str, Any]:
    return {
        "tenant": "acme",
        "workflow_id": str(trigger.workflow_id),
        "trigger_id": str(trigger.trigger_id),
        "revision": revision,
        "bus": trigger.key.bus,
    }


@pytest.mark.parametrize("trigger", [OWN_EVENT, AWS_EVENT])
def test_a_rule_sends_the_event_and_which_trigger_it_is(eventbridge: EventBridge, trigger: Trigger) -> None:
    calls = calls_of(eventbridge)
    eventbridge.sources(Clock()).ensure(trigger)
    assert calls == {"PutRule": 1, "PutTargets": 1}
    [rule] = eventbridge.rules(BUS if trigger is OWN_EVENT else "default")
    assert isinstance(trigger.source, EventSource)
    assert json.loads(rule["EventPattern"]) == trigger.source.pattern
    assert rule["State"] == ("ENABLED" if trigger.enabled else "DISABLED")
    [target] = rule["Targets"]
    assert target["Arn"] == TARGET.function_arn
    assert target["DeadLetterConfig"] == {"Arn": TARGET.dead_letters_arn}
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    transformer = target["InputTransformer"]
    sent = transformed(transformer["InputTemplate"], transformer["InputPathsMap"], EVENT)
    assert sent == {"trigger": named(trigger, 1), "event": {key: EVENT[key] for key in EVENT if key != "version"}}


def transformed(template: str, paths: Mapping[str, str], event: Mapping[str, Any]) -> Any:
    """As the user guide says of variables outside quotes: JSON, texts too. moto puts texts in without quotes."""
    values = {name: json.dumps(event[path.removeprefix("$.")]) for name, path in paths.items()}
    return json.loads(re.sub("<([a-z-]+)>", lambda found: values[found[1]], template))


def test_names_tell_stacks_and_buses_apart_and_fit() -> None:
    longest = "s" * 47
    assert rule_name(OWN_EVENT.key, longest) == spell_trigger(OWN_EVENT.trigger_id)
    on_default = rule_name(AWS_EVENT.key, longest)
    assert len(on_default) == 64
    assert on_default.startswith(f"{longest}_")
    assert on_default != rule_name(replace(AWS_EVENT.key, trigger_id=OWN_EVENT.trigger_id), longest)


@pytest.mark.parametrize("trigger", EVERY_KIND)
def test_what_is_there_already_becomes_what_the_trigger_says(eventbridge: EventBridge, trigger: Trigger) -> None:
    sources = eventbridge.sources(Clock())
    for each in (trigger, trigger, changed(trigger), changed(trigger)):
        sources.ensure(each)
    states = [schedule["State"] for schedule in eventbridge.schedules()]
    states += [rule["State"] for bus in (BUS, "default") for rule in eventbridge.rules(bus)]
    assert states == ["DISABLED" if trigger.enabled else "ENABLED"]


def changed(trigger: Trigger) -> Trigger:
    return replace(trigger, enabled=not trigger.enabled, revision=2)


@pytest.mark.parametrize("trigger", EVERY_KIND)
def test_a_changed_trigger_that_eventbridge_has_lost_is_made_again(eventbridge: EventBridge, trigger: Trigger) -> None:
    eventbridge.sources(Clock()).ensure(changed(trigger))
    assert not eventbridge.holds_nothing()


@pytest.mark.parametrize("trigger", EVERY_KIND)
def test_what_is_removed_is_gone_and_may_be_removed_again(eventbridge: EventBridge, trigger: Trigger) -> None:
    sources = eventbridge.sources(Clock())
    sources.ensure(trigger)
    for _ in range(2):
        sources.remove(trigger.key)
        assert eventbridge.holds_nothing()


def test_a_rate_begins_when_the_trigger_says(eventbridge: EventBridge) -> None:
    eventbridge.sources(Clock()).ensure(RATE)
    assert eventbridge.schedules()[0]["StartDate"] == datetime(2026, 3, 4, 5, 16, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "elapsed", "expected"),
    [
        ("rate(10 minutes)", timedelta(seconds=-30), 0),
        ("rate(10 minutes)", timedelta(seconds=59), 0),
        ("rate(10 minutes)", timedelta(seconds=60), 10),
        ("rate(10 minutes)", timedelta(minutes=10), 20),
        ("rate(1 minute)", timedelta(minutes=90, seconds=1), 91),
        ("rate(2 hours)", timedelta(hours=25), 26 * 60),
        ("rate(1 day)", timedelta(days=400, minutes=1), 401 * 24 * 60),
    ],
)
def test_a_rate_that_began_long_ago_goes_on_in_step(expression: str, elapsed: timedelta, expected: int) -> None:
    """Scheduler takes no StartDate of five minutes ago, and without one it would begin at once."""
    starts_at = Clock().now()
    assert start_of(ScheduleSource(expression), starts_at, starts_at + elapsed) == starts_at + timedelta(
        minutes=expected
    )


def refusing(world: EventBridge, operation: str, code: str, message: str = "No.", status: int = 400) -> Stubber:
    client = world.events if operation in {"put_rule", "put_targets", "delete_rule"} else world.scheduler
    stubber = Stubber(client)
    stubber.add_client_error(operation, code, message, status)
    return stubber


@pytest.mark.parametrize(
    ("trigger", "code", "message", "place"),
    [
        (SCHEDULE, "ValidationException", "Invalid Schedule Expression cron(zzz).", "/expression"),
        (SCHEDULE, "ValidationException", "Provided timezone zzz is not valid.", "/timezone"),
        (OWN_EVENT, "InvalidEventPatternException", 'Reason: ["target role zzz"]', "/pattern"),
        (AWS_EVENT, "ValidationException", "eventPattern zzz is too long", "/pattern"),
    ],
)
def test_what_eventbridge_refuses_is_told_with_its_place_and_without_values(
    eventbridge: EventBridge, trigger: Trigger, code: str, message: str, place: str
) -> None:
    operation = "create_schedule" if trigger is SCHEDULE else "put_rule"
    with refusing(eventbridge, operation, code, message), pytest.raises(TriggerRefusedError) as raised:
        eventbridge.sources(Clock()).ensure(trigger)
    [problem] = raised.value.problems
    assert problem.location == place
    assert "zzz" not in problem.message


@pytest.mark.parametrize(
    ("trigger", "operation", "code", "quota"),
    [
        (SCHEDULE, "create_schedule", "ServiceQuotaExceededException", "Number of schedules"),
        (OWN_EVENT, "put_rule", "LimitExceededException", "Number of rules"),
    ],
)
def test_a_quota_is_told_by_its_name(
    eventbridge: EventBridge, trigger: Trigger, operation: str, code: str, quota: str
) -> None:
    with refusing(eventbridge, operation, code), pytest.raises(TriggerQuotaError, match=quota):
        eventbridge.sources(Clock()).ensure(trigger)


@pytest.mark.parametrize(
    ("trigger", "operation", "code", "status"),
    [
        (SCHEDULE, "create_schedule", "ThrottlingException", 429),
        (SCHEDULE, "create_schedule", "InternalServerException", 500),
        (OWN_EVENT, "put_rule", "ConcurrentModificationException", 400),
        (OWN_EVENT, "put_rule", "InternalException", 500),
    ],
)
def test_what_passes_is_told_as_such(
    eventbridge: EventBridge, trigger: Trigger, operation: str, code: str, status: int
) -> None:
    with refusing(eventbridge, operation, code, status=status), pytest.raises(SourcesUnavailableError):
        eventbridge.sources(Clock()).ensure(trigger)


def test_a_schedule_that_another_changes_at_this_moment_is_told_as_passing(eventbridge: EventBridge) -> None:
    stubber = refusing(eventbridge, "create_schedule", "ConflictException")
    stubber.add_client_error("update_schedule", "ConflictException", "No.", 409)
    with stubber, pytest.raises(SourcesUnavailableError):
        eventbridge.sources(Clock()).ensure(SCHEDULE)


@pytest.mark.parametrize(
    ("trigger", "operation", "code", "message"),
    [
        (SCHEDULE, "create_schedule", "ValidationException", "The execution role you provide must allow it."),
        (SCHEDULE, "create_schedule", "AccessDeniedException", "Not authorized."),
        (OWN_EVENT, "put_rule", "AccessDeniedException", "Not authorized."),
    ],
)
def test_a_fault_of_the_deployment_is_not_put_on_the_caller(
    eventbridge: EventBridge, trigger: Trigger, operation: str, code: str, message: str
) -> None:
    with refusing(eventbridge, operation, code, message), pytest.raises(ClientError, match=code):
        eventbridge.sources(Clock()).ensure(trigger)


def test_a_target_that_is_not_taken_is_an_error(eventbridge: EventBridge) -> None:
    stubber = Stubber(eventbridge.events)
    stubber.add_response("put_rule", {"RuleArn": "arn:aws:events:eu-west-1:123456789012:rule/one"})
    failed = {"TargetId": "run", "ErrorCode": "ConcurrentModificationException", "ErrorMessage": "No."}
    stubber.add_response("put_targets", {"FailedEntryCount": 1, "FailedEntries": [failed]})
    with stubber, pytest.raises(SourcesUnavailableError, match="ConcurrentModificationException"):
        eventbridge.sources(Clock()).ensure(OWN_EVENT)


def test_a_target_that_is_not_let_go_of_is_an_error(eventbridge: EventBridge) -> None:
    stubber = Stubber(eventbridge.events)
    failed = {"TargetId": "run", "ErrorCode": "ConcurrentModificationException", "ErrorMessage": "No."}
    stubber.add_response("remove_targets", {"FailedEntryCount": 1, "FailedEntries": [failed]})
    with stubber, pytest.raises(SourcesUnavailableError):
        eventbridge.sources(Clock()).remove(OWN_EVENT.key)


def test_a_rule_that_is_removed_while_it_is_made_is_told_as_passing(eventbridge: EventBridge) -> None:
    """And the other way round: either of the two comes again and finds out which of them the record wants."""
    sources = eventbridge.sources(Clock())
    with Stubber(eventbridge.events) as stubber:
        stubber.add_response("put_rule", {"RuleArn": "arn:aws:events:eu-west-1:123456789012:rule/one"})
        stubber.add_client_error("put_targets", "ResourceNotFoundException")
        with pytest.raises(SourcesUnavailableError):
            sources.ensure(OWN_EVENT)
    with Stubber(eventbridge.events) as stubber:
        stubber.add_response("remove_targets", {"FailedEntryCount": 0, "FailedEntries": []})
        stubber.add_client_error("delete_rule", "ValidationException", "Rule can't be deleted since it has targets.")
        with pytest.raises(SourcesUnavailableError):
            sources.remove(OWN_EVENT.key)
