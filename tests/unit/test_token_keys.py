"""Which keys tokens are signed with and verified by, and how seldom Secrets Manager is asked."""

from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from stepcall.aws.secrets import SecretNotReadableError, SecretsUnavailableError
from stepcall.aws.token_keys import REREAD_SECONDS, RETRY_SECONDS, TTL_SECONDS, SigningKey, TokenKeys
from tests.clock import Clock

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:token-key-AbCdEf"


class StagedSecret:
    """A secret of two stages that counts how often it is read."""

    def __init__(self) -> None:
        self.versions = {"AWSCURRENT": "v1"}
        self.reads = 0
        self.error = ""
        self.text = "{version}" + "x" * 32

    def rotate(self, version: str) -> None:
        self.versions = {"AWSPREVIOUS": self.versions["AWSCURRENT"], "AWSCURRENT": version}

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, Any]:  # noqa: N803 (boto3's names)
        assert SecretId == ARN
        self.reads += 1
        if self.error or VersionStage not in self.versions:
            raise ClientError({"Error": {"Code": self.error or "ResourceNotFoundException"}}, "GetSecretValue")
        version = self.versions[VersionStage]
        return {"VersionId": version, "SecretString": self.text.format(version=version)}


@pytest.fixture
def secret() -> StagedSecret:
    return StagedSecret()


@pytest.fixture
def keys(secret: StagedSecret, clock: Clock) -> TokenKeys:
    return TokenKeys(lambda: cast("SecretsManagerClient", secret), ARN, clock.monotonic)


def test_a_key_that_was_never_rotated_is_the_only_one(keys: TokenKeys) -> None:
    assert keys.current() == keys.find("v1") == SigningKey("v1", "v1" + "x" * 32)
    assert keys.find("v0") is None


def test_after_a_rotation_both_keys_count_and_the_new_one_signs(keys: TokenKeys, secret: StagedSecret) -> None:
    secret.rotate("v2")
    assert keys.current().kid == "v2"
    assert keys.find("v1") == SigningKey("v1", "v1" + "x" * 32)


def test_the_key_before_the_previous_one_counts_no_more(keys: TokenKeys, secret: StagedSecret, clock: Clock) -> None:
    keys.current()
    secret.rotate("v2")
    secret.rotate("v3")
    clock.sleep(TTL_SECONDS)
    assert keys.find("v1") is None
    assert keys.find("v2")


def test_a_key_that_another_process_signs_with_already_is_found_at_once(
    keys: TokenKeys, secret: StagedSecret, clock: Clock
) -> None:
    keys.current()
    clock.sleep(REREAD_SECONDS)
    secret.rotate("v2")
    assert keys.find("v2")


def test_keys_are_read_once_a_minute(keys: TokenKeys, secret: StagedSecret, clock: Clock) -> None:
    secret.rotate("v2")
    for _ in range(6):
        assert keys.find("v1")
        keys.current()
        clock.sleep(TTL_SECONDS / 6)
    assert secret.reads == 2, "one read of each stage"
    keys.current()
    assert secret.reads == 4


def test_strangers_cannot_make_us_read_more_than_once_in_ten_seconds(
    keys: TokenKeys, secret: StagedSecret, clock: Clock
) -> None:
    secret.rotate("v2")
    for number in range(1000):
        assert keys.find(f"guess-{number}") is None
    assert secret.reads == 2
    clock.sleep(REREAD_SECONDS)
    for number in range(1000):
        assert keys.find(f"guess-{number}") is None
    assert secret.reads == 4


def test_a_key_that_is_too_short_is_refused_and_not_shown(keys: TokenKeys, secret: StagedSecret) -> None:
    secret.text = "short-{version}"
    with pytest.raises(SecretNotReadableError) as caught:
        keys.current()
    assert "short" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "error"),
    [("AccessDeniedException", SecretNotReadableError), ("ThrottlingException", SecretsUnavailableError)],
)
def test_a_secret_that_cannot_be_read_is_no_stranger(
    keys: TokenKeys, secret: StagedSecret, clock: Clock, code: str, error: type[Exception]
) -> None:
    secret.error = code
    for _ in range(100):
        with pytest.raises(error):
            keys.find("v1")
    assert secret.reads == 1, "a failure is not tried again for every token"
    secret.error = ""
    clock.sleep(RETRY_SECONDS)
    assert keys.find("v1")


def test_keys_that_cannot_be_read_any_more_are_not_used_any_longer(
    keys: TokenKeys, secret: StagedSecret, clock: Clock
) -> None:
    assert keys.find("v1")
    secret.error = "AccessDeniedException"
    clock.sleep(TTL_SECONDS)
    with pytest.raises(SecretNotReadableError):
        keys.find("v1")


def test_a_strangers_token_does_not_make_an_outage_of_good_ones(
    keys: TokenKeys, secret: StagedSecret, clock: Clock
) -> None:
    assert keys.find("v1")
    secret.error = "ThrottlingException"
    clock.sleep(REREAD_SECONDS)
    for number in range(100):
        assert keys.find(f"guess-{number}") is None
        assert keys.find("v1")
        assert keys.current().kid == "v1"
    assert secret.reads == 3, "two stages, and one attempt that failed"
    clock.sleep(TTL_SECONDS - REREAD_SECONDS)
    with pytest.raises(SecretsUnavailableError):
        keys.find("v1")


def test_no_key_is_printed(keys: TokenKeys) -> None:
    assert "xxx" not in f"{keys!r} {keys.current()!r} {keys.current()}"
