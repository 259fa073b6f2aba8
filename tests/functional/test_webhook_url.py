"""`webhook_url` of one execution; and what is so of all webhooks: their URLs are checked, their secrets are nowhere."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from local.seed import TENANT
from local.stack import LocalStack
from stepcall.domain.ids import read_run_id
from stepcall.domain.webhook_signature import spell_secret
from stepcall.runtime import client_wiring, webhook_wiring, wiring
from tests.functional.conftest import Api, put_key
from tests.functional.everything_logged import everything_logged
from tests.functional.webhooks import ECHO, URL, codes, create, problem, shown

LATER = {"title": "later", "tasks": [{"name": "only", "type": "Data.Transform", "inputs": {"expression": "1"}}]}
START: dict[str, Callable[[str], str]] = {
    "execute": lambda workflow: f"/workflows/{workflow}/execute",
    "executions": lambda workflow: f"/workflows/{workflow}/executions",
}


@pytest.fixture
def workflow(api: Api) -> str:
    return api.define(**ECHO)


@pytest.fixture
def path(workflow: str) -> str:
    return f"/workflows/{workflow}/webhooks"


@contextmanager
def secrets_out_of_reach() -> Iterator[None]:
    """For a process that has read none yet."""

    def fail(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://secretsmanager")

    webhook_wiring._secrets_reader.cache_clear()
    events = client_wiring.secretsmanager().meta.events
    events.register("before-call.secretsmanager.GetSecretValue", fail)
    yield
    events.unregister("before-call.secretsmanager.GetSecretValue", fail)


@pytest.mark.parametrize(("route", "definition"), [("execute", ECHO), ("executions", LATER)])
def test_a_start_with_a_webhook_url_is_told_what_will_be_signed_with(
    api: Api, route: str, definition: dict[str, Any]
) -> None:
    answer = api("POST", "/workflows", {"name": "called back"} | definition if route == "execute" else definition)
    start = START[route](answer.json["workflow_id"])
    started = api("POST", start, {"webhook_url": URL})
    assert (started.status, started.headers["cache-control"]) == (202, "no-store")
    execution = started.headers["location"]
    stored = wiring.face_dependencies().runs.get(TENANT, read_run_id(execution.rpartition("/")[2])).run
    assert stored.webhook_url == URL
    [secret] = webhook_wiring.webhook_secrets().of_run(stored.run_id)
    assert started.json["webhook_secret"] == spell_secret(secret)
    ended = api("POST", start, {"webhook_url": URL}, headers={"prefer": "wait=20"})
    assert (ended.status, ended.json["webhook_secret"].startswith("whsec_")) == (200, True)
    assert ended.json["webhook_secret"] != started.json["webhook_secret"]
    for told in (api("GET", execution), api("GET", f"/jobs/{started.json['externalId']}"), api("POST", start, {})):
        assert "whsec_" not in told.text
        assert "webhook" not in told.text


def test_the_same_start_sent_again_is_told_the_same_secret(api: Api, workflow: str) -> None:
    sent: dict[str, Any] = {"body": {"webhook_url": URL}, "headers": {"idempotency-key": "call-me-back"}}
    first, again = (api("POST", f"/workflows/{workflow}/execute", **sent) for _ in range(2))
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json == first.json
    other = api("POST", f"/workflows/{workflow}/execute", {"webhook_url": URL + "x"}, headers=sent["headers"])
    assert problem(other) == (422, "idempotency-key-reused")


def test_who_may_only_start_is_told_the_secret_of_its_own_run(api: Api, stack: LocalStack, workflow: str) -> None:
    starter = Api(stack.url, put_key(stack, "sc_only_starts", scopes=frozenset({"runs:start"})))
    answer = starter("POST", f"/workflows/{workflow}/execute", {"webhook_url": URL}, headers={"prefer": "wait=20"})
    assert answer.status == 202
    assert answer.json["webhook_secret"]
    cancelled = api("POST", f"/workflows/{workflow}/executions/{answer.json['execution_id']}/cancel")
    assert "whsec_" not in cancelled.text


@pytest.mark.parametrize("value", [7, ["https://example.com/"], {"url": URL}, True])
def test_a_webhook_url_is_text(api: Api, workflow: str, value: Any) -> None:
    answer = api("POST", f"/workflows/{workflow}/execute", {"webhook_url": value})
    assert codes(answer) == [("/webhook_url", "wrong_type")]
    assert api("POST", f"/workflows/{workflow}/execute", {"webhook_url": None}).status == 202


def test_while_secrets_manager_does_not_answer_nothing_is_made_or_started(
    api: Api, stack: LocalStack, workflow: str, path: str
) -> None:
    made = create(api, path)
    rotated = f"{path}/{made['webhook_id']}/rotate"
    with secrets_out_of_reach():
        for to, body in ((path, {"url": URL}), (rotated, {}), (f"/workflows/{workflow}/execute", {"webhook_url": URL})):
            assert problem(api("POST", to, body)) == (503, "webhook-secrets-unavailable")
    assert api("GET", path).json == {"webhooks": [shown(made)]}
    assert api("GET", f"/workflows/{workflow}/executions").json == {"executions": []}
    assert api("POST", rotated).status == 200


def test_no_secret_is_stored_or_logged_and_no_url_is_logged(
    api: Api, stack: LocalStack, workflow: str, path: str
) -> None:
    with everything_logged() as said:
        made = create(api, path)
        rotated = api("POST", f"{path}/{made['webhook_id']}/rotate").json
        started = api("POST", f"/workflows/{workflow}/execute", {"webhook_url": URL}).json
        api("PATCH", f"{path}/{made['webhook_id']}", {"url": URL + "2"})
        api("DELETE", f"{path}/{made['webhook_id']}")
    signing = boto3.client("secretsmanager").get_secret_value(SecretId=stack.deployment.names["WebhookSigningSecret"])[
        "SecretString"
    ]
    secrets = [signing, *(each.removeprefix("whsec_") for each in (made["secret"], rotated["secret"]))]
    secrets.append(started["webhook_secret"].removeprefix("whsec_"))
    logged = [line for line in said if "moto" not in line]
    assert any("webhook_secret_rotated" in line for line in logged)
    assert not [secret for secret in [*secrets, "hunter2"] for line in logged if secret in line]
    names = stack.deployment.names
    stored = [str(boto3.resource("dynamodb").Table(names[t]).scan()) for t in ("WorkflowsTable", "RunsTable")]
    assert "hunter2" in stored[1]
    assert not [secret for secret in secrets for text in stored if secret in text]


def test_no_secret_is_in_the_descriptions(api: Api, workflow: str) -> None:
    for document in ("/openapi.json", f"/workflows/{workflow}/openapi.json"):
        examples = json.dumps(api("GET", document).json).split('"')
        assert not [text for text in examples if text.startswith("whsec_")]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://example.com/", "not_https"),
        ("https://169.254.169.254/latest/meta-data/", "not_public"),
        ("https://[::ffff:127.0.0.1]/", "not_public"),
        ("https://2130706433/", "invalid_url"),
        ("https://hunter2@example.com/", "invalid_url"),
        ("https://example.com/#hunter2", "invalid_url"),
        ("https://example.com/" + "hunter2" * 300, "invalid_url"),
        ("https://b\u00fccher.example/hunter2", "invalid_url"),
    ],
)
def test_a_url_that_is_not_called_is_refused_everywhere_and_never_repeated(
    api: Api, workflow: str, path: str, url: str, code: str
) -> None:
    webhook = f"{path}/{create(api, path)['webhook_id']}"
    for method, to, name in (
        ("POST", path, "url"),
        ("PATCH", webhook, "url"),
        ("POST", f"/workflows/{workflow}/execute", "webhook_url"),
    ):
        answer = api(method, to, {name: url})
        assert problem(answer) == (400, "invalid-webhook")
        assert codes(answer) == [(f"/{name}", code)]
        assert "hunter2" not in answer.text
    assert api("GET", webhook).json["url"] == URL
    assert api("GET", f"/workflows/{workflow}/executions").json == {"executions": []}
