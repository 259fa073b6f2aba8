"""Who calls: an API key or an access token, by any of its three carriers, to the caller and what it may do."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.errors import StepcallError
from stepcall.runtime.observability import logger
from stepcall.stores.api_key_store import KEY_PREFIX, ApiKey, ApiKeyStore, UnknownApiKeyError, hash_api_key

CACHE_SECONDS = 30.0  # a revoked key is refused within a minute
MAX_CACHED_KEYS = 1000
TOUCHED_EVERY = timedelta(hours=1)
KeyName = str | tuple[str, UUID]
REFUSED = "Authentication is needed."


class UnauthenticatedError(StepcallError):
    """No key or token, or none that is known: callers are not told which."""


class TokensUnavailableError(StepcallError):
    """Tokens can neither be made nor verified now: the keys they are signed with cannot be read."""


class TokenVerifier(Protocol):
    def verify(self, token: str) -> Caller:
        """Whom an access token stands for. Raises UnauthenticatedError, TokensUnavailableError."""


class FirstKey(Protocol):
    """The key that a deployment begins with, which no table holds."""

    def find(self, text: str) -> ApiKey | None:
        """The key if this is its text."""

    def of(self, tenant: str, key_id: UUID, *, anew: bool) -> ApiKey | None:
        """The key if it is called so; `anew` is not from memory."""


class KnownKeys:
    """Keys that have been found, each believed for half a minute; strangers are not remembered."""

    def __init__(
        self,
        keys: ApiKeyStore,
        monotonic: Callable[[], float],
        now: Callable[[], datetime],
        first_key: FirstKey | None = None,
    ) -> None:
        self._keys = keys
        self._monotonic = monotonic
        self._now = now
        self._first_key = first_key
        self._known: dict[KeyName, tuple[float, ApiKey]] = {}

    def of_text(self, text: str) -> ApiKey:
        """The key of this text, unless it has expired. Raises UnauthenticatedError."""
        key_hash = hash_api_key(text)
        return self._believe(key_hash) or self._read(key_hash, lambda: self._find(key_hash, text))

    def of_id(self, tenant: str, key_id: UUID) -> ApiKey:
        """As `of_text`: for tokens, which are good for as long as the key that they were given for."""
        name = (tenant, key_id)
        return self._believe(name) or self._read(name, lambda: self._get(tenant, key_id))

    def of_id_anew(self, tenant: str, key_id: UUID) -> ApiKey:
        """As `of_id`, and not from memory: for what outlives the request."""
        self.forget(tenant, key_id)
        return self._read((tenant, key_id), lambda: self._get(tenant, key_id, anew=True))

    def forget(self, tenant: str, key_id: UUID) -> None:
        """Read the key again when it is next used, by whichever name."""
        for name, (_, key) in list(self._known.items()):
            if (key.tenant, key.key_id) == (tenant, key_id):
                self._known.pop(name, None)

    def _believe(self, name: KeyName) -> ApiKey | None:
        read_at, key = self._known.get(name, (0.0, None))
        return self._unexpired(key) if key and self._monotonic() - read_at <= CACHE_SECONDS else None

    def _read(self, name: KeyName, read: Callable[[], ApiKey]) -> ApiKey:
        self._known.pop(name, None)
        asked_at = self._monotonic()
        try:
            key = self._unexpired(read())
        except UnknownApiKeyError as exc:
            raise UnauthenticatedError(REFUSED) from exc
        if len(self._known) >= MAX_CACHED_KEYS:
            self._known.clear()
        self._known[name] = (asked_at, key)
        self._note_use(key)
        return key

    def _unexpired(self, key: ApiKey) -> ApiKey:
        if key.has_expired(self._now()):
            raise UnauthenticatedError(REFUSED)
        return key

    def _find(self, key_hash: str, text: str) -> ApiKey:
        try:
            return self._keys.get(key_hash)
        except UnknownApiKeyError:
            if self._first_key and (key := self._first_key.find(text)):
                return key
            raise

    def _get(self, tenant: str, key_id: UUID, *, anew: bool = False) -> ApiKey:
        try:
            return self._keys.get_by_id(tenant, key_id)
        except UnknownApiKeyError:
            if self._first_key and (key := self._first_key.of(tenant, key_id, anew=anew)):
                return key
            raise

    def _note_use(self, key: ApiKey) -> None:
        """The record says when it was last done: so it is once an hour for all processes together."""
        now = self._now()
        if not key.key_hash or (key.last_used_at and now - key.last_used_at < TOUCHED_EVERY):
            return
        try:
            self._keys.touch(key, now)
        except Exception:  # whoever calls has a good key, and no use for what is written beside the request
            logger.exception("use_of_key_not_noted")


class Authenticator:
    """Tells callers from strangers. `verifier` is asked about what is no API key; without one it is refused."""

    def __init__(self, keys: KnownKeys, verifier: TokenVerifier | None = None) -> None:
        self._keys = keys
        self._verifier = verifier

    def authenticate(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Caller:
        """The caller. Header names are lower case. Raises UnauthenticatedError."""
        text = carried_key(headers, query)
        if text.startswith(KEY_PREFIX):
            return self._keys.of_text(text).caller
        if self._verifier and text:
            return self._verifier.verify(text)
        raise UnauthenticatedError(REFUSED)


def carried_key(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """The key in `x-api-key`, the Bearer token or `access_token`, in this order; empty when there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return headers.get("x-api-key", "") or bearer or query.get("access_token", "")
