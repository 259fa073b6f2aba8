"""Make an API key: its text is told once, and kept nowhere."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from stepcall.domain.access import Caller, Grants, RateLimit, Scope
from stepcall.stores.api_key_store import KEY_PREFIX, ApiKey, hash_api_key
from stepcall.use_cases.dependencies import FaceDependencies

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class CreateApiKey:
    """What somebody wants a key for. Without grants it reaches all of the tenant, without a limit it has none."""

    name: str
    scopes: frozenset[Scope]
    grants: Grants | None = None
    rate_limit: RateLimit | None = None
    expires_at: datetime | None = None


def create_api_key(command: CreateApiKey, caller: Caller, deps: FaceDependencies) -> tuple[ApiKey, str]:
    """A key of the caller's tenant, and its text. Raises MissingScopeError and NotGrantedError: nobody gives what
    they do not have."""
    for scope in sorted(command.scopes):
        caller.require(scope)
    caller.require_grants(command.grants)
    text = new_key_text()
    key = ApiKey(
        key_id=deps.new_id(),
        key_hash=hash_api_key(text),
        tenant=caller.tenant,
        name=command.name,
        scopes=command.scopes,
        created_at=deps.now(),
        grants=command.grants,
        rate_limit=command.rate_limit,
        expires_at=command.expires_at,
    )
    deps.keys.put(key)
    deps.log("api_key_created", tenant=key.tenant, key_id=key.caller.key_id, by=caller.key_id)
    return key, text


def new_key_text() -> str:
    return KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
