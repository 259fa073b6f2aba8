"""Who calls: an API key, by any of its three carriers, to a tenant and a principal."""

from collections.abc import Callable, Mapping

from stepcall.domain.access import Caller
from stepcall.domain.errors import StepcallError
from stepcall.stores.api_key_store import ApiKeyStore, UnknownApiKeyError, hash_api_key

KEY_PREFIX = "sc_"
CACHE_SECONDS = 30.0  # a revoked key is refused within a minute
MAX_CACHED_KEYS = 1000


class UnauthenticatedError(StepcallError):
    """No key, or none that is known: callers are not told which."""


class Authenticator:
    """Looks keys up by their hash, and remembers for half a minute those that were found."""

    def __init__(self, keys: ApiKeyStore, monotonic: Callable[[], float]) -> None:
        self._keys = keys
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, Caller]] = {}

    def authenticate(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Caller:
        """The caller. Header names are lower case. Raises UnauthenticatedError."""
        key = carried_key(headers, query)
        if not key.startswith(KEY_PREFIX):
            raise UnauthenticatedError("Authentication is needed.")
        key_hash = hash_api_key(key)
        read_at, caller = self._known.get(key_hash, (0.0, None))
        now = self._monotonic()
        if caller is None or now - read_at > CACHE_SECONDS:
            caller = self._look_up(key_hash)
            if len(self._known) >= MAX_CACHED_KEYS:
                self._known.clear()
            self._known[key_hash] = (now, caller)
        return caller

    def _look_up(self, key_hash: str) -> Caller:
        try:
            key = self._keys.get(key_hash)
        except UnknownApiKeyError as exc:
            self._known.pop(key_hash, None)
            raise UnauthenticatedError("Authentication is needed.") from exc
        return Caller(key.tenant, key.principal)


def carried_key(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """The key in `x-api-key`, the Bearer token or `access_token`, in this order; empty when there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return headers.get("x-api-key", "") or bearer or query.get("access_token", "")
