"""Who calls: by which carrier, and for how long a key is believed."""

from dataclasses import dataclass, field

import pytest

from stepcall.domain.access import Caller
from stepcall.runtime.authentication import (
    CACHE_SECONDS,
    MAX_CACHED_KEYS,
    Authenticator,
    UnauthenticatedError,
    carried_key,
)
from stepcall.stores.api_key_store import ApiKey, UnknownApiKeyError, hash_api_key
from tests.clock import Clock

KEY = "sc_a_key"
CALLER = Caller("acme", "ci")


@dataclass
class CountedKeys:
    """Keys that count how often they are read."""

    keys: dict[str, ApiKey] = field(default_factory=dict)
    reads: int = 0

    def put(self, key: ApiKey) -> None:
        self.keys[key.key_hash] = key

    def get(self, key_hash: str) -> ApiKey:
        self.reads += 1
        if key_hash not in self.keys:
            raise UnknownApiKeyError
        return self.keys[key_hash]


@pytest.fixture
def keys() -> CountedKeys:
    stored = CountedKeys()
    stored.put(ApiKey(hash_api_key(KEY), CALLER.tenant, CALLER.principal))
    return stored


@pytest.fixture
def authenticator(keys: CountedKeys, clock: Clock) -> Authenticator:
    return Authenticator(keys, clock.monotonic)


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"x-api-key": KEY}, {}),
        ({"authorization": f"Bearer {KEY}"}, {}),
        ({"authorization": f"bearer {KEY}"}, {}),
        ({"authorization": f"BEARER   {KEY} "}, {}),
        ({}, {"access_token": KEY}),
        ({"authorization": "Basic dXNlcjpwYXNz"}, {"access_token": KEY}),
        ({"x-api-key": ""}, {"access_token": KEY}),
    ],
)
def test_a_key_is_known_by_any_of_its_carriers(
    authenticator: Authenticator, headers: dict[str, str], query: dict[str, str]
) -> None:
    assert authenticator.authenticate(headers, query) == CALLER


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, {}),
        ({"x-api-key": ""}, {"access_token": ""}),
        ({"x-api-key": KEY + "x"}, {}),
        ({"x-api-key": KEY[:-1]}, {}),
        ({"x-api-key": KEY.upper()}, {}),
        ({"x-api-key": f" {KEY}"}, {}),
        ({"x-api-key": hash_api_key(KEY)}, {}),
        ({"authorization": KEY}, {}),
        ({"authorization": f"Bearer{KEY}"}, {}),
        ({"authorization": f"Token {KEY}"}, {}),
        ({"authorization": "Bearer"}, {}),
        ({"authorization": ""}, {}),
        ({}, {"api_key": KEY}),
        ({}, {"x-api-key": KEY}),
        ({"x-api-key": "sc_\ud800"}, {}),
        ({"x-api-key": "sc_" + "x" * 100_000}, {}),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_everybody_else_is_refused_in_the_same_words(
    authenticator: Authenticator, headers: dict[str, str], query: dict[str, str]
) -> None:
    with pytest.raises(UnauthenticatedError, match=r"^Authentication is needed\.$"):
        authenticator.authenticate(headers, query)


def test_a_wrong_key_in_a_header_is_not_saved_by_a_right_one_in_the_query(authenticator: Authenticator) -> None:
    with pytest.raises(UnauthenticatedError):
        authenticator.authenticate({"x-api-key": "sc_wrong"}, {"access_token": KEY})
    assert carried_key({"x-api-key": "a", "authorization": "Bearer b"}, {"access_token": "c"}) == "a"
    assert carried_key({"authorization": "Bearer b"}, {"access_token": "c"}) == "b"


def test_what_is_no_key_of_ours_is_refused_without_reading(authenticator: Authenticator, keys: CountedKeys) -> None:
    with pytest.raises(UnauthenticatedError):
        authenticator.authenticate({"authorization": "Bearer eyJhbGciOiJIUzI1NiJ9"}, {})
    assert keys.reads == 0


def test_a_known_key_is_read_once_while_it_is_believed(
    authenticator: Authenticator, keys: CountedKeys, clock: Clock
) -> None:
    for _ in range(5):
        authenticator.authenticate({"x-api-key": KEY}, {})
        clock.sleep(CACHE_SECONDS / 5)
    assert keys.reads == 1


def test_a_revoked_key_is_refused_within_a_minute_and_stays_refused(
    authenticator: Authenticator, keys: CountedKeys, clock: Clock
) -> None:
    authenticator.authenticate({"x-api-key": KEY}, {})
    keys.keys.clear()
    clock.sleep(59)
    for _ in range(2):
        with pytest.raises(UnauthenticatedError):
            authenticator.authenticate({"x-api-key": KEY}, {})


def test_using_a_key_does_not_prolong_its_stay(authenticator: Authenticator, keys: CountedKeys, clock: Clock) -> None:
    authenticator.authenticate({"x-api-key": KEY}, {})
    keys.keys.clear()
    clock.sleep(CACHE_SECONDS - 1)
    assert authenticator.authenticate({"x-api-key": KEY}, {}) == CALLER
    clock.sleep(2)
    with pytest.raises(UnauthenticatedError):
        authenticator.authenticate({"x-api-key": KEY}, {})


def test_a_key_that_is_made_later_is_known_at_once(authenticator: Authenticator, keys: CountedKeys) -> None:
    with pytest.raises(UnauthenticatedError):
        authenticator.authenticate({"x-api-key": "sc_new"}, {})
    keys.put(ApiKey(hash_api_key("sc_new"), "beta", "bob"))
    assert authenticator.authenticate({"x-api-key": "sc_new"}, {}) == Caller("beta", "bob")


def test_the_cache_is_bounded_and_strangers_do_not_fill_it(authenticator: Authenticator, keys: CountedKeys) -> None:
    authenticator.authenticate({"x-api-key": KEY}, {})
    for number in range(2 * MAX_CACHED_KEYS):
        with pytest.raises(UnauthenticatedError):
            authenticator.authenticate({"x-api-key": f"sc_{number}"}, {})
    reads = keys.reads
    authenticator.authenticate({"x-api-key": KEY}, {})
    assert keys.reads == reads
    for number in range(2 * MAX_CACHED_KEYS):
        keys.put(ApiKey(hash_api_key(f"sc_{number}"), "acme", str(number)))
        authenticator.authenticate({"x-api-key": f"sc_{number}"}, {})
    believed = 0
    for number in range(2 * MAX_CACHED_KEYS):
        before = keys.reads
        authenticator.authenticate({"x-api-key": f"sc_{number}"}, {})
        believed += keys.reads == before
    assert believed <= MAX_CACHED_KEYS
