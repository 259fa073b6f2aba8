"""Tokens of ours, and everything that only looks like one."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from stepcall.aws.secrets import SecretsUnavailableError
from stepcall.aws.token_keys import SigningKey
from stepcall.domain.access import Caller, Grants, RateLimit, Scope, SourceGrant
from stepcall.domain.claims import write_claims
from stepcall.domain.ids import spell_api_key
from stepcall.runtime.authentication import REFUSED, KnownKeys, TokensUnavailableError, UnauthenticatedError
from stepcall.runtime.tokens import AUDIENCE, LEEWAY_SECONDS, MAX_LENGTH, JwtTokens
from stepcall.stores.memory_api_key_store import MemoryApiKeyStore
from stepcall.use_cases.issue_token import TokenTooLongError
from tests.api_keys import api_key
from tests.clock import Clock

ISSUER = "urn:stepcall:eu-west-1:stack"
KEY_ID = UUID(int=11)
CALLER = Caller(
    "acme",
    "ci",
    spell_api_key(KEY_ID),
    frozenset({Scope.RUNS_READ}),
    Grants(frozenset({UUID(int=7)}), (SourceGrant("bq", "data.*"),)),
    RateLimit(3, 5),
)
HOUR = timedelta(hours=1)
Times = tuple[datetime, datetime]


@dataclass
class Keys:
    """Signing keys, the newest first."""

    keys: list[SigningKey]
    asked: list[str] = field(default_factory=list)

    def rotate(self, kid: str) -> None:
        self.keys = [SigningKey(kid, f"{kid}-{'k' * 40}"), *self.keys][:2]

    def current(self) -> SigningKey:
        return self.keys[0]

    def find(self, kid: str) -> SigningKey | None:
        self.asked.append(kid)
        return next((key for key in self.keys if key.kid == kid), None)


class UnreadKeys:
    """Secrets Manager does not answer."""

    def current(self) -> SigningKey:
        raise SecretsUnavailableError("Secrets Manager does not answer.")

    def find(self, kid: str) -> SigningKey | None:
        raise SecretsUnavailableError("Secrets Manager does not answer.")


@dataclass
class ApiKeys:
    """The API keys that there still are."""

    there: set[tuple[str, UUID]] = field(default_factory=lambda: {(CALLER.tenant, KEY_ID)})

    def require(self, tenant: str, key_id: UUID) -> None:
        if (tenant, key_id) not in self.there:
            raise UnauthenticatedError(REFUSED)


@pytest.fixture
def keys() -> Keys:
    return Keys([SigningKey("v1", "v1-" + "k" * 40)])


@pytest.fixture
def api_keys() -> ApiKeys:
    return ApiKeys()


@pytest.fixture
def tokens(keys: Keys, api_keys: ApiKeys) -> JwtTokens:
    return JwtTokens(keys, ISSUER, api_keys.require)


def times(begun: timedelta = timedelta(0), life: timedelta = HOUR) -> Times:
    """A token's, that was issued so long ago."""
    issued_at = datetime.now(UTC) - begun
    return issued_at, issued_at + life


def refused(tokens: JwtTokens, token: str) -> bool:
    try:
        tokens.verify(token)
    except UnauthenticatedError as error:
        return str(error) == REFUSED
    return False


def claims(**changed: Any) -> dict[str, Any]:
    """All that a token of ours holds; None leaves one out."""
    now = int(datetime.now(UTC).timestamp())
    standard = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + 3600}
    return {name: value for name, value in (write_claims(CALLER) | standard | changed).items() if value is not None}


def forge(payload: dict[str, Any], keys: Keys, algorithm: str = "HS256", **header: Any) -> str:
    """Signed with the key that counts."""
    headers = {"kid": keys.current().kid} | header
    return jwt.encode(payload, keys.current().secret, algorithm, headers=headers)


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed_by_hand(header: dict[str, Any], payload: dict[str, Any], secret: bytes) -> str:
    text = f"{encoded(header)}.{encoded(payload)}"
    signature = hmac.digest(secret, text.encode(), hashlib.sha256)
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_a_token_stands_for_the_caller_it_was_signed_for(tokens: JwtTokens) -> None:
    assert tokens.verify(tokens.sign(CALLER, *times())) == CALLER


