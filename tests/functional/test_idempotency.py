"""`Idempotency-Key` on every start of every face: sent again, a start is answered again, and starts nothing."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from local.seed import API_KEY
from local.stack import LocalStack
from stepcall.domain.ids import read_run_id
from stepcall.runtime import wiring
from tests.functional.amperity import RUNS
from tests.functional.carto import enable, url_of
from tests.functional.conftest import ENDED, Answer, Api, faults, put_key, send
from tests.sample_workflows import declare, transform

MALFORMED = "`Idempotency-Key` must be 1 to 255 visible ASCII characters, bare or in quotation marks."
REUSED = (
    "This `Idempotency-Key` was sent before with another request, and nothing was started. Send a new key with each "
    "new request, and the same one only with the same request."
)
DESCRIBED = ("/workflows/", "/api/")


class Door(NamedTuple):
    """One way to start a workflow: a request, another one, the key of an error's text, and that of the run's id."""

    name: str
    method: str
    path: str
    body: Any
    other: Any
    text: str
    id: str | None
    reused: int = 422

    def send(self, url: str, idempotency_key: str | None = None, *, key: str = API_KEY, body: Any = None) -> Answer:
        carried = {"x-api-key": key} | ({} if idempotency_key is None else {"idempotency-key": idempotency_key})
        path, sent = self.path, self.body if body is None else body
        if isinstance(sent, str):
            path, sent = f"{path}?{sent}", None
        while True:
            answer = send(url, self.method, path, sent, headers=carried)
            if path.startswith(DESCRIBED):
                assert faults(self.method, path, answer) == []
            if answer.status != 429:
                return answer
            time.sleep(float(answer.headers["retry-after"]))

    def run_id(self, answer: Answer) -> UUID:
        return read_run_id(answer.json[self.id])


DOORS = (
    "native",
    "native, later",
    "Wave",
    "Amperity",
    "CARTO job",
    "CARTO job by GET",
    "CARTO query",
)


class Called(NamedTuple):
    """A workflow, and its doors by their names."""

    workflow_id: str
    doors: Mapping[str, Door]


def deploy(stack: LocalStack) -> Called:
    """A new workflow of one input that may be left out; its table is made anew with each call."""
    config_id = f"cg-{uuid4().hex[:9]}"
    definition = {
        "name": "Once",
        "config_id": config_id,
        "input": [declare("number", "integer", required=False)],
        "tasks": [transform("only")],
    }
    deployed = enable(stack, definition, cache=False)
    native, call = f"/workflows/{deployed.workflow_id}", f"CALL `{deployed.procedure}`"
    one, two = f"{call}(1)", f"{call}(2)"
    job = f"/v3/sql/{deployed.carto.connection}"
    doors = (
        Door("native", "POST", f"{native}/execute", {"input": {"number": 1}}, {"input": {}}, "detail", "execution_id"),
        Door(
            "native, later",
            "POST",
            f"{native}/executions",
            {"inputs": {"number": 1}},
            {"inputs": {}},
            "detail",
            "workflow_execution_id",
        ),
        Door("Wave", "POST", f"/wave{native}/execute", {"number": 1}, {"number": 2}, "message", "id"),
        Door("Amperity", "POST", RUNS, {"config_id": config_id}, {"config_id": "cg-0"}, "message", "id", 409),
        Door("CARTO job", "POST", f"{job}/job", {"query": one}, {"query": two}, "error", "externalId"),
        Door("CARTO job by GET", "GET", f"{job}/job", url_of(query=one), url_of(query=two), "error", "externalId"),
        Door("CARTO query", "POST", f"{job}/query", {"q": one}, {"q": two}, "error", None),
    )
    return Called(deployed.workflow_id, {door.name: door for door in doors})


@pytest.fixture(scope="module")
def called(stack: LocalStack) -> Called:
    return deploy(stack)


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest, called: Called) -> Door:
    return called.doors[request.param]


@pytest.fixture
def new_key() -> str:
    return str(uuid4())


def runs_of(stack: LocalStack, called: Called) -> list[str]:
    page = Api(stack.url)("GET", f"/workflows/{called.workflow_id}/executions?limit=100").json
    assert "next_token" not in page
    return [execution["execution_id"] for execution in page["executions"]]


def said(answer: Answer) -> Any:
    """The body, without the token that each answer of the CARTO face makes anew."""
    return {name: value for name, value in answer.json.items() if name != "token"}


def headers_of(answer: Answer) -> dict[str, str]:
    """Those that are not about the one request."""
    own = {"date", "apigw-requestid", "amperity-request-id", "idempotent-replayed", "content-length", "ratelimit"}
    return {name: value for name, value in answer.headers.items() if name not in own}


def is_replayed(answer: Answer) -> bool:
    assert answer.headers.get("idempotent-replayed", "true") == "true"
    return "idempotent-replayed" in answer.headers


def wait_for_end(stack: LocalStack, called: Called) -> None:
    path, deadline = f"/workflows/{called.workflow_id}/executions?limit=100", time.monotonic() + 30
    while time.monotonic() < deadline:
        if {each["status"] for each in Api(stack.url)("GET", path).json["executions"]} <= ENDED:
            return
        time.sleep(0.1)
    raise AssertionError("the runs do not end")


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


@pytest.mark.parametrize("name", ["native", "Wave", "CARTO job"])
def test_of_many_equal_starts_at_once_one_makes_a_run_and_all_are_answered_with_it(
    stack: LocalStack, name: str, new_key: str
) -> None:
    called = deploy(stack)
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

    events = wiring.dynamodb().meta.events
    events.register("provide-client-params.dynamodb.TransactWriteItems", write_before)
    yield
    events.unregister("provide-client-params.dynamodb.TransactWriteItems", write_before)
    assert done


@pytest.mark.usefixtures("answer_lost")
def test_a_start_whose_write_was_made_twice_is_one_and_the_callers_own(
    stack: LocalStack, called: Called, new_key: str
) -> None:
    door = called.doors["native"]
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

    events = wiring.dynamodb().meta.events
    events.register("provide-client-params.dynamodb.TransactWriteItems", fail)
    yield
    events.unregister("provide-client-params.dynamodb.TransactWriteItems", fail)


@pytest.mark.usefixtures("conflicts")
def test_a_start_that_another_request_is_making_and_does_not_finish_is_to_be_sent_again(
    stack: LocalStack, called: Called, new_key: str
) -> None:
    before = runs_of(stack, called)
    doors = list(called.doors.values())
    with ThreadPoolExecutor(len(doors)) as threads:
        answers = list(threads.map(lambda door: door.send(stack.url, f"{new_key}{doors.index(door)}"), doors))
    for door, answer in zip(doors, answers, strict=True):
        assert (answer.status, answer.headers["retry-after"]) == (409, "2"), (door.name, answer.text)
        assert answer.json[door.text].startswith("The same request is being handled at this moment; send it again")
    assert runs_of(stack, called) == before
