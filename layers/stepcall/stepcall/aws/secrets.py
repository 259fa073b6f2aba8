"""Secrets from AWS Secrets Manager, kept in memory for a while. A secret's value is in no message and in no repr."""

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from stepcall.domain.errors import StepcallError
from stepcall.domain.json_text import MalformedJsonError, read_json

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_secretsmanager.type_defs import GetSecretValueResponseTypeDef

TTL_SECONDS = 300.0
KEY_FIELD = "api_key"
NOT_THERE = "ResourceNotFoundException"
# what only somebody who may change the deployment can mend
NOT_READABLE = frozenset(
    {
        "AccessDeniedException",
        "DecryptionFailure",
        "InvalidParameterException",
        "InvalidRequestException",  # marked for deletion
        NOT_THERE,
        "ValidationException",
    }
)


class SecretNotReadableError(StepcallError):
    """The secret is not there, is not allowed to be read, or does not hold what it should."""


class SecretMissingError(SecretNotReadableError):
    """There is no such secret, or it has no such version."""


class SecretsUnavailableError(StepcallError):
    """Secrets Manager does not answer now."""


class SecretsReader:
    """Reads secrets, each at most once in `ttl_seconds`. `clock` gives seconds and never goes back.

    `value_of` is what is kept of a secret's text; it raises SecretNotReadableError. Without one: see `get`.
    """

    def __init__(
        self,
        client: "SecretsManagerClient",
        clock: Callable[[], float],
        ttl_seconds: float = TTL_SECONDS,
        value_of: Callable[[str], str] | None = None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._ttl_seconds = ttl_seconds
        self._value_of = value_of or _value_of
        self._kept: dict[str, tuple[float, str]] = {}
        self._lock = Lock()  # one call for all threads that ask at once

    def get(self, secret_arn: str) -> str:
        """The secret: its text, stripped, or the field `api_key` where the text is a JSON object.

        Raises SecretNotReadableError and SecretsUnavailableError.
        """
        with self._lock:
            read_at, value = self._kept.get(secret_arn, (0.0, ""))
            if not value or self._clock() - read_at >= self._ttl_seconds:
                value = self._value_of(self._read(secret_arn))
                self._kept[secret_arn] = (self._clock(), value)
            return value

    def get_changed(self, secret_arn: str, rejected: str) -> str | None:
        """The secret read again, or None when it still is `rejected`: keys rotate. Raises as `get` does."""
        with self._lock:
            if self._kept.get(secret_arn, (0.0, ""))[1] == rejected:
                del self._kept[secret_arn]
        value = self.get(secret_arn)
        return None if value == rejected else value

    def _read(self, secret_arn: str) -> str:
        return read_secret(self._client, secret_arn).get("SecretString", "")


def read_secret(client: "SecretsManagerClient", secret_arn: str, **version: str) -> "GetSecretValueResponseTypeDef":
    """The current version, or another by `VersionStage` and `VersionId`.

    Raises SecretMissingError, SecretNotReadableError and SecretsUnavailableError.
    """
    try:
        return client.get_secret_value(SecretId=secret_arn, **version)
    except ClientError as exc:
        code = exc.response.get("Error", {}).get("Code", "")
        if code in NOT_READABLE:
            kind = SecretMissingError if code == NOT_THERE else SecretNotReadableError
            raise kind(f"The secret cannot be read ({code}).") from exc
        raise SecretsUnavailableError("Secrets Manager refuses to answer now.") from exc
    except BotoCoreError as exc:
        raise SecretsUnavailableError("Secrets Manager does not answer.") from exc


def _value_of(text: str) -> str:
    """Secrets are made by hand, as text or, as the console proposes, as key and value."""
    value = text.strip()
    if value.startswith("{"):
        value = _key_field(value)
    if not value:
        raise SecretNotReadableError("The secret is empty, or is not text.")
    return value


def _key_field(text: str) -> str:
    try:
        fields = read_json(text)
    except MalformedJsonError:
        fields = {}  # the error would quote the secret
    value = fields.get(KEY_FIELD)
    if not isinstance(value, str):
        raise SecretNotReadableError(f"The secret is a JSON object without a text in its field `{KEY_FIELD}`.")
    return value.strip()