def test_a_job_token_names_its_run(tokens: JwtTokens) -> None:
    reader = replace(CALLER, run_id=UUID(int=5))
    assert tokens.verify(tokens.sign(reader, *times(life=timedelta(days=1)))) == reader


def test_what_the_other_tests_forge_would_be_accepted_unchanged(tokens: JwtTokens, keys: Keys) -> None:
    assert tokens.verify(forge(claims(), keys)) == CALLER
    header = {"alg": "HS256", "typ": "JWT", "kid": "v1"}
    assert tokens.verify(signed_by_hand(header, claims(), keys.current().secret.encode())) == CALLER


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("place", [0, 5, -2])
def test_a_token_that_was_tampered_with_is_refused(tokens: JwtTokens, part: int, place: int) -> None:
    parts = tokens.sign(CALLER, *times()).split(".")
    letters = list(parts[part])
    letters[place] = "A" if letters[place] != "A" else "B"
    parts[part] = "".join(letters)
    assert refused(tokens, ".".join(parts))


def test_another_payload_under_an_old_signature_is_refused(tokens: JwtTokens) -> None:
    header, _, signature = tokens.sign(CALLER, *times()).split(".")
    assert refused(tokens, f"{header}.{encoded(claims(tenant='beta'))}.{signature}")


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", None, "HS384", "HS512", "RS256", "hs256", ["HS256"], 7])
def test_another_algorithm_is_refused(tokens: JwtTokens, keys: Keys, alg: Any) -> None:
    secret = keys.current().secret.encode()
    header = {"typ": "JWT", "kid": "v1"} | ({} if alg is None else {"alg": alg})
    assert refused(tokens, signed_by_hand(header, claims(), secret))
    assert refused(tokens, f"{encoded(header)}.{encoded(claims())}.")
    assert keys.asked == [], "such a token makes nobody read a key"


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_a_token_signed_well_by_another_algorithm_is_refused(tokens: JwtTokens, keys: Keys, algorithm: str) -> None:
    keys.keys = [SigningKey("v1", "k" * 64)]
    assert refused(tokens, forge(claims(), keys, algorithm))
    assert tokens.verify(forge(claims(), keys)) == CALLER


def test_a_public_key_is_no_secret_to_sign_with(tokens: JwtTokens, keys: Keys) -> None:
    pair = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = pair.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    by_pair = jwt.encode(claims(), pair, "RS256", headers={"kid": "v1"})
    assert refused(tokens, by_pair)
    for alg in ("HS256", "RS256"):
        assert refused(tokens, signed_by_hand({"alg": alg, "typ": "JWT", "kid": "v1"}, claims(), public))
    keys.keys = [SigningKey("v1", public.decode())]  # and if it were given as the key, it would be refused as one
    assert refused(tokens, signed_by_hand({"alg": "HS256", "typ": "JWT", "kid": "v1"}, claims(), public))


@pytest.mark.parametrize("kid", ["v0", "", "V1", "v1 ", "../v1", "*", None, 7, ["v1"], {"v1": 1}])
def test_a_token_of_a_key_that_is_not_ours_is_refused(tokens: JwtTokens, keys: Keys, kid: Any) -> None:
    header = {"alg": "HS256", "typ": "JWT"} | ({} if kid is None else {"kid": kid})
    assert refused(tokens, signed_by_hand(header, claims(), keys.current().secret.encode()))


def test_keys_that_a_token_brings_along_are_not_looked_at(tokens: JwtTokens) -> None:
    own = b"o" * 40
    jwk = {"kty": "oct", "k": base64.urlsafe_b64encode(own).decode()}
    for more in ({"jwk": jwk}, {"jku": "https://example.com/keys"}, {"x5u": "https://example.com/keys"}):
        assert refused(tokens, signed_by_hand({"alg": "HS256", "typ": "JWT", "kid": "v1", **more}, claims(), own))


