"""`Idempotency-Key` on every start of every face: sent again, a start is answered again, and starts nothing."""

from uuid import uuid4

import pytest

from local.seed import API_KEY
from local.stack import LocalStack
from tests.functional.conftest import Api, put_key, send
from tests.functional.doors import DOORS, Called, Door, deploy, headers_of, is_replayed, runs_of, said, wait_for_end
from tests.sample_workflows import transform

MALFORMED = "`Idempotency-Key` must be 1 to 255 visible ASCII characters, bare or in quotation marks."
REUSED = (
    "This `Idempotency-Key` was sent before with another request, and nothing was started. Send a new key with each "
    "new request, and the same one only with the same request."
)


@pytest.fixture(scope="module")
def called(stack: LocalStack) -> Called:
    return deploy(stack)


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest, called: Called) -> Door:
    return called.doors[request.param]


@pytest.fixture
def new_key() -> str:
    return str(uuid4())


@pytest.mark.parametrize("again", ['"{}"', "{}"])
def test_a_start_that_is_sent_again_is_answered_again(
    stack: LocalStack, called: Called, door: Door, new_key: str, again: str
) -> None:
    first = door.send(stack.url, new_key)
    assert first.status in {200, 202}, first.text
    before = runs_of(stack, called)
    second = door.send(stack.url, again.format(new_key))
    assert (second.status, said(second)) == (first.status, said(first))
    assert headers_of(second) == headers_of(first)
    assert (is_replayed(first), is_replayed(second)) == (False, True)
    assert runs_of(stack, called) == before


def test_a_start_without_a_key_is_always_another(stack: LocalStack, called: Called, door: Door) -> None:
    before = len(runs_of(stack, called))
    answers = [door.send(stack.url) for _ in range(2)]
    assert [is_replayed(answer) for answer in answers] == [False, False]
    assert len(runs_of(stack, called)) == before + 2


def test_another_request_with_the_key_is_refused_and_starts_nothing(
    stack: LocalStack, called: Called, door: Door, new_key: str
) -> None:
    first = door.send(stack.url, new_key)
    before = runs_of(stack, called)
    refused = door.send(stack.url, new_key, body=door.other)
    assert (refused.status, refused.json[door.text]) == (door.reused, REUSED)
    assert not is_replayed(refused)
    assert runs_of(stack, called) == before
    assert said(door.send(stack.url, new_key)) == said(first)


def test_the_native_face_calls_a_key_that_is_reused_a_problem_of_its_own(
    stack: LocalStack, called: Called, new_key: str
) -> None:
    door = called.doors["native"]
    door.send(stack.url, new_key)
    problem = door.send(stack.url, new_key, body=door.other).json
    assert problem["type"] == "urn:stepcall:problem:idempotency-key-reused"
    malformed = door.send(stack.url, '"').json
    assert malformed["errors"] == [{"location": "/idempotency-key", "code": "invalid_value", "message": MALFORMED}]


@pytest.mark.parametrize("text", ["", '""', '"open', "two words", "x" * 256])
def test_what_is_no_key_is_refused(stack: LocalStack, called: Called, door: Door, text: str) -> None:
    before = runs_of(stack, called)
    refused = door.send(stack.url, text)
    assert refused.status == 400
    assert MALFORMED in refused.text.replace('\\"', '"')
    assert runs_of(stack, called) == before


@pytest.mark.parametrize("other", ["another caller", "another key"])
def test_the_key_of_another_caller_and_another_key_are_other_calls(
    stack: LocalStack, door: Door, new_key: str, other: str
) -> None:
    first = door.send(stack.url, new_key)
    if other == "another key":
        second = door.send(stack.url, new_key.upper() + "-")
    else:
        second = door.send(stack.url, new_key, key=put_key(stack, f"sc_once_{door.name}".replace(" ", "_")))
    assert (second.status, is_replayed(second)) == (first.status, False)
    if door.id:
        assert door.run_id(second) != door.run_id(first)


