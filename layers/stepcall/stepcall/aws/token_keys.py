"""The keys that tokens are signed with: two versions of one secret, the current one and the one before."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from stepcall.aws.secrets import SecretMissingError, SecretNotReadableError, SecretsUnavailableError, read_secret

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

TTL_SECONDS = 60.0  # a key that was rotated out twice is refused within a minute
REREAD_SECONDS = 10.0  # how often a stranger's `kid` may make us read
RETRY_SECONDS = 2.0  # how often, when the secret could not be read
MIN_BYTES = 32  # HMAC with SHA-256 wants as many bits as it puts out: RFC 7518, 3.2


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`kid` is the id of the secret's version."""

    kid: str
    secret: str = field(repr=False)


class TokenKeys:
    """Keeps both keys for a minute. `clock` gives seconds and never goes back."""

    def __init__(
        self, client: Callable[[], "SecretsManagerClient"], secret_arn: str, clock: Callable[[], float]
    ) -> None:
        self._client = client
        self._secret_arn = secret_arn
        self._clock = clock
        self._read_at = self._tried_at = 0.0
        self._kept: tuple[SigningKey, ...] = ()
        self._error: SecretNotReadableError | SecretsUnavailableError | None = None
        self._lock = Lock()  # one read for all threads that ask at once

    def current(self) -> SigningKey:
        """What to sign with. Raises SecretNotReadableError and SecretsUnavailableError."""
        return self._keys(TTL_SECONDS)[0]

    def find(self, kid: str) -> SigningKey | None:
        """What a token was signed with, if it still counts. Raises as `current` does."""
        return self.find_where(lambda key: key.kid == kid)

    def find_where(self, fits: Callable[[SigningKey], bool]) -> SigningKey | None:
        """As `find`, for what does not say by its id which key it was signed with."""
        found = _first(self._keys(TTL_SECONDS), fits)
        return found or _first(self._keys(REREAD_SECONDS), fits)  # perhaps it is newer than what is kept

    def _keys(self, max_age: float) -> tuple[SigningKey, ...]:
        with self._lock:
            if self._is_due(max_age):
                self._try_to_read()
            if self._error:
                raise type(self._error)(str(self._error)) from self._error
            return self._kept

    def _is_due(self, max_age: float) -> bool:
        since_try = self._clock() - self._tried_at
        if self._error:
            return since_try >= RETRY_SECONDS
        return not self._kept or self._is_old() or since_try >= max_age

    def _is_old(self) -> bool:
        return self._clock() - self._read_at >= TTL_SECONDS

    def _try_to_read(self) -> None:
        """What came of it is kept, a failure too: while it lasts, each token would ask Secrets Manager again."""
        try:
            self._kept, self._error = self._read(), None
            self._read_at = self._clock()
        except (SecretNotReadableError, SecretsUnavailableError) as exc:
            if not self._kept or self._is_old():  # else a stranger's `kid` would make an outage of good tokens
                self._kept, self._error = (), exc
        self._tried_at = self._clock()

    def _read(self) -> tuple[SigningKey, ...]:
        current = read_signing_key(self._client(), self._secret_arn, VersionStage="AWSCURRENT")
        try:
            return current, read_signing_key(self._client(), self._secret_arn, VersionStage="AWSPREVIOUS")
        except SecretMissingError:
            return (current,)  # never rotated


def read_signing_key(client: "SecretsManagerClient", secret_arn: str, **version: str) -> SigningKey:
    """One version, by `VersionStage`, `VersionId` or both. Raises SecretNotReadableError, SecretsUnavailableError."""
    answer = read_secret(client, secret_arn, **version)
    secret = answer.get("SecretString", "")
    if len(secret.encode()) < MIN_BYTES:
        raise SecretNotReadableError(f"The signing key is no text of at least {MIN_BYTES} bytes.")
    return SigningKey(answer["VersionId"], secret)


def _first(keys: tuple[SigningKey, ...], fits: Callable[[SigningKey], bool]) -> SigningKey | None:
    return next(filter(fits, keys), None)
