"""The key of a deployed stack: good for authentication, and nowhere stored."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from stepcall.domain.access import ALL_SCOPES, RateLimit, Scope
from stepcall.runtime.authentication import Authenticator, KnownKeys
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from tests.clock import Clock
from tools.create_api_key import create_api_key, key_wanted, read_arguments

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

WANTED = ["--stack", "stepcall", "--tenant", "acme", "--name", "nightly"]


def test_a_new_key_authenticates_and_only_its_hash_is_stored(dynamodb: "DynamoDBClient", clock: Clock) -> None:
    keys = DynamoApiKeyStore(dynamodb, "WorkflowsTable")
    text = create_api_key(keys, key_wanted(read_arguments(WANTED), clock.now()), "acme", clock.now())
    other = create_api_key(keys, key_wanted(read_arguments(WANTED), clock.now()), "acme", clock.now())
    assert len(text) == len("sc_") + 43  # 256 bits
    assert text != other
    caller = Authenticator(KnownKeys(keys, clock.monotonic, clock.now)).authenticate({"x-api-key": text}, {})
    assert (caller.tenant, caller.principal) == ("acme", "nightly")
    assert (caller.scopes, caller.grants, caller.rate_limit) == (ALL_SCOPES, None, RateLimit())
    assert text not in json.dumps(dynamodb.scan(TableName="WorkflowsTable")["Items"])


def test_scopes_days_and_rate_may_be_said(clock: Clock) -> None:
    said = ["--scopes", "runs:start, runs:read", "--days", "90", "--per-second", "2", "--burst", "5"]
    wanted = key_wanted(read_arguments([*WANTED, *said]), clock.now())
    assert wanted.scopes == {Scope.RUNS_START, Scope.RUNS_READ}
    assert wanted.rate_limit == RateLimit(2, 5)
    assert wanted.expires_at == clock.now() + timedelta(days=90)


@pytest.mark.parametrize(
    "said", [["--scopes", "runs:all"], ["--scopes", ","], ["--days", "0"], ["--per-second", "0"], ["--burst", "x"]]
)
def test_what_makes_no_sense_is_refused(said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_arguments([*WANTED, *said])
    assert said[0] in capsys.readouterr().err
