from typing import cast

import pytest

from run_ai_task.api_key import SecretApiKey
from stepcall.aws.secrets import SecretNotReadableError, SecretsReader, SecretsUnavailableError
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError, TaskError


class FakeSecrets:
    def __init__(self, answer: str | Exception | None) -> None:
        self.answer = answer

    def get(self, secret_arn: str) -> str | None:
        assert secret_arn == "arn:secret"
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def get_changed(self, secret_arn: str, rejected: str) -> str | None:
        answer = self.get(secret_arn)
        return None if answer == rejected else answer


def key_from(answer: str | Exception | None) -> SecretApiKey:
    return SecretApiKey(cast("SecretsReader", FakeSecrets(answer)), "arn:secret")


def test_the_key_is_the_secret() -> None:
    assert key_from("sk-2").current() == "sk-2"
    assert key_from("sk-2").after("sk-1") == "sk-2"
    assert key_from("sk-2").after("sk-2") is None


@pytest.mark.parametrize("secret", ["sk 1", "sk-1\nsk-2", "sk-\x00", "schlüssel"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(PermanentTaskError) as caught:
        key_from(secret).current()
    assert caught.value.reason is ErrorReason.ACCESS_DENIED
    assert "OPENAI_API_KEY_SECRET_ARN" in caught.value.message
    assert secret not in caught.value.message


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (SecretNotReadableError("It is empty."), PermanentTaskError, ErrorReason.ACCESS_DENIED),
        (SecretsUnavailableError("Not now."), RetryableTaskError, ErrorReason.BACKEND_ERROR),
    ],
)
def test_a_secret_that_cannot_be_read_fails_the_task(
    error: Exception, kind: type[TaskError], reason: ErrorReason
) -> None:
    with pytest.raises(kind, match=str(error)) as caught:
        key_from(error).current()
    assert caught.value.reason is reason