def test_the_same_key_of_another_tenant_is_another_call(stack: LocalStack, called: Called, new_key: str) -> None:
    stranger = put_key(stack, "sc_once_stranger", tenant="once elsewhere")
    own = Api(stack.url, stranger).define(name="Once", tasks=[transform("only")])
    called.doors["native"].send(stack.url, new_key)
    path = f"/workflows/{own}/execute"
    started = Api(stack.url, stranger)("POST", path, {}, headers={"idempotency-key": new_key})
    assert (started.status, is_replayed(started)) == (202, False)
    # and whose key it is, is asked first: the other tenant's run is not told of
    door = called.doors["native"]
    assert door.send(stack.url, str(uuid4()), key=stranger).status == 404


def test_a_call_that_was_refused_is_not_recorded(stack: LocalStack, called: Called, new_key: str) -> None:
    for door, bad in (
        (called.doors["native"], {"input": {"number": "no number"}}),
        (called.doors["Wave"], {"numbers": 1}),
        (called.doors["Amperity"], {"config_id": "cg-nothing"}),
        (called.doors["CARTO job"], {"query": "CALL `nothing.like.it`(1)"}),
    ):
        own = f"{new_key}-{door.name.replace(' ', '-')}"
        assert door.send(stack.url, own, body=bad).status in {400, 404}
        started = door.send(stack.url, own)
        assert (started.status in {200, 202}, is_replayed(started)) == (True, False)


@pytest.mark.parametrize("name", DOORS)
def test_a_start_is_answered_again_long_after_the_run_has_ended_and_the_workflow_was_deleted(
    stack: LocalStack, name: str, new_key: str
) -> None:
    called = deploy(stack)
    door = called.doors[name]
    first = door.send(stack.url, new_key)
    wait_for_end(stack, called)
    api = Api(stack.url)
    changed = api("PUT", f"/workflows/{called.workflow_id}", {"name": "Changed", "tasks": [transform("only")]})
    assert changed.status == 200, changed.text
    assert said(door.send(stack.url, new_key)) == said(first)
    assert api("DELETE", f"/workflows/{called.workflow_id}").status == 204
    again = door.send(stack.url, new_key)
    assert (again.status, said(again), is_replayed(again)) == (first.status, said(first), True)
    assert door.send(stack.url, new_key, body=door.other).status == door.reused
    assert door.send(stack.url, new_key + "x").status == 404


def test_who_waits_for_the_end_waits_for_that_of_the_first_time(
    stack: LocalStack, called: Called, new_key: str
) -> None:
    api, path = Api(stack.url), called.doors["native"].path
    sent = {"idempotency-key": new_key, "prefer": "wait=25"}
    first = api("POST", path, {}, headers=sent)
    assert first.status == 200, first.text
    second = api("POST", path, {}, headers=sent)
    assert (second.status, second.json, is_replayed(second)) == (200, first.json, True)


@pytest.mark.parametrize("name", [name for name in DOORS if name != "CARTO query"])  # whose rows need `runs:read`
def test_who_may_only_start_is_told_as_little_again(stack: LocalStack, called: Called, name: str, new_key: str) -> None:
    door = called.doors[name]
    starter = put_key(stack, f"sc_starts_{name}".replace(" ", "_"), scopes=frozenset({"runs:start"}))
    first, second = (door.send(stack.url, new_key, key=starter) for _ in range(2))
    assert (second.status, said(second), is_replayed(second)) == (first.status, said(first), True)
    assert "token" not in second.json


def test_a_key_in_the_query_is_no_part_of_the_request(stack: LocalStack, called: Called, new_key: str) -> None:
    path = called.doors["native"].path
    sent = {"idempotency-key": new_key}
    first = send(stack.url, "POST", f"{path}?access_token={API_KEY}", {}, headers=sent)
    second = send(stack.url, "POST", path, {}, headers=sent | {"x-api-key": API_KEY})
    assert (first.status, second.status, second.json) == (202, 202, first.json)
    assert is_replayed(second)


def test_one_key_at_two_doors_is_another_request(stack: LocalStack, called: Called, new_key: str) -> None:
    called.doors["native"].send(stack.url, new_key)
    assert called.doors["Wave"].send(stack.url, new_key).status == 422
