from collections.abc import Callable
from typing import cast
from uuid import UUID

import pytest

from run_ai_task.api_key import ApiKeys, NoApiKey, SecretApiKey
from stepcall.aws.secrets import SecretNotReadableError, SecretsReader, SecretsUnavailableError
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError, TaskError
from stepcall.domain.task_contract import TaskContext
from stepcall.runtime.provider_keys import ProviderKeyLostError, UnknownSecretVersionError


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


def context_with(stored: bytes | None) -> TaskContext:
    return TaskContext(UUID(int=1), "acme", "s", 0, lambda: 60.0, stored)


def decrypting(answer: str | Exception) -> Callable[[UUID, bytes], str]:
    def decrypt(run_id: UUID, stored: bytes) -> str:
        assert (run_id, stored) == (UUID(int=1), b"stored")
        if isinstance(answer, Exception):
            raise answer
        return answer

    return decrypt


def test_a_callers_key_comes_before_the_deployments_which_is_never_in_its_place() -> None:
    deployments = key_from("sk-deployment")
    key = ApiKeys(deployments, decrypting("sk-caller")).of(context_with(b"stored"))
    assert key.current() == "sk-caller"
    assert key.after("sk-caller") is None
    assert "sk-caller" not in repr(key)


def test_a_run_without_a_callers_key_asks_with_the_deployments() -> None:
    nobodys = decrypting(AssertionError("nothing is stored"))
    for deployments in (key_from("sk-deployment"), NoApiKey()):
        assert ApiKeys(deployments, nobodys).of(context_with(None)) is deployments


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ProviderKeyLostError("Not for this run."), PermanentTaskError),
        (SecretNotReadableError("It is not there."), PermanentTaskError),
        (UnknownSecretVersionError("A new one."), RetryableTaskError),
        (SecretsUnavailableError("Not now."), RetryableTaskError),
    ],
)
def test_a_callers_key_that_cannot_be_read_fails_the_task_as_a_fault_of_ours(
    error: Exception, kind: type[TaskError]
) -> None:
    with pytest.raises(kind) as caught:
        ApiKeys(key_from("sk-deployment"), decrypting(error)).of(context_with(b"stored"))
    assert caught.value.reason is ErrorReason.INTERNAL_ERROR
    assert caught.value.message == (f"The key that came in `X-OpenAI-Key` with this execution cannot be read. {error}")
