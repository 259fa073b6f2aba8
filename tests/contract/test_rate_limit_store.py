"""Buckets: what every store of them does, and with how few calls DynamoDB's does it."""

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from stepcall.domain.access import RateLimit
from stepcall.domain.rate_limit import NEVER_USED, SECOND, RateLimitedError, interval
from stepcall.stores.dynamo_rate_limit_store import KEPT_SECONDS, MAX_ATTEMPTS, MAX_BUCKETS_SEEN, DynamoRateLimitStore
from stepcall.stores.rate_limit_store import BucketUnavailableError, RateLimitStore
from tests.contract.conftest import in_parallel

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NOW = 1_795_252_532_123_456
LIMIT = RateLimit(per_second=10, burst=5)
TABLE = "RateLimitsTable"
MINE = ("acme", "key_one")


class CountingClient:
    """DynamoDB's client, counting what was taken and what was refused; `raises` comes in place of an answer."""

    def __init__(self, client: "DynamoDBClient", raises: Exception | None = None) -> None:
        self._client = client
        self._raises = raises
        self.taken = 0
        self.refused = 0

    def update_item(self, **request: Any) -> Any:
        if self._raises:
            raise self._raises
        try:
            answer = self._client.update_item(**request)
        except ClientError:
            self.refused += 1
            raise
        self.taken += 1
        return answer

    @property
    def calls(self) -> tuple[int, int]:
        """Those that counted a start, and those whose condition failed; counted anew from here."""
        found, self.taken, self.refused = (self.taken, self.refused), 0, 0
        return found


def counting(dynamodb: "DynamoDBClient") -> tuple[DynamoRateLimitStore, CountingClient]:
    """A process of its own: it has seen nothing."""
    client = CountingClient(dynamodb)
    return DynamoRateLimitStore(client, TABLE), client  # type: ignore[arg-type]


def starts(store: RateLimitStore, times: int, now: int = NOW, limit: RateLimit = LIMIT) -> int:
    """How many of so many starts are allowed."""
    allowed = 0
    for _ in range(times):
        try:
            store.take(*MINE, limit, now)
        except RateLimitedError:
            continue
        allowed += 1
    return allowed


def item_of(dynamodb: "DynamoDBClient") -> dict[str, int]:
    [item] = dynamodb.scan(TableName=TABLE)["Items"]
    return {name: int(value["N"]) for name, value in item.items() if "N" in value}


def test_the_burst_is_allowed_and_then_what_comes_back(rate_limit_store: RateLimitStore) -> None:
    assert starts(rate_limit_store, 8) == 5
    assert starts(rate_limit_store, 2, NOW + 99_999) == 0
    assert starts(rate_limit_store, 2, NOW + 100_000) == 1
    assert starts(rate_limit_store, 5, NOW + 399_999) == 2
    assert starts(rate_limit_store, 9, NOW + 60 * SECOND) == 5


def test_a_refusal_says_how_long_and_counts_nothing(rate_limit_store: RateLimitStore) -> None:
    starts(rate_limit_store, 5)
    for _ in range(3):
        with pytest.raises(RateLimitedError) as raised:
            rate_limit_store.take(*MINE, LIMIT, NOW + 30_000)
        assert (raised.value.wait, raised.value.tat) == (70_000, NOW + 500_000)
    assert rate_limit_store.last_seen(*MINE) == NOW + 500_000


def test_where_a_bucket_stands_is_known_from_what_was_taken(rate_limit_store: RateLimitStore) -> None:
    assert rate_limit_store.last_seen(*MINE) == NEVER_USED
    for number in range(1, 6):
        rate_limit_store.take(*MINE, LIMIT, NOW)
        assert rate_limit_store.last_seen(*MINE) == NOW + number * 100_000


def test_keys_and_tenants_do_not_share_a_bucket(rate_limit_store: RateLimitStore) -> None:
    assert starts(rate_limit_store, 9) == 5
    for tenant, key_id in (("acme", "key_two"), ("other", "key_one"), ("acme#key", "one")):
        assert rate_limit_store.last_seen(tenant, key_id) == NEVER_USED
        for _ in range(5):
            rate_limit_store.take(tenant, key_id, LIMIT, NOW)
        with pytest.raises(RateLimitedError):
            rate_limit_store.take(tenant, key_id, LIMIT, NOW)


