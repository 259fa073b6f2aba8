"""Who calls: by which carrier, and for how long a key is believed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from stepcall.domain.access import Caller, Grants, RateLimit, Scope
from stepcall.runtime.authentication import (
    CACHE_SECONDS,
    MAX_CACHED_KEYS,
    TOUCHED_EVERY,
    Authenticator,
    KnownKeys,
    UnauthenticatedError,
    carried_key,
)
from stepcall.stores.api_key_store import ApiKey, hash_api_key
from stepcall.stores.memory_api_key_store import MemoryApiKeyStore
from tests.api_keys import api_key
from tests.clock import Clock

KEY = "sc_a_key"
STORED = api_key(
    KEY,
    scopes=frozenset({Scope.RUNS_START}),
    grants=Grants(frozenset({UUID(int=7)})),
    rate_limit=RateLimit(1, 2),
)
CALLER = STORED.caller


class CountedKeys(MemoryApiKeyStore):
    """Keys that count how often they are read and written to."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.touched: list[datetime] = []
        self.broken = False

    def get(self, key_hash: str) -> ApiKey:
        self.reads += 1
        return super().get(key_hash)

    def get_by_id(self, tenant: str, key_id: UUID) -> ApiKey:
        self.reads += 1
        return super().get_by_id(tenant, key_id)

    def touch(self, key: ApiKey, now: datetime) -> None:
        if self.broken:
            raise OSError("the table cannot be written to")
        self.touched.append(now)
        super().touch(key, now)

    def forget_all(self) -> None:
        self._keys.clear()


@dataclass
class Verifier:
    """Knows one token."""

    asked: int = 0

    def verify(self, token: str) -> Caller:
        self.asked += 1
        if token != "a.good.token":
            raise UnauthenticatedError("Authentication is needed.")
        return CALLER


@pytest.fixture
def keys() -> CountedKeys:
    stored = CountedKeys()
    stored.put(STORED)
    return stored


@pytest.fixture
def known(keys: CountedKeys, clock: Clock) -> KnownKeys:
    return KnownKeys(keys, clock.monotonic, clock.now)


@pytest.fixture
def authenticator(known: KnownKeys) -> Authenticator:
    return Authenticator(known)


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
    keys.forget_all()
    clock.sleep(59)
    for _ in range(2):
        with pytest.raises(UnauthenticatedError):
            authenticator.authenticate({"x-api-key": KEY}, {})


def test_using_a_key_does_not_prolong_its_stay(authenticator: Authenticator, keys: CountedKeys, clock: Clock) -> None:
    authenticator.authenticate({"x-api-key": KEY}, {})
    keys.forget_all()
    clock.sleep(CACHE_SECONDS - 1)
    assert authenticator.authenticate({"x-api-key": KEY}, {}) == CALLER
    clock.sleep(2)
    with pytest.raises(UnauthenticatedError):
        authenticator.authenticate({"x-api-key": KEY}, {})


def test_a_key_that_is_made_later_is_known_at_once(authenticator: Authenticator, keys: CountedKeys) -> None:
    with pytest.raises(UnauthenticatedError):
        authenticator.authenticate({"x-api-key": "sc_new"}, {})
    new = api_key("sc_new", "beta", "bob")
    keys.put(new)
    assert authenticator.authenticate({"x-api-key": "sc_new"}, {}) == new.caller


def test_the_cache_is_bounded_and_strangers_do_not_fill_it(authenticator: Authenticator, keys: CountedKeys) -> None:
    authenticator.authenticate({"x-api-key": KEY}, {})
    for number in range(2 * MAX_CACHED_KEYS):
        with pytest.raises(UnauthenticatedError):
            authenticator.authenticate({"x-api-key": f"sc_{number}"}, {})
    reads = keys.reads
    authenticator.authenticate({"x-api-key": KEY}, {})
    assert keys.reads == reads
    for number in range(2 * MAX_CACHED_KEYS):
        keys.put(api_key(f"sc_{number}"))
        authenticator.authenticate({"x-api-key": f"sc_{number}"}, {})
    believed = 0
    for number in range(2 * MAX_CACHED_KEYS):
        before = keys.reads
        authenticator.authenticate({"x-api-key": f"sc_{number}"}, {})
        believed += keys.reads == before
    assert believed <= MAX_CACHED_KEYS


