"""The key that a deployment begins with: a secret that the template generates, with every scope."""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from stepcall.domain.access import ALL_SCOPES, RateLimit
from stepcall.domain.errors import StepcallError
from stepcall.runtime.observability import logger
from stepcall.stores.api_key_store import KEY_PREFIX, ApiKey, hash_api_key

NAME = "first-key"
READ_EVERY_SECONDS = 25.0  # and believed for 30 after that: a changed secret counts within a minute
"""For who guesses, too: strangers must not make us ask Secrets Manager."""
KEPT_SECONDS = 60.0  # for how long what was read counts while Secrets Manager does not answer
LONG_AGO = datetime.fromtimestamp(0, UTC)


def first_key_id(text: str) -> UUID:
    """Another text is another key: tokens of the one before are refused."""
    return UUID(hash_api_key(text)[:32])


class SecretFirstKey:
    """`read_secret` gives what follows `sc_`, and may raise a StepcallError: there is no first key when it goes on."""

    def __init__(self, read_secret: Callable[[], str], tenant: str, monotonic: Callable[[], float]) -> None:
        self._read_secret = read_secret
        self._tenant = tenant
        self._monotonic = monotonic
        self._tried_at: float | None = None
        self._read_at = 0.0
        self._text = ""

    def find(self, text: str) -> ApiKey | None:
        own = self._current_text()
        is_own = hmac.compare_digest(text.encode(errors="surrogatepass"), own.encode())
        return self._key_of(own) if own and is_own else None

    def of(self, tenant: str, key_id: UUID, *, anew: bool) -> ApiKey | None:
        if tenant != self._tenant:
            return None
        own = self._read() if anew else self._current_text()
        return self._key_of(own) if own and key_id == first_key_id(own) else None

    def _key_of(self, text: str) -> ApiKey:
        return ApiKey(first_key_id(text), "", self._tenant, NAME, ALL_SCOPES, LONG_AGO, rate_limit=RateLimit())

    def _current_text(self) -> str:
        now = self._monotonic()
        if self._tried_at is None or now - self._tried_at >= READ_EVERY_SECONDS:
            self._read()
        return self._text if now - self._read_at < KEPT_SECONDS else ""

    def _read(self) -> str:
        """Empty when it cannot be read; then the text of before is kept."""
        self._tried_at = asked_at = self._monotonic()
        try:
            self._text = KEY_PREFIX + self._read_secret()
        except StepcallError:
            logger.exception("first_key_not_read")
            return ""
        self._read_at = asked_at
        return self._text
