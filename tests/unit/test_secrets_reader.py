from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from stepcall.aws.secrets import SecretNotReadableError, SecretsReader, SecretsUnavailableError

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:key-AbCdEf"


class FakeSecretsManager:
    """Answers with its text, or raises; counts its calls."""

    def __init__(self, text: str | Exception) -> None:
        self.text = text
        self.calls = 0

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803 (boto3's name)
        assert SecretId == ARN
        self.calls += 1
        if isinstance(self.text, Exception):
            raise self.text
        return {"SecretString": self.text} if self.text else {"SecretBinary": b"\x00"}


def reader(client: FakeSecretsManager, clock: Callable[[], float] = lambda: 0.0) -> SecretsReader:
    return SecretsReader(cast("SecretsManagerClient", client), clock, ttl_seconds=300)


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"no {ARN}"}}, "GetSecretValue")


@pytest.mark.parametrize("text", ["sk-1", " sk-1\n", '{"api_key": "sk-1"}', '{"api_key": " sk-1 ", "note": "mine"}'])
def test_a_secret_is_text_or_the_field_api_key(text: str) -> None:
    assert reader(FakeSecretsManager(text)).get(ARN) == "sk-1"


@pytest.mark.parametrize(
    "text", ["", "  \n", '{"key": "sk-1"}', '{"api_key": 7}', '{"api_key": ""}', '{"api_key": "sk']
)
def test_a_secret_that_holds_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(SecretNotReadableError) as caught:
        reader(FakeSecretsManager(text)).get(ARN)
    error: BaseException | None = caught.value
    while error:
        assert "sk" not in str(error)
        error = error.__context__


def test_a_secret_is_read_once_until_its_time_is_over() -> None:
    now = [0.0]
    client = FakeSecretsManager("sk-1")
    secrets = reader(client, lambda: now[0])
    secrets.get(ARN)
    now[0] = 299.0
    client.text = "sk-2"
    assert (secrets.get(ARN), client.calls) == ("sk-1", 1)
    now[0] = 300.0
    assert (secrets.get(ARN), client.calls) == ("sk-2", 2)


def test_a_rejected_secret_that_has_changed_is_read_again() -> None:
    client = FakeSecretsManager("sk-1")
    secrets = reader(client)
    rejected = secrets.get(ARN)
    client.text = "sk-2"
    assert secrets.get_changed(ARN, rejected) == "sk-2"
    assert (secrets.get(ARN), client.calls) == ("sk-2", 2)


def test_a_rejected_secret_that_is_still_the_same_is_no_news() -> None:
    client = FakeSecretsManager("sk-1")
    secrets = reader(client)
    assert secrets.get_changed(ARN, secrets.get(ARN)) is None


def test_a_secret_renewed_by_another_thread_is_not_read_once_more() -> None:
    client = FakeSecretsManager("sk-2")
    secrets = reader(client)
    secrets.get(ARN)
    assert secrets.get_changed(ARN, rejected="sk-1") == "sk-2"
    assert client.calls == 1


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException", "DecryptionFailure"])
def test_what_an_operator_must_mend_is_not_readable(code: str) -> None:
    with pytest.raises(SecretNotReadableError, match=code) as caught:
        reader(FakeSecretsManager(refusal(code))).get(ARN)
    assert ARN not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        refusal("ThrottlingException"),
        refusal("InternalServiceError"),
        EndpointConnectionError(endpoint_url="https://x"),
    ],
)
def test_what_may_pass_is_unavailable(error: Exception) -> None:
    with pytest.raises(SecretsUnavailableError):
        reader(FakeSecretsManager(error)).get(ARN)


def test_a_failure_is_not_kept() -> None:
    client = FakeSecretsManager(refusal("ThrottlingException"))
    secrets = reader(client)
    with pytest.raises(SecretsUnavailableError):
        secrets.get(ARN)
    client.text = "sk-1"
    assert secrets.get(ARN) == "sk-1"


def test_the_reader_does_not_print_what_it_keeps() -> None:
    secrets = reader(FakeSecretsManager("sk-1"))
    secrets.get(ARN)
    assert "sk-1" not in f"{secrets!r} {secrets}"