def test_the_requests_of_a_face_are_a_tenants_and_apart_from_the_starts_of_its_keys(
    rate_limit_store: RateLimitStore,
) -> None:
    requests = RateLimit(per_second=10, burst=10)
    assert starts(rate_limit_store, 9) == 5
    for tenant in ("acme", "other"):
        for number in range(10):
            rate_limit_store.take(tenant, "face:amperity", requests, NOW + number)
        with pytest.raises(RateLimitedError) as raised:
            rate_limit_store.take(tenant, "face:amperity", requests, NOW + 10)
        assert raised.value.retry_after == 1
        rate_limit_store.take(tenant, "face:amperity", requests, NOW + 100_000)
    assert rate_limit_store.last_seen(*MINE) == NOW + 5 * interval(LIMIT)


@pytest.mark.parametrize("burst", [1, 7])
def test_of_many_starts_at_once_exactly_the_burst_is_allowed(rate_limit_store: RateLimitStore, burst: int) -> None:
    limit = RateLimit(per_second=10, burst=burst)
    raised = in_parallel([partial(rate_limit_store.take, *MINE, limit, NOW)] * 40)
    assert Counter(map(type, raised)) == {type(None): burst, RateLimitedError: 40 - burst}
    assert rate_limit_store.last_seen(*MINE) >= NOW + interval(limit)


def test_of_many_starts_over_some_time_exactly_what_has_come_back_is_allowed(rate_limit_store: RateLimitStore) -> None:
    starts(rate_limit_store, 5)
    times = [NOW + 1_000 * number for number in range(300, 340)]  # three have come back, and the fourth not yet
    raised = in_parallel([partial(rate_limit_store.take, *MINE, LIMIT, now) for now in times])
    assert Counter(map(type, raised)) == {type(None): 3, RateLimitedError: 37}


def test_processes_that_know_nothing_of_each_other_share_the_bucket(dynamodb: "DynamoDBClient") -> None:
    stores = [counting(dynamodb)[0] for _ in range(20)]
    raised = in_parallel([partial(store.take, *MINE, LIMIT, NOW) for store in stores])
    assert Counter(map(type, raised)) == {type(None): 5, RateLimitedError: 15}
    assert item_of(dynamodb)["tat"] == NOW + 5 * interval(LIMIT)


def test_a_start_is_one_call(dynamodb: "DynamoDBClient") -> None:
    store, client = counting(dynamodb)
    assert starts(store, 5) == 5
    assert client.calls == (5, 0)
    assert starts(store, 3, NOW + 10 * SECOND) == 3  # full again
    assert client.calls == (3, 0)


def test_a_refusal_is_no_call_once_the_bucket_was_seen_empty(dynamodb: "DynamoDBClient") -> None:
    store, client = counting(dynamodb)
    assert starts(store, 100) == 5
    assert client.calls == (5, 0)
    other, its_client = counting(dynamodb)
    assert starts(other, 100) == 0
    assert its_client.calls == (0, 1)


def test_a_process_that_knows_nothing_finds_a_bucket_in_use_with_one_call_more(dynamodb: "DynamoDBClient") -> None:
    starts(counting(dynamodb)[0], 2)
    store, client = counting(dynamodb)
    assert starts(store, 3) == 3
    assert client.calls == (3, 1)


def test_a_process_whose_news_is_old_learns_and_decides_within_three_calls(dynamodb: "DynamoDBClient") -> None:
    store, client = counting(dynamodb)
    starts(store, 5)
    starts(counting(dynamodb)[0], 5, NOW + 5 * SECOND)
    assert client.calls == (5, 0)
    assert starts(store, 1, NOW + 5 * SECOND) == 0
    assert client.calls == (0, 1)
    assert starts(store, 1, NOW + 6 * SECOND) == 1


