"""Webhooks over HTTP: made, seen, changed, given another secret, stopped, deleted."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from local.seed import TENANT
from local.stack import LocalStack
from stepcall.domain.ids import read_webhook_id, read_workflow_id, spell_webhook
from stepcall.domain.webhook import MAX_WEBHOOKS
from tests.functional.conftest import Api, put_key
from tests.functional.webhooks import ECHO, URL, codes, create, problem, shown

EVENTS = ["execution.started", "execution.completed", "execution.failed", "execution.cancelled"]


@pytest.fixture
def workflow(api: Api) -> str:
    return api.define(**ECHO)


@pytest.fixture
def path(workflow: str) -> str:
    return f"/workflows/{workflow}/webhooks"


def test_a_webhook_is_made_and_its_secret_is_shown_this_once(api: Api, workflow: str, path: str) -> None:
    answer = api("POST", path, {"url": URL})
    made = answer.json
    assert answer.status == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["location"] == f"{path}/{made['webhook_id']}"
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) == 32
    assert shown(made) == {
        "webhook_id": spell_webhook(read_webhook_id(made["webhook_id"])),
        "workflow_id": workflow,
        "url": URL,
        "events": EVENTS,
        "enabled": True,
        "created_at": made["created_at"],
    }
    assert api("GET", answer.headers["location"]).json == shown(made)
    assert api("GET", path).json == {"webhooks": [shown(made)]}
    assert api("GET", f"{path}/{read_webhook_id(made['webhook_id'])}").json == shown(made)


def test_a_webhook_takes_the_events_that_it_names(api: Api, path: str) -> None:
    made = create(api, path, events=["execution.failed", "execution.started"])
    assert made["events"] == ["execution.started", "execution.failed"]
    assert create(api, path, events=None)["events"] == EVENTS


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("/url", "missing")]),
        ({"url": None}, [("/url", "wrong_type")]),
        ({"url": 7}, [("/url", "wrong_type")]),
        ({"url": ["https://example.com"]}, [("/url", "wrong_type")]),
        ({"url": URL, "events": []}, [("/events", "invalid_value")]),
        ({"url": URL, "events": "execution.failed"}, [("/events", "wrong_type")]),
        ({"url": URL, "events": {}}, [("/events", "wrong_type")]),
        ({"url": URL, "events": ["execution.ended"]}, [("/events/0", "unknown_value")]),
        ({"url": URL, "events": ["execution.failed", 7]}, [("/events/1", "unknown_value")]),
        ({"url": URL, "events": ["execution.failed"] * 2}, [("/events", "invalid_value")]),
        ({"url": URL, "events": ["*"]}, [("/events/0", "unknown_value")]),
        ({"url": URL, "enabled": False}, [("/enabled", "unknown_field")]),
        ([], [("", "wrong_type")]),
        ("https://example.com", [("", "wrong_type")]),
    ],
)
def test_what_is_wrong_with_a_request_is_said_of_each_thing(api: Api, path: str, body: Any, expected: Any) -> None:
    answer = api("POST", path, body)
    assert problem(answer) == (400, "invalid-request")
    assert codes(answer) == expected
    assert api("GET", path).json == {"webhooks": []}


@pytest.mark.parametrize("name", ["secret", "webhook_id", "tenant", "workflow_id", "secret_version", "stopped_reason"])
def test_nobody_says_of_a_webhook_what_is_not_theirs_to_say(api: Api, path: str, name: str) -> None:
    made = create(api, path)
    before = api("GET", f"{path}/{made['webhook_id']}").json
    for method, to in (("POST", path), ("PATCH", f"{path}/{made['webhook_id']}")):
        answer = api(method, to, {"url": "https://other.example.com/", name: "x"})
        assert codes(answer) == [(f"/{name}", "unknown_field")]
    assert api("GET", path).json == {"webhooks": [before]}


def test_a_huge_list_of_events_is_refused_in_few_words(api: Api, path: str) -> None:
    lists: list[list[Any]] = [["execution.failed"] * 40_000, ["x"] * 200_000, [[[]]] * 100_000]
    for events in lists:
        answer = api("POST", path, {"url": URL, "events": events})
        assert problem(answer) == (400, "invalid-request")
        assert len(answer.text) < 10_000


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"url": NaN}', b'{"url": "a", "url": "b"}', b"[" * 100_000])
def test_what_is_no_json_is_refused_as_that(api: Api, path: str, raw: bytes) -> None:
    assert problem(api("POST", path, raw=raw))[0] == 400


def test_the_deployers_allowed_host_may_be_private_and_without_tls(api: Api, path: str, page_host: str) -> None:
    assert create(api, path, url=f"http://{page_host}/hooks")["url"] == f"http://{page_host}/hooks"
    assert api("POST", path, {"url": "http://127.0.0.1:1/hooks"}).status == 400


def test_an_update_changes_what_it_names(api: Api, path: str) -> None:
    made = create(api, path)
    webhook = f"{path}/{made['webhook_id']}"
    assert api("PATCH", webhook, {}).json == shown(made)
    assert api("PATCH", webhook, {"url": None, "events": None, "enabled": None}).json == shown(made)
    moved = api("PATCH", webhook, {"url": "https://other.example.com/", "events": ["execution.failed"]})
    assert (moved.status, moved.json["url"]) == (200, "https://other.example.com/")
    assert api("PATCH", webhook, {"enabled": False}).json == moved.json | {"enabled": False}
    assert api("GET", webhook).json == moved.json | {"enabled": False}
    assert codes(api("PATCH", webhook, {"enabled": "yes"})) == [("/enabled", "wrong_type")]
    assert codes(api("PATCH", webhook, {"events": []})) == [("/events", "invalid_value")]


def test_a_webhook_that_stepcall_has_stopped_says_why_until_it_is_enabled(
    api: Api, stack: LocalStack, workflow: str, path: str
) -> None:
    made = create(api, path)
    stop(stack, workflow, made["webhook_id"], "The receiver answered 410.")
    webhook = f"{path}/{made['webhook_id']}"
    stopped = shown(made) | {"enabled": False, "stopped_reason": "The receiver answered 410."}
    assert api("GET", webhook).json == stopped
    assert api("GET", path).json == {"webhooks": [stopped]}
    assert api("PATCH", webhook, {"enabled": True}).json == shown(made)


def stop(stack: LocalStack, workflow: str, webhook: str, reason: str) -> None:
    """As what sends does it."""
    key = {
        "pk": {"S": f"WEBHOOKS#{TENANT}#{read_workflow_id(workflow)}"},
        "sk": {"S": str(read_webhook_id(webhook))},
    }
    boto3.client("dynamodb").update_item(
        TableName=stack.deployment.names["WorkflowsTable"],
        Key=key,
        UpdateExpression="SET enabled = :no, stopped_reason = :reason",
        ConditionExpression="attribute_exists(pk)",
        ExpressionAttributeValues={":no": {"N": "0"}, ":reason": {"S": reason}},
    )


def test_a_rotation_shows_another_secret_and_until_when_both_sign(api: Api, path: str) -> None:
    made = create(api, path)
    webhook = f"{path}/{made['webhook_id']}"
    answer = api("POST", f"{webhook}/rotate")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json["secret"] != made["secret"]
    until = datetime.fromisoformat(answer.json["previous_secret_until"])
    assert abs(until - datetime.now(UTC) - timedelta(hours=24)) < timedelta(minutes=1)
    assert api("GET", webhook).json == shown(answer.json)
    longer = api("POST", f"{webhook}/rotate", {"previous_valid_hours": 168}).json
    assert datetime.fromisoformat(longer["previous_secret_until"]) > until
    ended = api("POST", f"{webhook}/rotate", {"previous_valid_hours": 0}).json
    assert "previous_secret_until" not in ended
    assert len({each["secret"] for each in (made, answer.json, longer, ended)}) == 4


@pytest.mark.parametrize("hours", [-1, 169, 1.5, "24", None, True, 10**30])
def test_a_rotation_takes_whole_hours_of_a_week_at_most(api: Api, path: str, hours: Any) -> None:
    made = create(api, path)
    answer = api("POST", f"{path}/{made['webhook_id']}/rotate", {"previous_valid_hours": hours})
    assert problem(answer) == (400, "invalid-request")
    assert api("GET", f"{path}/{made['webhook_id']}").json == shown(made)


def test_a_workflow_has_twenty_webhooks_and_room_for_another_when_one_is_deleted(api: Api, path: str) -> None:
    made = [create(api, path)["webhook_id"] for _ in range(MAX_WEBHOOKS)]
    answer = api("POST", path, {"url": URL})
    assert problem(answer) == (409, "too-many-webhooks")
    assert "20 webhooks" in answer.json["detail"]
    assert api("DELETE", f"{path}/{made[3]}").status == 204
    assert problem(api("DELETE", f"{path}/{made[3]}")) == (404, "webhook-not-found")
    made.append(create(api, path)["webhook_id"])
    assert [each["webhook_id"] for each in api("GET", path).json["webhooks"]] == [*made[:3], *made[4:]]


@pytest.mark.parametrize("webhook", ["wh-" + "0" * 25, "wh-", "nothing", "wf-" + "0" * 25, "%23count", "#count", "%00"])
def test_an_id_of_no_webhook_is_not_found(api: Api, path: str, webhook: str) -> None:
    create(api, path)
    for method, to in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")):
        answer = api(method, f"{path}/{webhook}{to}", {"enabled": True} if method == "PATCH" else None)
        assert answer.status in {404, 405}, (method, answer.text)


def test_another_tenant_reaches_nothing_by_any_id(api: Api, stack: LocalStack, path: str) -> None:
    made = create(api, path)
    stranger = Api(stack.url, put_key(stack, "sc_webhooks_of_a_stranger", "strangers"))
    own = stranger.define(**ECHO)
    for workflow_path, expected in ((path, "workflow-not-found"), (f"/workflows/{own}/webhooks", "webhook-not-found")):
        webhook = f"{workflow_path}/{made['webhook_id']}"
        assert problem(stranger("GET", webhook)) == (404, expected)
        assert problem(stranger("PATCH", webhook, {"url": "https://evil.example/"})) == (404, expected)
        assert problem(stranger("POST", f"{webhook}/rotate")) == (404, expected)
        assert problem(stranger("DELETE", webhook)) == (404, expected)
    assert api("GET", path).json == {"webhooks": [shown(made)]}


def test_webhooks_of_a_deleted_workflow_cannot_be_reached(api: Api, workflow: str, path: str) -> None:
    made = create(api, path)
    assert api("DELETE", f"/workflows/{workflow}").status == 204
    assert problem(api("GET", path)) == (404, "workflow-not-found")
    assert problem(api("PATCH", f"{path}/{made['webhook_id']}", {"enabled": True})) == (404, "workflow-not-found")
