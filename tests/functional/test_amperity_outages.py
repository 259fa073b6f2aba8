"""contracts/amperity.md, "Errors and limits": 500 and 503; and what a deployment says a start is answered with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from amperity_api.app import settings
from local.stack import LocalStack
from stepcall.runtime import client_wiring, wiring
from stepcall.runtime.settings import SettingsError
from tests.functional.amperity import RUNS, Amperity, client_of_new_tenant, configure, refusal, type_of
from tests.functional.conftest import Api
from tests.functional.missed_runs import starts_throttled


@pytest.fixture(scope="module")
def amperity(stack: LocalStack) -> Amperity:
    return client_of_new_tenant(stack)


@pytest.fixture
def courier(amperity: Amperity) -> str:
    return configure(Api(amperity.url, amperity.token))


@contextmanager
def failing(client: Any, call: str, error: Exception) -> Iterator[None]:
    """While this lasts, AWS answers that call of that client so."""

    def fail(**_: Any) -> None:
        raise error

    client.meta.events.register(f"before-call.{call}", fail)
    try:
        yield
    finally:
        client.meta.events.unregister(f"before-call.{call}", fail)


def test_a_bug_is_500_with_the_requests_id_and_nothing_of_its_text(amperity: Amperity) -> None:
    with failing(client_wiring.dynamodb(), "dynamodb.Query", ZeroDivisionError("a bug with a secret in it")):
        answer = amperity("GET", RUNS)
    status, message = refusal(answer)
    assert (status, "secret" in message) == (500, False)
    assert f"the id {answer.headers['amperity-request-id']} when" in message


def test_a_run_that_step_functions_does_not_take_now_is_scheduled(amperity: Amperity, courier: str) -> None:
    with starts_throttled():
        answer = amperity.post({"config_id": courier})
    assert (answer.status, answer.json["state"]) == (200, "scheduled")
    [run] = amperity.page(type=type_of(courier)).json["data"]
    assert (run["id"], run["state"], "error" in run) == (answer.json["id"], "scheduled", False)


def forget_signing_keys() -> None:
    for remembered in (wiring.page_tokens, wiring.tokens, wiring.token_keys):
        remembered.cache_clear()


def test_a_page_whose_token_cannot_be_signed_is_503(amperity: Amperity, courier: str) -> None:
    for _ in range(2):
        amperity.start(courier)
    forget_signing_keys()
    with failing(
        client_wiring.secretsmanager(), "secretsmanager.GetSecretValue", ConnectTimeoutError(endpoint_url="x")
    ):
        answer = amperity.page(type=type_of(courier), limit=1)
        whole = amperity.page(type=type_of(courier), limit=2)
    forget_signing_keys()
    assert (refusal(answer)[0], whole.status) == (503, 200)
    assert answer.headers["retry-after"].isdigit()


def test_requests_are_served_while_they_cannot_be_counted(amperity: Amperity) -> None:
    throttled = ClientError(
        {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}},  # type: ignore[typeddict-item]
        "UpdateItem",
    )
    hasty = replace(amperity, waits=False)
    with failing(client_wiring.dynamodb(), "dynamodb.UpdateItem", throttled):
        assert {hasty("GET", RUNS).status for _ in range(15)} == {200}


@pytest.fixture
def start_status(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    settings.cache_clear()
    yield monkeypatch
    settings.cache_clear()


def test_a_deployment_may_answer_a_start_by_201(
    amperity: Amperity, courier: str, start_status: pytest.MonkeyPatch
) -> None:
    start_status.setenv("AMPERITY_START_STATUS", "201")
    answer = amperity.post({"config_id": courier})
    assert (answer.status, answer.json["task_instances"]) == (201, [])


def test_a_deployment_that_says_something_else_starts_nothing(
    amperity: Amperity, courier: str, start_status: pytest.MonkeyPatch
) -> None:
    start_status.setenv("AMPERITY_START_STATUS", "204")
    with pytest.raises(SettingsError):
        settings()
    assert amperity.post({"config_id": courier}).status == 500
    assert amperity.ids(type=type_of(courier)) == []
