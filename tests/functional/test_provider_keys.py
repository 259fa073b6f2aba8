"""`X-OpenAI-Key`: the caller's own key to the language model, from the request to the provider and nowhere else."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from local.stack import LocalStack
from stepcall.domain.ids import read_run_id
from tests.functional.conftest import Api
from tests.functional.everything_logged import everything_logged
from tests.functional.everything_stored import (
    answers_of,
    assert_nowhere,
    everything_stored,
    execution_id_of,
    executions,
    items,
    objects,
)
from tests.functional.model_endpoint import REFUSED, ModelEndpoint

KEY = "sk-of-the-caller-7f3a9c"
DEPLOYMENTS_KEY = "no-key-is-needed-here"
TEXT = "Honey bees do not hibernate. A colony of honey bees gathers into a cluster around its queen."
WAIT = {"prefer": "wait=25"}
START_PATHS = ["execute", "executions"]


@pytest.fixture
def model(model_endpoint: ModelEndpoint) -> Iterator[ModelEndpoint]:
    model_endpoint.keys.clear()
    yield model_endpoint
    model_endpoint.meanwhile = lambda: None


@pytest.fixture(scope="module")
def workflow(stack: LocalStack) -> str:
    task = {"ref": "s", "type": "OpenAI.Text.Summarize", "input": {"text": TEXT}}
    result = {"name": "summary", "type": "string", "value": "{{refs.s.output.summary}}"}
    return Api(stack.url).define(tasks=[task], output=[result])


def run_item(stack: LocalStack, execution: Any) -> dict[str, Any]:
    key = {"run_id": {"S": str(read_run_id(execution_id_of(execution)))}, "item": {"S": "RUN"}}
    item: dict[str, Any] = boto3.client("dynamodb").get_item(TableName=stack.deployment.names["RunsTable"], Key=key)[
        "Item"
    ]
    return item


def await_that(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("path", START_PATHS)
def test_the_callers_key_reaches_the_provider_and_is_seen_nowhere_else(
    stack: LocalStack, api: Api, model: ModelEndpoint, workflow: str, path: str
) -> None:
    seen: list[str] = []
    model.meanwhile = lambda: seen.append(everything_stored(stack))
    with everything_logged() as said:
        answer = api("POST", f"/workflows/{workflow}/{path}", {}, headers={**WAIT, "X-OpenAI-Key": KEY})
        await_that(lambda: any("run_ended" in line for line in said))  # it is logged after the record was written
    assert (answer.status, answer.json["status"]) == (200, "COMPLETED"), answer.text
    assert model.keys == [KEY]
    [meanwhile] = seen
    assert "'provider_key': {'B': b" in meanwhile, "it was there, encrypted"
    assert "provider_key" not in run_item(stack, answer.json)
    told = f"{answer.headers} {answer.text}"
    assert_nowhere(KEY, meanwhile, everything_stored(stack), told, *answers_of(api, answer.json), *said)


def test_the_search_looks_into_items_their_changes_objects_and_executions(stack: LocalStack, api: Api) -> None:
    task = {"ref": "large", "type": "Data.Transform", "input": {"expression": "$pad('', 20000, 'find me ')"}}
    execution = api.run(api.define(tasks=[task]))
    run_id = str(read_run_id(execution_id_of(execution)))
    assert [run_id in "".join(place) for place in (items(stack), executions())] == [True, True]
    assert any(run_id in item and "OldImage" in item for item in items(stack))
    assert "find me find me" in "".join(objects(stack))


def test_a_run_without_a_key_of_its_own_asks_with_the_deployments(
    api: Api, model: ModelEndpoint, workflow: str
) -> None:
    for headers in (WAIT, {**WAIT, "X-OpenAI-Key": KEY}, WAIT):
        assert api("POST", f"/workflows/{workflow}/execute", {}, headers=headers).json["status"] == "COMPLETED"
    assert model.keys == [DEPLOYMENTS_KEY, KEY, DEPLOYMENTS_KEY]


def test_a_key_that_the_provider_refuses_fails_the_run_once_and_is_erased(
    stack: LocalStack, api: Api, model: ModelEndpoint, workflow: str
) -> None:
    key = f"{REFUSED}-41d7"
    with everything_logged() as said:
        answer = api("POST", f"/workflows/{workflow}/execute", {}, headers={**WAIT, "X-OpenAI-Key": key})
    assert (answer.status, answer.json["status"]) == (200, "FAILED"), answer.text
    assert model.keys == [key], "once, and the deployment's key is not tried"
    assert "`X-OpenAI-Key`" in answer.json["error"]["message"]
    assert answer.json["error"]["reason"] == "accessDenied"
    assert "provider_key" not in run_item(stack, answer.json)
    assert_nowhere(key, everything_stored(stack), answer.text, *answers_of(api, answer.json), *said)


def test_a_run_that_is_cancelled_loses_its_key_at_once(
    stack: LocalStack, api: Api, model: ModelEndpoint, workflow: str
) -> None:
    found: list[Any] = []

    def cancel() -> None:
        [newest] = api("GET", f"/workflows/{workflow}/executions?limit=1").json["executions"]
        found.append(run_item(stack, newest))
        answer = api("POST", f"/workflows/{workflow}/executions/{newest['execution_id']}/cancel")
        assert answer.status == 202
        found.append(run_item(stack, newest))

    model.meanwhile = cancel
    answer = api("POST", f"/workflows/{workflow}/execute", {}, headers={**WAIT, "X-OpenAI-Key": KEY})
    assert answer.json["status"] == "CANCELLED", answer.text
    await_that(lambda: len(found) == 2)  # whoever waits for the run's end may hear of it before who cancelled it
    before, after = found
    assert (before["status"], after["status"]) == ({"S": "RUNNING"}, {"S": "CANCELLED"})
    assert "provider_key" in before
    assert "provider_key" not in after
    assert_nowhere(KEY, everything_stored(stack), answer.text)


def test_a_workflow_that_asks_no_model_stores_no_key(stack: LocalStack, api: Api) -> None:
    task = {"ref": "only", "type": "Data.Transform", "input": {"expression": "$", "data": 1}}
    answer = api("POST", f"/workflows/{api.define(tasks=[task])}/execute", {}, headers={**WAIT, "X-OpenAI-Key": KEY})
    assert answer.json["status"] == "COMPLETED"
    run_id = str(read_run_id(answer.json["execution_id"]))
    of_run = [item for item in items(stack) if run_id in item]
    assert any("OldImage" in item for item in of_run), "every change of it is among them"
    assert [item for item in of_run if "provider_key" in item] == []


@pytest.mark.parametrize("path", START_PATHS)
@pytest.mark.parametrize("key", ["", "x" * 513, "sk of two words", "sk-\xe9"])
def test_what_is_no_key_is_refused_and_starts_nothing(api: Api, workflow: str, path: str, key: str) -> None:
    before = api("GET", f"/workflows/{workflow}/executions").json
    answer = api("POST", f"/workflows/{workflow}/{path}", {}, headers={"X-OpenAI-Key": key})
    assert (answer.status, answer.json["type"]) == (400, "urn:stepcall:problem:invalid-request")
    [problem] = answer.json["errors"]
    assert (problem["location"], problem["code"]) == ("/x-openai-key", "invalid_value")
    assert not key or key not in answer.text
    assert api("GET", f"/workflows/{workflow}/executions").json == before


def test_other_routes_take_no_notice_of_it(api: Api, workflow: str) -> None:
    assert api("GET", f"/workflows/{workflow}", headers={"X-OpenAI-Key": "sk of two words"}).status == 200


def test_a_key_encrypted_for_another_run_fails_the_run_as_a_fault_of_ours(
    stack: LocalStack, api: Api, model: ModelEndpoint
) -> None:
    """As somebody could arrange who may write the table, and not read the secret."""
    first = {"ref": "first", "type": "OpenAI.Text.Summarize", "input": {"text": TEXT}}
    second = {"ref": "second", "type": "OpenAI.Text.Summarize", "input": {"text": "{{refs.first.output.summary}}"}}
    path = f"/workflows/{api.define(tasks=[first, second])}"
    client, table = boto3.client("dynamodb"), stack.deployment.names["RunsTable"]
    taken: list[Any] = []

    def move_the_key() -> None:
        [newest] = api("GET", f"{path}/executions?limit=1").json["executions"]
        item = run_item(stack, newest)
        taken.append(item["provider_key"])
        client.update_item(
            TableName=table,
            Key={"run_id": item["run_id"], "item": item["item"]},
            UpdateExpression="SET provider_key = :key",
            ExpressionAttributeValues={":key": taken[0]},
        )

    model.meanwhile = move_the_key
    answers = [
        api("POST", f"{path}/execute", {}, headers={**WAIT, "X-OpenAI-Key": key}).json for key in (KEY, "sk-another")
    ]
    assert [answer["status"] for answer in answers] == ["COMPLETED", "FAILED"]
    assert model.keys == [KEY, KEY, "sk-another"], "the second task of the second run asked nobody"
    error = answers[1]["error"]
    assert (error["reason"], error["location"]) == ("internalError", "second")
    assert "`X-OpenAI-Key`" in error["message"]
