"""API keys in memory."""

from stepcall.stores.api_key_store import ApiKey, UnknownApiKeyError


class MemoryApiKeyStore:
    """See ApiKeyStore."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    def put(self, key: ApiKey) -> None:
        self._keys[key.key_hash] = key

    def get(self, key_hash: str) -> ApiKey:
        try:
            return self._keys[key_hash]
        except KeyError as exc:
            raise UnknownApiKeyError("There is no such key.") from exc
