"""Triggers over HTTP: made, seen, changed, deleted; and what moto's EventBridge and Scheduler have of them then."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import boto3
import pytest

from local.seed import TENANT
from local.stack import LocalStack
from local.template import STACK_NAME
from stepcall.aws.trigger_names import rule_name, schedule_name
from stepcall.domain.ids import read_trigger_id, read_workflow_id, spell_execution, spell_trigger
from stepcall.domain.trigger import MAX_TRIGGERS, LastError, LastRun, TriggerKey
from stepcall.stores.dynamo_trigger_store import DynamoTriggerStore
from tests.functional.conftest import Answer, Api, put_key
from tests.functional.webhooks import ECHO, codes, problem

NIGHTLY = {"type": "schedule", "expression": "cron(0 3 * * ? *)", "timezone": "Europe/Berlin"}
ON_ORDER = {"type": "event", "pattern": {"source": ["my.shop"], "detail-type": ["Order"]}}
ON_UPLOAD = {"type": "event", "pattern": {"source": ["aws.s3"]}}
PAGE = {**ECHO, "input": [{"name": "url", "type": "string"}]}


@pytest.fixture
def workflow(api: Api) -> str:
    return api.define(**ECHO)


@pytest.fixture
def path(workflow: str) -> str:
    return f"/workflows/{workflow}/triggers"


@pytest.fixture
def store(stack: LocalStack) -> DynamoTriggerStore:
    return DynamoTriggerStore(boto3.client("dynamodb"), stack.deployment.names["WorkflowsTable"])


def create(api: Api, path: str, **said: Any) -> Any:
    answer = api("POST", path, said)
    assert answer.status == 201, answer.text
    return answer.json


def key_of(made: Any, store: DynamoTriggerStore) -> TriggerKey:
    return store.get(TENANT, read_workflow_id(made["workflow_id"]), read_trigger_id(made["trigger_id"])).key


def schedules() -> dict[str, Any]:
    return {each["Name"]: each for each in boto3.client("scheduler").list_schedules()["Schedules"]}


def read(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_schedule_is_made_and_says_when_it_comes_next(api: Api, workflow: str, path: str) -> None:
    answer = api("POST", path, NIGHTLY)
    made = answer.json
    assert answer.status == 201
    assert answer.headers["location"] == f"{path}/{made['trigger_id']}"
    times, local = made["next_times"], made["next_local_times"]
    assert made == {
        "trigger_id": spell_trigger(read_trigger_id(made["trigger_id"])),
        "workflow_id": workflow,
        **NIGHTLY,
        "next_times": times,
        "next_local_times": local,
        "input": {},
        "enabled": True,
        "status": "active",
        "created_at": made["created_at"],
        "last_run": None,
        "last_error": None,
    }
    assert [time[-15:-6] for time in local] == ["T03:00:00"] * 5
    assert [read(time).astimezone(ZoneInfo("Europe/Berlin")) for time in times] == [read(time) for time in local]
    assert all(time.endswith("Z") for time in times)
    assert api("GET", answer.headers["location"]).json == made
    assert api("GET", path).json == {"triggers": [made]}
    assert schedule_name(read_trigger_id(made["trigger_id"])) in schedules()


def test_a_rate_comes_first_one_period_after_it_was_made(api: Api, path: str) -> None:
    made = create(api, path, type="schedule", expression="rate(2 hours)")
    first, *others = map(read, made["next_times"])
    assert timedelta(0) <= read(made["created_at"]) + timedelta(hours=2) - first < timedelta(seconds=1)
    assert others == [first + timedelta(hours=2 * number) for number in range(1, 5)]
    assert made["timezone"] == "UTC"


def test_a_time_that_comes_once_is_the_only_next_one(api: Api, path: str) -> None:
    once = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    assert create(api, path, type="schedule", expression=f"at({once})")["next_times"] == [f"{once}Z"]


def test_a_trigger_by_events_is_a_rule_of_the_bus_that_they_come_to(
    api: Api, path: str, stack: LocalStack, store: DynamoTriggerStore
) -> None:
    [own] = {each.variables["EVENT_BUS"] for each in stack.deployment.functions if "EVENT_BUS" in each.variables}
    buses = {"stepcall": own, "default": "default"}
    for said, bus in ((ON_ORDER, "stepcall"), (ON_UPLOAD, "default")):
        made = create(api, path, **said)
        assert (made["pattern"], made["bus"], made["status"]) == (said["pattern"], bus, "active")
        assert "next_times" not in made
        assert api("GET", f"{path}/{made['trigger_id']}").json == made
        name = rule_name(key_of(made, store), STACK_NAME)
        rule = boto3.client("events").describe_rule(Name=name, EventBusName=buses[bus])
        assert json.loads(rule["EventPattern"]) == said["pattern"]


def test_disabled_it_is_kept_and_comes_no_more_until_it_is_enabled(api: Api, path: str) -> None:
    made = create(api, path, **NIGHTLY)
    one = f"{path}/{made['trigger_id']}"
    name = schedule_name(read_trigger_id(made["trigger_id"]))
    disabled = api("PATCH", one, {"enabled": False}).json
    stopped: dict[str, Any] = {"enabled": False, "status": "disabled", "next_times": [], "next_local_times": []}
    assert disabled == made | stopped == api("GET", one).json
    assert schedules()[name]["State"] == "DISABLED"
    assert api("PATCH", one, {"enabled": True}).json == made
    assert schedules()[name]["State"] == "ENABLED"


def test_a_change_changes_what_it_says_and_null_leaves_a_thing_as_it_is(api: Api, path: str) -> None:
    made = create(api, path, **NIGHTLY)
    one = f"{path}/{made['trigger_id']}"
    assert api("PATCH", one, {}).json == made
    assert api("PATCH", one, dict.fromkeys(("expression", "timezone", "pattern", "input", "enabled"))).json == made
    moved = api("PATCH", one, {"timezone": "Asia/Kolkata"}).json
    assert (moved["expression"], moved["next_local_times"][0][-6:]) == (NIGHTLY["expression"], "+05:30")


@pytest.mark.parametrize("said", [NIGHTLY, ON_ORDER])
def test_an_answer_may_be_changed_and_sent_back(api: Api, path: str, said: Any) -> None:
    made = create(api, path, **said)
    one = f"{path}/{made['trigger_id']}"
    assert api("PATCH", one, made).json == made
    assert api("PATCH", one, made | {"enabled": False}).json["status"] == "disabled"
    assert codes(api("PATCH", one, made | {"started": 1})) == [("/started", "unknown_field")]


@pytest.mark.parametrize(("name", "other"), [("type", "schedule"), ("type", "cron"), ("bus", "default"), ("bus", 7)])
def test_type_and_bus_stay_and_the_answer_says_what_to_do(api: Api, path: str, name: str, other: Any) -> None:
    made = create(api, path, **ON_ORDER)
    answer = api("PATCH", f"{path}/{made['trigger_id']}", {name: other, "enabled": False})
    assert problem(answer) == (400, "invalid-trigger")
    assert codes(answer) == [(f"/{name}", "stays")]
    assert "make another trigger" in answer.text
    assert api("GET", path).json == {"triggers": [made]}


def test_a_deleted_trigger_is_gone_and_so_is_its_schedule(api: Api, path: str) -> None:
    made = create(api, path, **NIGHTLY)
    one = f"{path}/{made['trigger_id']}"
    assert api("DELETE", one).status == 204
    for method, body in (("GET", None), ("PATCH", {"enabled": True}), ("DELETE", None)):
        assert problem(api(method, one, body)) == (404, "trigger-not-found")
    assert schedule_name(read_trigger_id(made["trigger_id"])) not in schedules()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("/type", "missing")]),
        ({"type": "cron"}, [("/type", "unknown_value")]),
        ({"type": "schedule"}, [("/expression", "missing")]),
        ({"type": "event"}, [("/pattern", "missing")]),
        ({"type": "schedule", "expression": 7}, [("/expression", "wrong_type")]),
        ({"type": "schedule", "expression": "* * * * *"}, [("/expression", "invalid_expression")]),
        ({**NIGHTLY, "timezone": "Berlin"}, [("/timezone", "unknown_timezone")]),
        ({**NIGHTLY, "bus": "default"}, [("/bus", "unknown_field")]),
        ({**ON_ORDER, "timezone": "UTC"}, [("/timezone", "unknown_field")]),
        ({**ON_ORDER, "bus": "mine"}, [("/bus", "unknown_value")]),
        ({**ON_ORDER, "tenant": "acme"}, [("/tenant", "unknown_field")]),
        ({**NIGHTLY, "enabled": "yes"}, [("/enabled", "wrong_type")]),
        (
            {"type": "schedule", "expression": "rate(0 hours)", "timezone": "Mars", "a/b": 1, "input": {"x": 1}},
            [
                ("/a~1b", "unknown_field"),
                ("/expression", "invalid_expression"),
                ("/timezone", "unknown_timezone"),
                ("/input/x", "unknown_input"),
            ],
        ),
    ],
)
def test_all_that_is_wrong_with_a_trigger_is_said_of_each_thing(api: Api, path: str, body: Any, expected: Any) -> None:
    answer = api("POST", path, body)
    assert problem(answer) == (400, "invalid-trigger")
    assert sorted(codes(answer)) == sorted(expected)
    assert api("GET", path).json == {"triggers": []}


@pytest.mark.parametrize("body", [[], "rate(1 hour)", 7, None])
def test_a_body_that_is_no_object_is_refused_as_everywhere(api: Api, path: str, body: Any) -> None:
    answer = api("POST", path, raw=b"null") if body is None else api("POST", path, body)
    assert problem(answer) == (400, "invalid-request")


def test_no_message_repeats_what_was_sent(api: Api, path: str) -> None:
    sent = {"type": "hunter2", "expression": "hunter2", "timezone": "hunter2", "input": {"text": ["hunter2"]}}
    assert "hunter2" not in api("POST", path, sent).text
    assert "hunter2" not in api("POST", path, {"type": "event", "pattern": {"source": "hunter2"}}).text


def test_a_template_of_the_input_is_checked_and_kept_as_it_was_written(api: Api) -> None:
    path = f"/workflows/{api.define(**PAGE)}/triggers"
    assert codes(api("POST", path, NIGHTLY)) == [("/input/url", "missing")]
    made = create(api, path, **ON_ORDER, input={"url": "https://example.com/{{event.detail.id}}"})
    assert made["input"] == {"url": "https://example.com/{{event.detail.id}}"}


def test_a_trigger_says_when_its_workflow_takes_other_inputs_by_now(api: Api, workflow: str, path: str) -> None:
    made = create(api, path, **NIGHTLY)
    put = api("PUT", f"/workflows/{workflow}", {"name": "test", **PAGE})
    [told] = [each for each in put.json["warnings"] if each["code"] == "trigger_input"]
    assert made["trigger_id"] in told["message"]
    [shown] = api("GET", path).json["triggers"]
    [warning] = shown.pop("warnings")
    assert shown == made
    assert (warning["location"], warning["code"]) == ("/input/url", "missing")
    assert api("PATCH", f"{path}/{made['trigger_id']}", {"input": {"url": "x"}}).json == made | {"input": {"url": "x"}}
    put = api("PUT", f"/workflows/{workflow}", {"name": "test", **PAGE})
    assert "trigger_input" not in put.text


def test_the_last_run_and_the_last_error_are_shown(api: Api, path: str, store: DynamoTriggerStore) -> None:
    made = create(api, path, **NIGHTLY)
    key, at = key_of(made, store), datetime(2026, 3, 4, 5, 6, 7, 891000, UTC)
    store.record_run(key, LastRun(UUID(int=7 << 76), at))
    store.record_error(key, LastError(at, "not_found", "No."))
    assert api("GET", f"{path}/{made['trigger_id']}").json == made | {
        "last_run": {"execution_id": spell_execution(UUID(int=7 << 76)), "at": "2026-03-04T05:06:07.891Z"},
        "last_error": {"at": "2026-03-04T05:06:07.891Z", "code": "not_found", "message": "No."},
    }


def test_a_workflow_has_so_many_triggers_and_no_more(api: Api, path: str) -> None:
    for _ in range(MAX_TRIGGERS):
        create(api, path, **NIGHTLY, enabled=False)
    assert problem(api("POST", path, NIGHTLY)) == (409, "too-many-triggers")
    assert len(api("GET", path).json["triggers"]) == MAX_TRIGGERS


def test_with_its_workflow_a_trigger_goes_and_its_schedule(api: Api, workflow: str, path: str) -> None:
    made = create(api, path, **NIGHTLY)
    assert api("DELETE", f"/workflows/{workflow}", headers={"if-match": '"7"'}).status == 412
    name = schedule_name(read_trigger_id(made["trigger_id"]))
    assert name in schedules()
    assert api("DELETE", f"/workflows/{workflow}").status == 204
    assert name not in schedules()
    assert problem(api("GET", path)) == (404, "workflow-not-found")
    assert problem(api("POST", path, NIGHTLY)) == (404, "workflow-not-found")


def test_another_tenant_meets_no_trigger(stack: LocalStack, api: Api, workflow: str, path: str) -> None:
    made = create(api, path, **NIGHTLY)
    stranger = Api(stack.url, put_key(stack, "sc_triggers_of_others", "elsewhere"))
    asks: list[tuple[str, str, Any]] = [("GET", path, None), ("POST", path, NIGHTLY)]
    asks += [(method, f"{path}/{made['trigger_id']}", {"enabled": False}) for method in ("GET", "PATCH", "DELETE")]
    answers: list[Answer] = [stranger(method, to, body) for method, to, body in asks]
    assert [problem(answer) for answer in answers] == [(404, "workflow-not-found")] * len(asks)
    assert api("GET", path).json == {"triggers": [made]}


def test_what_of_a_pattern_never_fires_is_a_warning_of_every_answer_and_none_of_the_workflows(
    api: Api, workflow: str, path: str
) -> None:
    made = create(api, path, type="event", pattern={"source": ["aws.s3", "my.shop"]})
    own = f"{path}/{made['trigger_id']}"
    for shown in (made, api("GET", own).json, api("GET", path).json["triggers"][0]):
        assert [each["code"] for each in shown["warnings"]] == ["partly_never_fires"]
    changed = api("PATCH", own, {"pattern": {"source": ["stepcall"], "detail-type": ["Run completed"]}}).json
    assert [each["code"] for each in changed["warnings"]] == ["unknown_detail_type", "takes_own_runs"]
    stored = api("PUT", f"/workflows/{workflow}", {**ECHO, "name": "another"})
    assert (stored.status, "trigger_input" in stored.text) == (200, False)
    assert "warnings" not in api("PATCH", own, {"pattern": {"source": ["my.shop"]}}).json
