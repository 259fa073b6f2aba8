"""How many executions a key may start, over HTTP: what is allowed, what is refused, and what headers say of it."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import boto3
import pytest

from local.stack import LocalStack
from stepcall.domain.access import RateLimit
from stepcall.domain.ids import spell_api_key
from stepcall.domain.rate_limit import NEVER_USED, SECOND, RateLimitedError, interval, take
from stepcall.runtime import client_wiring
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from tests.api_keys import api_key
from tests.functional.conftest import Answer, Api
from tests.functional.test_native_face import light

DEFAULT = RateLimit()
STARTS = 500
SECONDS_TO_END = 60
SLOW = RateLimit(per_second=1, burst=3)
Definition = dict[str, Any]
DEFINITION: Definition = {"name": "light", "tasks": [light("only", "$", 1)]}
MakeApi = Callable[..., Api]


@pytest.fixture
def api_of(stack: LocalStack) -> MakeApi:
    """A client with a new key, of a tenant, with a limit."""
    keys = DynamoApiKeyStore(boto3.client("dynamodb"), stack.deployment.names["WorkflowsTable"])

    def make(limit: RateLimit | None = SLOW, tenant: str = "limited") -> Api:
        text = f"sc_{uuid4()}"
        keys.put(api_key(text, tenant, rate_limit=limit))
        return Api(stack.url, text)

    return make


def execute(api: Api, workflow_id: str) -> Answer:
    return api("POST", f"/workflows/{workflow_id}/execute")


def limit_of(answer: Answer) -> tuple[int, int]:
    """`r` and `t`."""
    found = re.fullmatch(r'"default";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
    assert found, answer.headers["ratelimit"]
    return int(found[1]), int(found[2])


def says_nothing_of_limits(answer: Answer) -> bool:
    return not {"ratelimit", "ratelimit-policy"} & answer.headers.keys()


class Started(NamedTuple):
    """One start of many: the client's clock before it was sent, in microseconds, and what came of it."""

    sent_at: int
    status: int
    headers: dict[str, str]
    body: Any


class Bucket:
    """The clock of a key's bucket: the `now` and the `tat` after it of each start that DynamoDB counted."""

    def __init__(self, tenant: str, key_id: str) -> None:
        self._name = f"{tenant}#{key_id}"
        self._asked = threading.local()
        self.counted: list[tuple[int, int]] = []

    def __enter__(self) -> "Bucket":
        self._events = client_wiring.dynamodb().meta.events
        self._events.register("before-parameter-build.dynamodb.UpdateItem", self._hear_question)
        self._events.register("after-call.dynamodb.UpdateItem", self._hear_answer)
        return self

    def __exit__(self, *_: object) -> None:
        self._events.unregister("before-parameter-build.dynamodb.UpdateItem", self._hear_question)
        self._events.unregister("after-call.dynamodb.UpdateItem", self._hear_answer)

    def _hear_question(self, params: dict[str, Any], **_: Any) -> None:
        self._asked.request = params

    def _hear_answer(self, parsed: dict[str, Any], **_: Any) -> None:
        request = self._asked.request
        if request["Key"] == {"bucket": {"S": self._name}} and "Attributes" in parsed:
            now = int(request["ExpressionAttributeValues"][":now"]["N"])
            self.counted.append((now, int(parsed["Attributes"]["tat"]["N"])))


def start(api: Api, workflow_id: str) -> Started:
    place = urlsplit(api.url)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=SECONDS_TO_END)
    sent_at = time.time_ns() // 1000
    try:
        connection.request("POST", f"/workflows/{workflow_id}/execute", "{}", {"x-api-key": str(api.key)})
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Started(sent_at, answer.status, headers, json.loads(answer.read()))
    finally:
        connection.close()


def start_all_at_once(api: Api, workflow_id: str) -> list[Started]:
    """Each from a thread and over a connection of its own, all sent together."""
    gate = threading.Barrier(STARTS)

    def start_together(_: int) -> Started:
        gate.wait()
        return start(api, workflow_id)

    with ThreadPoolExecutor(STARTS) as pool:
        return list(pool.map(start_together, range(STARTS)))


def start_until_refused(api: Api, workflow_id: str) -> list[Started]:
    """One after the other: what has come back in the meantime, and the refusal that ends it."""
    answers = [start(api, workflow_id)]
    while answers[-1].status == 202:
        answers.append(start(api, workflow_id))
    return answers


def wait_for_all(api: Api, workflow_id: str, ids: set[str]) -> Counter[str]:
    """How the executions of the workflow have ended, all of them."""
    deadline = time.monotonic() + SECONDS_TO_END
    while True:
        listed = listed_executions(api, workflow_id)
        assert set(listed) == ids
        if not {"PENDING", "RUNNING"} & set(listed.values()):
            return Counter(listed.values())
        assert time.monotonic() < deadline, Counter(listed.values())
        time.sleep(0.2)


def listed_executions(api: Api, workflow_id: str) -> dict[str, str]:
    """Every execution's status."""
    found, token = dict[str, str](), ""
    while True:
        page = api("GET", f"/workflows/{workflow_id}/executions?limit=100{token}").json
        found |= {execution["execution_id"]: execution["status"] for execution in page["executions"]}
        if "next_token" not in page:
            return found
        token = f"&next_token={page['next_token']}"