def test_extensions_that_must_be_understood_are_not(tokens: JwtTokens, keys: Keys) -> None:
    header = {"alg": "HS256", "kid": "v1", "crit": ["ours"], "ours": 1}
    assert refused(tokens, signed_by_hand(header, claims(), keys.current().secret.encode()))


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "urn:stepcall:other"},
        {"aud": [AUDIENCE]},
        {"aud": [AUDIENCE, "urn:stepcall:other"]},
        {"iss": "urn:stepcall:eu-west-1:another-stack"},
        {"iss": [ISSUER]},
        {"iss": ISSUER + "x"},
        {"sub": 11},
        {"sub": "key_short"},
        {"sub": ""},
        {"exp": "tomorrow"},
        {"exp": [2**40]},
        {"nbf": {}},
        {"iat": 2**40},
        {"grants": {"workflows": "*", "sources": []}},
        {"scope": "everything"},
        {"run_id": "*"},
    ],
)
def test_a_claim_that_says_something_else_is_refused(tokens: JwtTokens, keys: Keys, changed: dict[str, Any]) -> None:
    header = {"alg": "HS256", "typ": "JWT", "kid": "v1"}
    assert refused(tokens, signed_by_hand(header, claims(**changed), keys.current().secret.encode()))


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "iat", "nbf", "exp", "tenant", "name", "scope"])
def test_a_claim_that_is_missing_is_refused(tokens: JwtTokens, keys: Keys, name: str) -> None:
    assert refused(tokens, forge(claims(**{name: None}), keys))


def test_a_token_ends_with_its_hour_and_a_little(tokens: JwtTokens) -> None:
    leeway = timedelta(seconds=LEEWAY_SECONDS)
    assert tokens.verify(tokens.sign(CALLER, *times(HOUR + leeway / 2))) == CALLER
    assert refused(tokens, tokens.sign(CALLER, *times(HOUR + leeway + timedelta(seconds=2))))


def test_a_token_begins_when_it_says_give_or_take_a_little(tokens: JwtTokens, keys: Keys) -> None:
    leeway = timedelta(seconds=LEEWAY_SECONDS)
    assert tokens.verify(tokens.sign(CALLER, *times(-leeway / 2))) == CALLER
    assert refused(tokens, tokens.sign(CALLER, *times(-leeway - timedelta(seconds=5))))
    later = int((datetime.now(UTC) + timedelta(minutes=1)).timestamp())
    assert refused(tokens, forge(claims(nbf=later), keys))
    assert refused(tokens, forge(claims(iat=later), keys))


def test_a_token_of_the_previous_key_counts_and_one_of_the_key_before_does_not(tokens: JwtTokens, keys: Keys) -> None:
    first = tokens.sign(CALLER, *times())
    keys.rotate("v2")
    second = tokens.sign(CALLER, *times())
    assert jwt.get_unverified_header(second)["kid"] == "v2"
    assert tokens.verify(first) == tokens.verify(second) == CALLER
    keys.rotate("v3")
    assert refused(tokens, first)
    assert tokens.verify(second) == CALLER


def test_the_key_that_a_token_names_is_the_one_that_must_have_signed_it(tokens: JwtTokens, keys: Keys) -> None:
    old = keys.current()
    keys.rotate("v2")
    header = {"alg": "HS256", "typ": "JWT", "kid": "v2"}
    assert refused(tokens, signed_by_hand(header, claims(), old.secret.encode()))


def test_a_token_of_another_deployment_is_refused(tokens: JwtTokens, keys: Keys, api_keys: ApiKeys) -> None:
    of_another_key = JwtTokens(Keys([SigningKey("v1", "another-" + "k" * 40)]), ISSUER, api_keys.require)
    of_another_name = JwtTokens(keys, "urn:stepcall:eu-west-1:another", api_keys.require)
    assert refused(tokens, of_another_key.sign(CALLER, *times()))
    assert refused(tokens, of_another_name.sign(CALLER, *times()))


