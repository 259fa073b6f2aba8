"""Starts with one `Idempotency-Key` at once, written twice by a client that heard nothing, and in each other's way."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from local.stack import LocalStack
from stepcall.runtime import client_wiring
from tests.functional.conftest import Api
from tests.functional.doors import Called, deploy, is_replayed, runs_of, said


@pytest.fixture(scope="module")
def called(stack: LocalStack) -> Called:
    return deploy(stack)


@pytest.mark.parametrize("name", ["native", "Wave", "CARTO job"])
def test_of_many_equal_starts_at_once_one_makes_a_run_and_all_are_answered_with_it(
    stack: LocalStack, name: str
) -> None:
    called, new_key = deploy(stack), str(uuid4())
    door = called.doors[name]
    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(lambda _: door.send(stack.url, new_key), range(200)))
    assert {answer.status for answer in answers} <= {200, 202}
    assert len({door.run_id(answer) for answer in answers}) == 1
    assert sum(is_replayed(answer) for answer in answers) == 199
    assert len(runs_of(stack, called)) == 1


@pytest.fixture
def answer_lost(stack: LocalStack) -> Iterator[None]:
    """AWS's client hears nothing of its first transaction with a key, and makes it again."""
    Api(stack.url)("GET", "/health")
    other, done = boto3.client("dynamodb"), list[str]()

    def write_before(params: dict[str, Any], **_: Any) -> None:
        if not done and "START#" in str(params):
            done.append(params["TransactItems"][0]["Put"]["Item"]["run_id"]["S"])
            other.transact_write_items(TransactItems=params["TransactItems"])

    events = client_wiring.dynamodb().meta.events
    events.register("provide-client-params.dynamodb.TransactWriteItems", write_before)
    yield
    events.unregister("provide-client-params.dynamodb.TransactWriteItems", write_before)
    assert done


@pytest.mark.usefixtures("answer_lost")
def test_a_start_whose_write_was_made_twice_is_one_and_the_callers_own(stack: LocalStack, called: Called) -> None:
    door, new_key = called.doors["native"], str(uuid4())
    first = door.send(stack.url, new_key)
    assert (first.status, is_replayed(first)) == (202, False)
    again = door.send(stack.url, new_key)
    assert (said(again), is_replayed(again)) == (said(first), True)


CONFLICT = ClientError(
    {
        "Error": {"Code": "TransactionCanceledException"},
        "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
    },
    "TransactWriteItems",
)


@pytest.fixture
def conflicts(stack: LocalStack) -> Iterator[None]:
    """Somebody else is writing the same record, and does not come to an end."""
    Api(stack.url)("GET", "/health")

    def fail(params: dict[str, Any], **_: Any) -> None:
        if "START#" in str(params):
            raise CONFLICT

    events = client_wiring.dynamodb().meta.events
    events.register("provide-client-params.dynamodb.TransactWriteItems", fail)
    yield
    events.unregister("provide-client-params.dynamodb.TransactWriteItems", fail)


@pytest.mark.usefixtures("conflicts")
def test_a_start_that_another_request_is_making_and_does_not_finish_is_to_be_sent_again(
    stack: LocalStack, called: Called
) -> None:
    before = runs_of(stack, called)
    doors, new_key = list(called.doors.values()), str(uuid4())
    with ThreadPoolExecutor(len(doors)) as threads:
        answers = list(threads.map(lambda door: door.send(stack.url, f"{new_key}{doors.index(door)}"), doors))
    for door, answer in zip(doors, answers, strict=True):
        assert (answer.status, answer.headers["retry-after"]) == (409, "2"), (door.name, answer.text)
        assert answer.json[door.text].startswith("The same request is being handled at this moment; send it again")
    assert runs_of(stack, called) == before