def test_of_500_starts_at_once_exactly_what_the_bucket_allows_is_started_and_none_of_it_is_lost(
    stack: LocalStack, api_of: MakeApi
) -> None:
    api = api_of(DEFAULT)
    workflow_id = api.define(**DEFINITION)
    key_id = spell_api_key(api_key(str(api.key)).key_id)
    with Bucket("limited", key_id) as bucket:
        answers = start_all_at_once(api, workflow_id)
        assert len(answers) == STARTS
        answers += start_until_refused(api, workflow_id)
    accepted = [answer for answer in answers if answer.status == 202]
    refused = [answer for answer in answers if answer.status == 429]

    assert len(accepted) + len(refused) == len(answers), Counter(answer.status for answer in answers)
    # what DynamoDB counted is what was started, and the bucket's own arithmetic allows each of it at its time
    assert len(bucket.counted) == len(accepted)
    stands_at = NEVER_USED
    for now, tat in sorted(bucket.counted, key=lambda each: each[1]):
        assert take(stands_at, now, DEFAULT) == tat
        stands_at = tat
    # no more than the burst and what came back meanwhile; nor fewer, for nothing was left for the last who was refused
    times = [now for now, _ in bucket.counted]
    assert len(accepted) <= DEFAULT.burst + (max(times) - min(times)) // interval(DEFAULT)
    with pytest.raises(RateLimitedError):
        take(stands_at, answers[-1].sent_at, DEFAULT)
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)

    ids = {answer.body["execution_id"] for answer in accepted}
    assert len(ids) == len(accepted)
    assert wait_for_all(api, workflow_id, ids) == {"COMPLETED": len(accepted)}


def test_a_refused_start_says_when_to_come_again_and_then_is_welcome(api_of: MakeApi) -> None:
    api = api_of()
    workflow_id = api.define(**DEFINITION)
    assert [execute(api, workflow_id).status for _ in range(4)] == [202, 202, 202, 429]
    refused = execute(api, workflow_id)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"] == "1"
    assert limit_of(refused) == (0, 1)
    problem = refused.json
    assert (problem["type"], problem["status"]) == ("urn:stepcall:problem:rate-limited", 429)
    assert problem["detail"] == (
        "This key may start 1 execution per second, and 3 at one moment. Try again after 1 second."
    )
    time.sleep(int(refused.headers["retry-after"]))
    assert execute(api, workflow_id).status == 202


def test_headers_count_down_with_each_start_and_stand_on_every_answer(api_of: MakeApi) -> None:
    api = api_of(RateLimit(per_second=1, burst=5))
    defined = api("POST", "/workflows", DEFINITION)
    assert limit_of(defined) == (5, 0)
    path = defined.headers["location"]
    seen = [api("POST", f"{path}/execute") for _ in range(3)]
    assert [limit_of(answer) for answer in seen] == [(4, 1), (3, 1), (2, 1)]
    for method, asked, status in (
        ("GET", path, 200),
        ("GET", "/workflows", 200),
        ("GET", "/workflows/wf-0000000000000000000000000", 404),
        ("POST", f"{path}/versions", 405),
    ):
        answer = api(method, asked)
        assert answer.status == status
        assert limit_of(answer)[0] >= 2  # reading takes nothing
    for answer in (defined, *seen):
        assert answer.headers["ratelimit-policy"] == '"default";q=1;w=1'


def test_both_routes_that_start_are_counted_and_a_start_with_a_bad_input_is_too(api_of: MakeApi) -> None:
    api = api_of()
    workflow_id = api.define(**DEFINITION)
    assert execute(api, workflow_id).status == 202
    assert api("POST", f"/workflows/{workflow_id}/executions").status == 202
    assert api("POST", f"/workflows/{workflow_id}/execute", {"input": {"unknown": 1}}).status == 400
    assert api("POST", f"/workflows/{workflow_id}/executions").status == 429
    assert len(listed_executions(api, workflow_id)) == 2


def test_two_keys_of_a_tenant_do_not_share_a_bucket_and_neither_do_two_tenants(api_of: MakeApi) -> None:
    first = api_of()
    workflow_id = first.define(**DEFINITION)
    assert [execute(first, workflow_id).status for _ in range(4)] == [202, 202, 202, 429]
    second, elsewhere = api_of(), api_of(tenant="elsewhere")
    assert [execute(second, workflow_id).status for _ in range(4)] == [202, 202, 202, 429]
    others = elsewhere.define(**DEFINITION)
    assert [execute(elsewhere, others).status for _ in range(4)] == [202, 202, 202, 429]


def test_the_local_development_key_has_no_limit_and_hears_of_none(api: Api) -> None:
    workflow_id = api.define(**DEFINITION)
    answers = [execute(api, workflow_id) for _ in range(DEFAULT.burst * 2)]
    assert {answer.status for answer in answers} == {202}
    assert all(map(says_nothing_of_limits, answers))


def test_strangers_hear_of_no_limit(stack: LocalStack) -> None:
    for stranger in (Api(stack.url, None), Api(stack.url, "sc_nobody")):
        for path in ("/workflows", "/health"):
            assert says_nothing_of_limits(stranger("GET", path))


def test_pages_of_other_origins_may_read_the_headers(api_of: MakeApi) -> None:
    answer = api_of()("GET", "/workflows", headers={"origin": "https://example.com"})
    exposed = answer.headers["access-control-expose-headers"].split(",")
    assert {"ratelimit", "ratelimit-policy", "retry-after"} <= set(exposed)


def test_a_bucket_is_one_item_that_goes_by_itself(stack: LocalStack, api_of: MakeApi) -> None:
    api = api_of(tenant="counted")
    execute(api, api.define(**DEFINITION))
    items = boto3.client("dynamodb").scan(TableName=stack.deployment.names["RateLimitsTable"])["Items"]
    [item] = [item for item in items if item["bucket"]["S"].startswith("counted#key_")]
    assert 0 < int(item["expires_at"]["N"]) - int(item["tat"]["N"]) / SECOND < 3605
