"""From what a schedule or rule of a trigger sends to its run, its last run and its last error."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import boto3
import pytest

from local.seed import TENANT
from local.stack import LocalStack
from stepcall.aws.trigger_names import schedule_input
from stepcall.domain.ids import read_workflow_id, spell_execution, spell_trigger, spell_workflow
from stepcall.domain.trigger import Bus, EventSource, ScheduleSource, Trigger, TriggerStatus
from stepcall.runtime import wiring
from stepcall.runtime.trigger_wiring import triggers
from stepcall.runtime.wiring import worker_dependencies
from tests.functional.conftest import Api
from tests.functional.missed_runs import EVENTS, ended, found, invoke
from tests.logged_lines import logged_lines

BY_RULE, BY_SCHEDULE = (
    json.loads((EVENTS / f"start_triggered_run.{kind}.json").read_text()) for kind in ("rule", "schedule")
)
NOW = datetime(2026, 11, 21, tzinfo=UTC)
DEFINITION: dict[str, Any] = {
    "name": "By trigger",
    "input": [{"name": "said", "type": "string"}, {"name": "size", "type": "integer", "default": 0}],
    "tasks": [{"ref": "same", "type": "Data.Transform", "input": {"expression": "$", "data": "{{input.said}}"}}],
    "output": [{"name": "said", "type": "string", "value": "{{refs.same.output.result}}"}],
}
OF_OBJECTS = {
    "said": "{{event.detail.object.key}} of {{event.source}}, {{event.detail-type}}",
    "size": "{{event.detail.object.size}}",
}


@pytest.fixture
def trigger(api: Api) -> Trigger:
    """By the rule of the event file, and EventBridge knows of it."""
    trigger = Trigger(
        tenant=TENANT,
        workflow_id=read_workflow_id(api.define(**DEFINITION)),
        trigger_id=wiring.new_id(),
        source=EventSource({"source": ["aws.s3"]}, Bus.DEFAULT),
        input=OF_OBJECTS,
        created_at=NOW,
    )
    return settled(trigger)


def settled(trigger: Trigger) -> Trigger:
    triggers().put(trigger)
    triggers().settle(trigger.key, trigger.revision)
    return read(trigger)


def read(trigger: Trigger) -> Trigger:
    return triggers().get(trigger.tenant, trigger.workflow_id, trigger.trigger_id)


def sent(trigger: Trigger, payload: dict[str, Any] = BY_RULE, **event: Any) -> dict[str, Any]:
    """The payload of the event file, of this trigger."""
    name = payload["trigger"] | {"workflow_id": str(trigger.workflow_id), "trigger_id": str(trigger.trigger_id)}
    return {"trigger": name, "event": payload["event"] | event}


def fire(stack: LocalStack, payload: dict[str, Any]) -> Any:
    return invoke(stack, "StartTriggeredRunFunction", payload)


def runs_of(trigger: Trigger) -> list[UUID]:
    page = worker_dependencies().runs.list_by_workflow(TENANT, trigger.workflow_id, status=None, limit=100, after=None)
    return [run.run_id for run in page.runs]


def kept(stack: LocalStack) -> list[Any]:
    sqs, url = boto3.client("sqs"), stack.deployment.names["InvalidEvents"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in messages]


def test_an_event_of_aws_starts_the_run_with_what_it_says(stack: LocalStack, trigger: Trigger) -> None:
    with logged_lines() as lines:
        assert fire(stack, sent(trigger)) is None
    [run_id] = runs_of(trigger)
    run = ended(run_id)
    assert worker_dependencies().payloads.get(run.input) == {
        "said": "pages/tide-mill.html of aws.s3, Object Created",
        "size": 5662,
    }
    assert (run.principal, run.correlation_id) == (
        f"trigger:{spell_trigger(trigger.trigger_id)}",
        BY_RULE["event"]["id"],
    )
    assert (last := read(trigger).last_run)
    assert (last.run_id, last.at, read(trigger).last_error) == (run_id, run.created_at, None)
    [line] = [line for line in lines if line["message"] == "event_started_run"]
    assert (line["run_id"], line["tenant"]) == (str(run_id), TENANT)
    assert line["trigger_id"] == spell_trigger(trigger.trigger_id)


def test_an_execution_says_which_trigger_has_started_it(stack: LocalStack, api: Api, trigger: Trigger) -> None:
    assert fire(stack, sent(trigger)) is None
    [run_id] = runs_of(trigger)
    path, trigger_id = f"/workflows/{spell_workflow(trigger.workflow_id)}/executions", spell_trigger(trigger.trigger_id)
    shown = api("GET", f"{path}/{spell_execution(run_id)}").json
    assert (shown["started_by"], shown["trigger_id"]) == (f"trigger:{trigger_id}", trigger_id)
    assert [each["started_by"] for each in api("GET", path).json["executions"]] == [f"trigger:{trigger_id}"]


def test_a_key_that_is_called_as_a_trigger_is_none(stack: LocalStack, api: Api, trigger: Trigger) -> None:
    path, name = f"/workflows/{spell_workflow(trigger.workflow_id)}", f"trigger:{spell_trigger(trigger.trigger_id)}"
    made = api("POST", "/api-keys", {"name": name, "scopes": ["runs:start", "runs:read"]}).json["api_key"]
    shown = Api(stack.url, made)("POST", f"{path}/execute", {"input": {"said": "x"}}, headers={"prefer": "wait=25"})
    assert (shown.json["started_by"], "trigger_id" in shown.json) == (name, False)


def test_a_schedule_starts_the_run_of_its_time(stack: LocalStack, trigger: Trigger) -> None:
    by_clock = settled(
        replace(
            trigger,
            trigger_id=wiring.new_id(),
            source=ScheduleSource("rate(1 minute)"),
            input={"said": "at {{event.time}}"},
        )
    )
    for _ in range(2):
        assert fire(stack, sent(by_clock, BY_SCHEDULE)) is None
    [run_id] = runs_of(by_clock)
    run = found(run_id).run
    assert worker_dependencies().payloads.get(run.input) == {"said": "at 2026-11-21T09:15:00Z", "size": 0}
    assert run.correlation_id == f"{spell_trigger(by_clock.trigger_id)}:2026-11-21T09:15:00Z"


def test_the_event_files_are_what_is_sent(trigger: Trigger) -> None:
    by_clock = replace(trigger, source=ScheduleSource("rate(1 minute)"))
    told = json.loads(schedule_input(by_clock, account="123456789012", region="eu-central-1"))
    assert told["trigger"].keys() == BY_SCHEDULE["trigger"].keys() == BY_RULE["trigger"].keys()
    assert told["event"].keys() == BY_SCHEDULE["event"].keys() == BY_RULE["event"].keys()


def test_one_event_sent_twenty_times_at_once_makes_one_run(stack: LocalStack, trigger: Trigger) -> None:
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: fire(stack, sent(trigger)), range(20)))
    # those that met in one write are for Lambda to try again
    again = [answer["errorType"] for answer in answers if answer is not None]
    assert set(again) <= {"StartedOnceError", "TriggerIsChangingError"}
    assert fire(stack, sent(trigger)) is None
    [run_id] = runs_of(trigger)
    assert (last := read(trigger).last_run)
    assert last.run_id == run_id
    assert kept(stack) == []


def test_an_event_whose_values_do_not_fit_is_the_last_error_and_is_kept(stack: LocalStack, trigger: Trigger) -> None:
    payload = sent(trigger, detail={"object": {"key": "a key", "size": "a secret"}})
    assert fire(stack, payload) is None
    [letter] = kept(stack)
    assert (letter["event"], letter["reason"]["code"]) == (payload, "invalid-input")
    assert [problem["location"] for problem in letter["reason"]["problems"]] == ["/input/size"]
    assert letter["reason"]["trigger_id"] == spell_trigger(trigger.trigger_id)
    error = read(trigger).last_error
    assert error
    assert (error.code, "/input/size" in error.message, "a secret" in error.message) == ("wrong_type", True, False)
    assert (runs_of(trigger), read(trigger).last_run) == ([], None)


def test_a_row_of_runs_is_ended_and_says_so(stack: LocalStack, trigger: Trigger) -> None:
    event: dict[str, Any] = {"source": "stepcall", "detail-type": "Run Completed"}
    detail: dict[str, Any] = {"object": {"key": "k", "size": 1}}
    assert fire(stack, sent(trigger, id="nine", **event, detail=detail | {"trigger_depth": 9})) is None
    [run_id] = runs_of(trigger)
    run = found(run_id).run
    assert (run.trigger_depth, run.trigger_ids) == (10, (trigger.trigger_id,))
    assert fire(stack, sent(trigger, id="ten", **event, detail=detail | {"trigger_depth": 10})) is None
    [letter] = kept(stack)
    assert (letter["reason"]["code"], runs_of(trigger)) == ("trigger-loop", [run_id])
    assert (error := read(trigger).last_error)
    assert error.code == "trigger-loop"


def test_a_firing_of_what_is_gone_disabled_or_changed_is_seen_to(stack: LocalStack, trigger: Trigger) -> None:
    later = sent(trigger) | {"trigger": sent(trigger)["trigger"] | {"revision": 2}}
    assert fire(stack, later) is None
    assert (len(runs_of(trigger)), read(trigger).status) == (1, TriggerStatus.ACTIVE)
    assert trigger.key in [each.key for each in triggers().list_unsettled(limit=100)]
    disabled = triggers().replace(replace(trigger, enabled=False), seen=trigger, now=NOW)
    assert disabled
    assert fire(stack, sent(trigger, id="another")) is None
    triggers().delete(disabled, NOW)
    triggers().settle(trigger.key, None)
    with logged_lines() as lines:
        assert fire(stack, sent(trigger, id="third")) is None
    assert [line["state"] for line in lines if line["message"] == "trigger_not_fired"] == ["gone"]
    assert trigger.key in [each.key for each in triggers().list_unsettled(limit=100)]
    triggers().settle(trigger.key, None)
    assert (len(runs_of(trigger)), kept(stack)) == (1, [])


def without(payload: dict[str, Any], part: str, name: str) -> dict[str, Any]:
    return payload | {part: {key: value for key, value in payload[part].items() if key != name}}


def with_said(payload: dict[str, Any], part: str, **said: Any) -> dict[str, Any]:
    return payload | {part: payload[part] | said}


MALFORMED: dict[str, tuple[Any, list[str]]] = {
    "no event": ({"trigger": BY_RULE["trigger"]}, ["/event"]),
    "no words": ({"trigger": {}, "event": {}}, []),
    "a trigger that is text": (BY_RULE | {"trigger": "hunter2"}, ["/trigger"]),
    "no trigger's id": (without(BY_RULE, "trigger", "trigger_id"), ["/trigger/trigger_id"]),
    "an id that is none": (with_said(BY_RULE, "trigger", trigger_id="hunter2"), ["/trigger/trigger_id"]),
    "a revision as text": (with_said(BY_RULE, "trigger", revision="1"), ["/trigger/revision"]),
    "a bus that is none": (with_said(BY_RULE, "trigger", bus="hunter2"), ["/trigger/bus"]),
    "an event's id as a number": (with_said(BY_RULE, "event", id=5), ["/event/id"]),
    "an event's id of a megabyte": (with_said(BY_RULE, "event", id="x" * 10**6), ["/event/id"]),
    "a detail that is text": (with_said(BY_RULE, "event", detail="hunter2"), ["/event/detail"]),
    "resources of numbers": (with_said(BY_RULE, "event", resources=[1]), ["/event/resources/0"]),
    "a list": (["hunter2"], [""]),
    "null": (None, [""]),
    "nothing": ({}, ["/id"]),
    "a custom event without detail": ({"id": "e"}, ["/detail"]),
    "a custom event's id as a number": ({"id": 5, "detail": {}}, ["/id"]),
}


@pytest.mark.parametrize("name", list(MALFORMED))
def test_what_nobody_of_ours_sends_is_kept_with_places_and_not_tried_again(stack: LocalStack, name: str) -> None:
    payload, places = MALFORMED[name]
    with logged_lines() as lines:
        assert fire(stack, payload) is None
    [letter] = kept(stack)
    reason = letter["reason"]
    assert reason["code"] == "invalid-event"
    assert not places or [problem["location"] for problem in reason["problems"]] == places
    assert "hunter2" not in json.dumps([reason, *lines])
    assert [line["code"] for line in lines if line["message"] == "event_refused"] == ["invalid-event"]