@pytest.mark.parametrize("there", [set(), {("beta", KEY_ID)}, {("acme", UUID(int=12))}])
def test_a_token_whose_key_is_revoked_is_refused(
    tokens: JwtTokens, api_keys: ApiKeys, there: set[tuple[str, UUID]]
) -> None:
    token = tokens.sign(CALLER, *times())
    api_keys.there = there
    assert refused(tokens, token)


@pytest.fixture
def store() -> MemoryApiKeyStore:
    return MemoryApiKeyStore()


@pytest.fixture
def known(store: MemoryApiKeyStore, clock: Clock) -> KnownKeys:
    return KnownKeys(store, clock.monotonic, clock.now)


def test_within_a_minute_of_its_keys_end_a_token_is_refused(
    keys: Keys, store: MemoryApiKeyStore, known: KnownKeys, clock: Clock
) -> None:
    stored = api_key("sc_a_key", expires_at=clock.now() + HOUR)
    store.put(stored)
    tokens = JwtTokens(keys, ISSUER, known.of_id)
    token = tokens.sign(stored.caller, *times())
    assert tokens.verify(token) == stored.caller
    store.delete(stored.tenant, stored.key_id)
    clock.sleep(59)
    assert refused(tokens, token)


def test_a_token_ends_with_its_key(keys: Keys, store: MemoryApiKeyStore, known: KnownKeys, clock: Clock) -> None:
    stored = api_key("sc_a_key", expires_at=clock.now() + HOUR / 2)
    store.put(stored)
    tokens = JwtTokens(keys, ISSUER, known.of_id)
    token = tokens.sign(stored.caller, *times())
    clock.sleep(HOUR.total_seconds() / 2 - 1)
    assert tokens.verify(token) == stored.caller
    clock.sleep(1)
    assert refused(tokens, token)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "....",
        "e30.e30.e30",
        "eyJhbGciOiJIUzI1NiJ9",
        "\ud800.\ud800.\ud800",
        "ü.ü.ü",
        "\x00" * 50,
        f"{encoded([])}.{encoded([])}.AA",
        f"{encoded({'alg': 'HS256', 'kid': 'v1'})}.{'[' * 6000}.AA",
        "[" * MAX_LENGTH,
        base64.urlsafe_b64encode(b"[" * 6000).decode() + ".e30.AA",
        "x" * (MAX_LENGTH + 1),
        "x." * 5_000_000,
    ],
    ids=lambda token: ascii(token)[:30],
)
def test_what_is_no_token_at_all_is_refused(tokens: JwtTokens, token: str) -> None:
    assert refused(tokens, token)


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=100))
def test_no_text_brings_anything_but_a_refusal(header: str, payload: str, signature: str) -> None:
    tokens = JwtTokens(Keys([SigningKey("v1", "k" * 40)]), ISSUER, ApiKeys().require)
    assert refused(tokens, f"{header}.{payload}.{signature}")
    assert refused(tokens, f"{encoded({'alg': 'HS256', 'kid': 'v1', 'x': header})}.{encoded(payload)}.{signature}")


def test_a_huge_token_is_refused_before_it_is_looked_at(tokens: JwtTokens, keys: Keys) -> None:
    huge = forge(claims(name="x" * MAX_LENGTH), keys)
    assert refused(tokens, huge)
    assert keys.asked == []


def test_grants_that_no_request_could_carry_are_refused_when_the_token_is_made(tokens: JwtTokens) -> None:
    many = replace(CALLER, grants=Grants(frozenset(UUID(int=number) for number in range(150))))
    assert tokens.verify(tokens.sign(many, *times())) == many
    too_many = replace(CALLER, grants=Grants(frozenset(UUID(int=number) for number in range(200))))
    with pytest.raises(TokenTooLongError, match="more grants than a token can carry"):
        tokens.sign(too_many, *times())


def test_keys_that_cannot_be_read_make_no_stranger_of_a_caller(tokens: JwtTokens, api_keys: ApiKeys) -> None:
    token = tokens.sign(CALLER, *times())
    unread = JwtTokens(UnreadKeys(), ISSUER, api_keys.require)
    with pytest.raises(TokensUnavailableError):
        unread.verify(token)
    with pytest.raises(TokensUnavailableError):
        unread.sign(CALLER, *times())
