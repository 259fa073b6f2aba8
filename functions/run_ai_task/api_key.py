"""The key to the language model's endpoint."""

from collections.abc import Callable
from typing import Protocol

from stepcall.aws.secrets import SecretNotReadableError, SecretsReader, SecretsUnavailableError
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError

# no ARN: what a task reports is read by the workflow's author
WHOSE_SECRET = "the secret that OPENAI_API_KEY_SECRET_ARN names in this deployment"  # noqa: S105 (where it is, not what)


class ApiKey(Protocol):
    """Raises PermanentTaskError and RetryableTaskError."""

    def current(self) -> str:
        """The key, or nothing where the endpoint wants none."""

    def after(self, rejected: str) -> str | None:
        """The key that has come in the place of one the endpoint refused, if there is another."""


class NoApiKey:
    def current(self) -> str:
        return ""

    def after(self, rejected: str) -> str | None:  # noqa: ARG002 (see ApiKey)
        return None


class SecretApiKey:
    def __init__(self, secrets: SecretsReader, secret_arn: str) -> None:
        self._secrets = secrets
        self._secret_arn = secret_arn

    def current(self) -> str:
        key = _read(lambda: self._secrets.get(self._secret_arn))
        return key or ""

    def after(self, rejected: str) -> str | None:
        return _read(lambda: self._secrets.get_changed(self._secret_arn, rejected))


def _read(read: Callable[[], str | None]) -> str | None:
    try:
        key = read()
    except SecretNotReadableError as exc:
        message = f"The API key cannot be read; an operator can mend {WHOSE_SECRET}. {exc}"
        raise PermanentTaskError(ErrorReason.ACCESS_DENIED, message) from exc
    except SecretsUnavailableError as exc:
        raise RetryableTaskError(ErrorReason.BACKEND_ERROR, f"The API key cannot be read now. {exc}") from exc
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        # an HTTP library would say so with the key in its message
        message = f"The API key is not one word of ASCII characters; an operator can mend {WHOSE_SECRET}."
        raise PermanentTaskError(ErrorReason.ACCESS_DENIED, message)
    return key
