"""The key to the language model's endpoint."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from stepcall.aws.secrets import SecretNotReadableError, SecretsReader, SecretsUnavailableError
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError
from stepcall.domain.task_contract import TaskContext
from stepcall.runtime.provider_keys import ProviderKeyLostError, UnknownSecretVersionError

# no ARN: what a task reports is read by the workflow's author
WHOSE_SECRET = "the secret that OPENAI_API_KEY_SECRET_ARN names in this deployment"  # noqa: S105 (where it is, not what)
DEPLOYMENTS = f"an operator can mend {WHOSE_SECRET}"
CALLERS = "it came in `X-OpenAI-Key` with this execution: execute the workflow again with another"
NOT_DECRYPTED = "The key that came in `X-OpenAI-Key` with this execution cannot be read."


class ApiKey(Protocol):
    """Raises PermanentTaskError and RetryableTaskError."""

    @property
    def to_mend(self) -> str:
        """What to do about a key that the endpoint refuses, as the end of a sentence."""

    def current(self) -> str:
        """The key, or nothing where the endpoint wants none."""

    def after(self, rejected: str) -> str | None:
        """The key that has come in the place of one the endpoint refused, if there is another."""


class NoApiKey:
    to_mend = DEPLOYMENTS

    def current(self) -> str:
        return ""

    def after(self, rejected: str) -> str | None:  # noqa: ARG002 (see ApiKey)
        return None


class SecretApiKey:
    to_mend = DEPLOYMENTS

    def __init__(self, secrets: SecretsReader, secret_arn: str) -> None:
        self._secrets = secrets
        self._secret_arn = secret_arn

    def current(self) -> str:
        key = _read(lambda: self._secrets.get(self._secret_arn))
        return key or ""

    def after(self, rejected: str) -> str | None:
        return _read(lambda: self._secrets.get_changed(self._secret_arn, rejected))


@dataclass(frozen=True, slots=True)
class CallersKey:
    """A key that came with the run. There is no other in its place: the deployment's is not the caller's to use."""

    key: str = field(repr=False)
    to_mend: str = CALLERS

    def current(self) -> str:
        return self.key

    def after(self, rejected: str) -> str | None:  # noqa: ARG002 (see ApiKey)
        return None


class ApiKeys:
    """Whose key a task asks with: its caller's, decrypted for this task alone, before the deployment's."""

    def __init__(self, deployments: ApiKey, decrypt: Callable[[UUID, bytes], str]) -> None:
        self._deployments = deployments
        self._decrypt = decrypt

    def of(self, context: TaskContext) -> ApiKey:
        """Raises PermanentTaskError and RetryableTaskError."""
        if context.provider_key is None:
            return self._deployments
        try:
            return CallersKey(self._decrypt(context.run_id, context.provider_key))
        except (SecretsUnavailableError, UnknownSecretVersionError) as exc:
            raise RetryableTaskError(ErrorReason.INTERNAL_ERROR, f"{NOT_DECRYPTED} {exc}") from exc
        except (SecretNotReadableError, ProviderKeyLostError) as exc:
            raise PermanentTaskError(ErrorReason.INTERNAL_ERROR, f"{NOT_DECRYPTED} {exc}") from exc


def _read(read: Callable[[], str | None]) -> str | None:
    try:
        key = read()
    except SecretNotReadableError as exc:
        message = f"The API key cannot be read; {DEPLOYMENTS}. {exc}"
        raise PermanentTaskError(ErrorReason.ACCESS_DENIED, message) from exc
    except SecretsUnavailableError as exc:
        raise RetryableTaskError(ErrorReason.BACKEND_ERROR, f"The API key cannot be read now. {exc}") from exc
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        # an HTTP library would say so with the key in its message
        message = f"The API key is not one word of ASCII characters; {DEPLOYMENTS}."
        raise PermanentTaskError(ErrorReason.ACCESS_DENIED, message)
    return key
