"""The key that a deployment begins with: a secret that the template generates, with every scope."""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from stepcall.domain.access import ALL_SCOPES, RateLimit
from stepcall.domain.errors import StepcallError
from stepcall.runtime.observability import logger
from stepcall.stores.api_key_store import KEY_PREFIX, ApiKey

NAME = "first-key"
FIRST_KEY_ID = UUID(int=0)
READ_EVERY_SECONDS = 25.0  # and believed for 30 after that: a changed secret counts within a minute
"""For who guesses, too: strangers must not make us ask Secrets Manager."""
LONG_AGO = datetime.fromtimestamp(0, UTC)


class SecretFirstKey:
    """`read_secret` gives what follows `sc_`, and may raise a StepcallError: then there is no first key for a while."""

    def __init__(self, read_secret: Callable[[], str], tenant: str, monotonic: Callable[[], float]) -> None:
        self._read_secret = read_secret
        self._monotonic = monotonic
        self._read_at: float | None = None
        self._text = ""
        self._key = ApiKey(FIRST_KEY_ID, "", tenant, NAME, ALL_SCOPES, LONG_AGO, rate_limit=RateLimit())

    def find(self, text: str) -> ApiKey | None:
        own = self._current_text()
        is_own = hmac.compare_digest(text.encode(errors="surrogatepass"), own.encode())
        return self._key if own and is_own else None

    def of(self, tenant: str, key_id: UUID) -> ApiKey | None:
        return self._key if (tenant, key_id) == (self._key.tenant, FIRST_KEY_ID) else None

    def _current_text(self) -> str:
        now = self._monotonic()
        if self._read_at is None or now - self._read_at >= READ_EVERY_SECONDS:
            self._read_at = now
            self._text = self._read()
        return self._text

    def _read(self) -> str:
        try:
            return KEY_PREFIX + self._read_secret()
        except StepcallError:
            logger.exception("first_key_not_read")
            return ""
