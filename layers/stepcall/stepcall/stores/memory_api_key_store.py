"""API keys in memory."""

from datetime import datetime
from uuid import UUID

from stepcall.stores.api_key_store import ApiKey, ApiKeyPage, UnknownApiKeyError


class MemoryApiKeyStore:
    """See ApiKeyStore."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, UUID], ApiKey] = {}

    def put(self, key: ApiKey) -> None:
        self._keys[key.tenant, key.key_id] = key

    def get(self, key_hash: str) -> ApiKey:
        for key in self._keys.values():
            if key.key_hash == key_hash:
                return key
        raise UnknownApiKeyError("There is no such key.")

    def get_by_id(self, tenant: str, key_id: UUID) -> ApiKey:
        try:
            return self._keys[tenant, key_id]
        except KeyError as exc:
            raise UnknownApiKeyError("There is no such key.") from exc

    def list_by_tenant(self, tenant: str, *, limit: int, after: UUID | None) -> ApiKeyPage:
        newest_first = sorted(self._keys.values(), key=lambda key: key.key_id, reverse=True)
        found = [key for key in newest_first if key.tenant == tenant and (after is None or key.key_id < after)]
        return ApiKeyPage(found[:limit], found[limit - 1].key_id if len(found) > limit else None)

    def delete(self, tenant: str, key_id: UUID) -> None:
        del self._keys[tenant, self.get_by_id(tenant, key_id).key_id]

    def touch(self, key: ApiKey, now: datetime) -> None:
        kept = self._keys.get((key.tenant, key.key_id))
        if kept and kept.last_used_at == key.last_used_at:
            self.put(kept._replace(last_used_at=now))