def test_time_that_has_passed_is_not_added_to(dynamodb: "DynamoDBClient") -> None:
    """What was seen in use, and has been deleted, is a full bucket and nothing more."""
    store, client = counting(dynamodb)
    starts(store, 3)
    dynamodb.delete_item(TableName=TABLE, Key={"bucket": {"S": "#".join(MINE)}})
    assert client.calls == (3, 0)
    store.take(*MINE, LIMIT, NOW + 1)
    assert client.calls == (1, 1)
    assert item_of(dynamodb)["tat"] == NOW + 1 + interval(LIMIT)
    behind, ahead = NOW + 2 * SECOND, NOW + 4 * SECOND
    store.take(*MINE, LIMIT, behind)
    assert starts(store, 9, ahead) == 5
    assert item_of(dynamodb)["tat"] == ahead + 5 * interval(LIMIT)


def test_an_item_goes_an_hour_after_its_bucket_can_be_full_again(dynamodb: "DynamoDBClient") -> None:
    store, _ = counting(dynamodb)
    for _ in range(2):
        store.take(*MINE, LIMIT, NOW)
        item = item_of(dynamodb)
        assert 0 <= item["expires_at"] - KEPT_SECONDS - item["tat"] / SECOND <= 1 + LIMIT.burst / LIMIT.per_second


def error_of(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "UpdateItem")


@pytest.mark.parametrize(
    "trouble",
    [
        error_of("ProvisionedThroughputExceededException", 400),
        error_of("ThrottlingException", 400),
        error_of("InternalServerError", 500),
        error_of("ServiceUnavailable", 503),
        ReadTimeoutError(endpoint_url="https://dynamodb"),
        EndpointConnectionError(endpoint_url="https://dynamodb"),
    ],
    ids=repr,
)
def test_trouble_that_passes_is_told_from_a_refusal(dynamodb: "DynamoDBClient", trouble: Exception) -> None:
    store = DynamoRateLimitStore(CountingClient(dynamodb, trouble), TABLE)  # type: ignore[arg-type]
    with pytest.raises(BucketUnavailableError):
        store.take(*MINE, LIMIT, NOW)
    assert store.last_seen(*MINE) == NEVER_USED


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"])
def test_a_mistake_of_ours_is_not_taken_for_trouble_that_passes(dynamodb: "DynamoDBClient", code: str) -> None:
    store = DynamoRateLimitStore(CountingClient(dynamodb, error_of(code, 400)), TABLE)  # type: ignore[arg-type]
    with pytest.raises(ClientError, match=code):
        store.take(*MINE, LIMIT, NOW)


def test_a_bucket_that_changes_under_every_attempt_is_given_up(dynamodb: "DynamoDBClient") -> None:
    class Restless(CountingClient):
        """There is nothing whenever something is expected, and something whenever nothing is."""

        def update_item(self, **request: Any) -> Any:
            self.refused += 1
            found = {} if ":interval" in request["ExpressionAttributeValues"] else {"tat": {"N": str(NOW + 1)}}
            answer: Any = {"Error": {"Code": "ConditionalCheckFailedException"}, "Item": found}
            raise ClientError(answer, "UpdateItem")

    client = Restless(dynamodb)
    with pytest.raises(BucketUnavailableError):
        DynamoRateLimitStore(client, TABLE).take(*MINE, LIMIT, NOW)  # type: ignore[arg-type]
    assert client.refused == MAX_ATTEMPTS


def test_a_process_remembers_a_bounded_number_of_buckets(dynamodb: "DynamoDBClient") -> None:
    class Agreeable(CountingClient):
        def update_item(self, **request: Any) -> Any:
            self.taken += 1
            return {"Attributes": {"tat": {"N": str(NOW)}}}

    store = DynamoRateLimitStore(Agreeable(dynamodb), TABLE)  # type: ignore[arg-type]
    for number in range(MAX_BUCKETS_SEEN + 1):
        store.take("acme", str(number), LIMIT, NOW)
    assert len(store._seen) == 1
    assert store.last_seen("acme", str(MAX_BUCKETS_SEEN)) == NOW
