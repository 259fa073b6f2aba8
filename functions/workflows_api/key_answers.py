"""How API keys are shown: never the text but once, and never the hash."""

from typing import Any

from stepcall.domain.access import Grants
from stepcall.domain.ids import spell_api_key, spell_workflow
from stepcall.domain.times import print_time
from stepcall.stores.api_key_store import ApiKey, ApiKeyPage

Json = dict[str, Any]
NEVER_KEPT = {"Cache-Control": "no-store"}


def print_new_key(key: ApiKey, text: str) -> Json:
    """The one answer that the key's text stands in."""
    return {"api_key": text, **print_key(key)}


def print_key(key: ApiKey) -> Json:
    """What is not so is left out: without `grants` it reaches all of the tenant, without `rate_limit` it has none."""
    times = {"created_at": key.created_at, "expires_at": key.expires_at, "last_used_at": key.last_used_at}
    limit = key.rate_limit
    return {
        "key_id": spell_api_key(key.key_id),
        "name": key.name,
        "scopes": sorted(key.scopes),
        **({"grants": _print_grants(key.grants)} if key.grants else {}),
        **({"rate_limit": {"per_second": limit.per_second, "burst": limit.burst}} if limit else {}),
        **{name: print_time(time) for name, time in times.items() if time},
    }


def print_keys(page: ApiKeyPage) -> Json:
    token = {"next_token": spell_api_key(page.next_key_id)} if page.next_key_id else {}
    return {"api_keys": [print_key(key) for key in page.keys], **token}


def _print_grants(grants: Grants) -> Json:
    return {
        "workflows": sorted(map(spell_workflow, grants.workflows)),
        "sources": [{"connection_name": said.connection_name, "source": said.source} for said in grants.sources],
    }