def test_a_caller_is_all_that_its_key_says(authenticator: Authenticator) -> None:
    caller = authenticator.authenticate({"x-api-key": KEY}, {})
    assert (caller.tenant, caller.principal, caller.run_id) == ("acme", "nightly", None)
    assert caller.key_id.startswith("key_")
    assert (caller.scopes, caller.grants, caller.rate_limit) == (STORED.scopes, STORED.grants, STORED.rate_limit)


def test_a_key_expires_to_the_second_also_where_it_is_believed(
    authenticator: Authenticator, keys: CountedKeys, clock: Clock
) -> None:
    keys.put(STORED._replace(expires_at=clock.now() + timedelta(seconds=10)))
    authenticator.authenticate({"x-api-key": KEY}, {})
    clock.sleep(9)
    assert authenticator.authenticate({"x-api-key": KEY}, {}) == CALLER
    clock.sleep(1)
    for _ in range(2):
        with pytest.raises(UnauthenticatedError, match=r"^Authentication is needed\.$"):
            authenticator.authenticate({"x-api-key": KEY}, {})


def test_an_expired_key_is_not_noted_as_used(authenticator: Authenticator, keys: CountedKeys, clock: Clock) -> None:
    keys.put(STORED._replace(expires_at=clock.now()))
    with pytest.raises(UnauthenticatedError):
        authenticator.authenticate({"x-api-key": KEY}, {})
    assert keys.touched == []


def test_use_is_written_down_once_an_hour(authenticator: Authenticator, keys: CountedKeys, clock: Clock) -> None:
    for _ in range(2 * 60 + 2):
        authenticator.authenticate({"x-api-key": KEY}, {})
        clock.sleep(60)
    assert len(keys.touched) == 3
    assert all(later - earlier >= TOUCHED_EVERY for earlier, later in zip(keys.touched, keys.touched[1:], strict=False))
    assert keys.get(hash_api_key(KEY)).last_used_at == keys.touched[-1]


def test_another_process_does_not_write_it_down_again(keys: CountedKeys, clock: Clock) -> None:
    for _ in range(5):
        Authenticator(KnownKeys(keys, clock.monotonic, clock.now)).authenticate({"x-api-key": KEY}, {})
        clock.sleep(60)
    assert len(keys.touched) == 1


def test_a_use_that_cannot_be_written_down_is_no_reason_to_refuse(
    authenticator: Authenticator, keys: CountedKeys, caplog: pytest.LogCaptureFixture
) -> None:
    keys.broken = True
    assert authenticator.authenticate({"x-api-key": KEY}, {}) == CALLER
    assert KEY not in caplog.text


def test_what_is_no_key_is_given_to_the_verifier_of_tokens(known: KnownKeys, keys: CountedKeys) -> None:
    verifier = Verifier()
    authenticator = Authenticator(known, verifier)
    for carried in ({"authorization": "Bearer a.good.token"}, {"x-api-key": "a.good.token"}):
        assert authenticator.authenticate(carried, {}) == CALLER
    assert authenticator.authenticate({}, {"access_token": "a.good.token"}) == CALLER
    with pytest.raises(UnauthenticatedError):
        authenticator.authenticate({"x-api-key": "a.bad.token"}, {})
    assert (verifier.asked, keys.reads) == (4, 0)


def test_the_verifier_is_not_asked_about_keys_nor_about_nothing(known: KnownKeys) -> None:
    verifier = Verifier()
    authenticator = Authenticator(known, verifier)
    for headers in ({}, {"x-api-key": ""}, {"x-api-key": "sc_unknown"}):
        with pytest.raises(UnauthenticatedError):
            authenticator.authenticate(headers, {})
    assert verifier.asked == 0


def test_a_key_is_known_by_its_id_for_as_long_as_by_its_text(known: KnownKeys, keys: CountedKeys, clock: Clock) -> None:
    for _ in range(3):
        assert known.of_id("acme", STORED.key_id) == STORED
    assert keys.reads == 1
    keys.forget_all()
    clock.sleep(CACHE_SECONDS + 1)
    with pytest.raises(UnauthenticatedError):
        known.of_id("acme", STORED.key_id)


def test_an_id_of_another_tenant_is_nobody(known: KnownKeys) -> None:
    known.of_id("acme", STORED.key_id)
    with pytest.raises(UnauthenticatedError):
        known.of_id("other", STORED.key_id)
