"""API keys for tests: told by their text, with every scope and no limit unless said otherwise."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from stepcall.domain.access import ALL_SCOPES
from stepcall.stores.api_key_store import ApiKey, hash_api_key

CREATED_AT = datetime(2026, 3, 4, 5, 6, 7, 891234, UTC)


def api_key(text: str, tenant: str = "acme", name: str = "nightly", **more: Any) -> ApiKey:
    """The same text gives the same id; it sorts before those of keys that are made now."""
    key_hash = hash_api_key(text)
    given = {"key_id": UUID(int=int(key_hash[:24], 16)), "scopes": ALL_SCOPES, "created_at": CREATED_AT}
    return ApiKey(**{**given, "key_hash": key_hash, "tenant": tenant, "name": name, **more})
