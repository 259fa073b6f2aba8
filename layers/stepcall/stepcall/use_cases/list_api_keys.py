"""Which API keys there are, and what one of them may do."""

from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.stores.api_key_store import ApiKey, ApiKeyPage
from stepcall.use_cases.dependencies import FaceDependencies


def list_api_keys(caller: Caller, deps: FaceDependencies, *, limit: int, after: UUID | None) -> ApiKeyPage:
    """The keys within the caller's grants, newest first. What lies outside shows in no key and in no token."""
    if not caller.is_narrowed:
        return deps.keys.list_by_tenant(caller.tenant, limit=limit, after=after)
    found: list[ApiKey] = []
    while True:
        page = deps.keys.list_by_tenant(caller.tenant, limit=limit, after=after)
        found += (key for key in page.keys if caller.covers(key.grants))
        after = page.next_key_id
        if after is None or len(found) > limit:
            break
    return ApiKeyPage(found[:limit], found[limit - 1].key_id if len(found) > limit else None)


def read_api_key(key_id: UUID, caller: Caller, deps: FaceDependencies) -> ApiKey:
    """Raises UnknownApiKeyError, NotGrantedError."""
    key = deps.keys.get_by_id(caller.tenant, key_id)
    caller.require_grants(key.grants)
    return key
