"""Make an API key: its text is told once, and kept nowhere."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from stepcall.domain.access import Caller, Grants, NotGrantedError, RateLimit, Scope
from stepcall.domain.ids import read_api_key_id
from stepcall.stores.api_key_store import KEY_PREFIX, ApiKey, hash_api_key
from stepcall.use_cases.dependencies import FaceDependencies

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class CreateApiKey:
    """What somebody wants a key for. Without grants it reaches all of the tenant; without a limit it has the usual one,
    and without an end none, or its maker's where that is less."""

    name: str
    scopes: frozenset[Scope]
    grants: Grants | None = None
    rate_limit: RateLimit | None = None
    expires_at: datetime | None = None


def create_api_key(command: CreateApiKey, caller: Caller, deps: FaceDependencies) -> tuple[ApiKey, str]:
    """A key of the caller's tenant, and its text. Raises MissingScopeError and NotGrantedError: nobody gives what
    they do not have. The caller's key is read again: one that was deleted makes none, whoever remembers it."""
    for scope in sorted(command.scopes):
        caller.require(scope)
    caller.require_grants(command.grants)
    maker = deps.read_own_key(caller.tenant, read_api_key_id(caller.key_id))
    text = new_key_text()
    key = ApiKey(
        key_id=deps.new_id(),
        key_hash=hash_api_key(text),
        tenant=caller.tenant,
        name=command.name,
        scopes=command.scopes,
        created_at=deps.now(),
        grants=command.grants,
        rate_limit=_limit_within(maker.rate_limit, command.rate_limit),
        expires_at=_end_within(maker.expires_at, command.expires_at),
    )
    deps.keys.put(key)
    deps.log("api_key_created", tenant=key.tenant, key_id=key.caller.key_id, by=caller.key_id)
    return key, text


def _limit_within(own: RateLimit | None, asked: RateLimit | None) -> RateLimit:
    """Raises NotGrantedError."""
    wanted = asked or RateLimit()
    if own is None:
        return wanted
    lower = RateLimit(min(own.per_second, wanted.per_second), min(own.burst, wanted.burst))
    if asked and lower != asked:
        raise NotGrantedError("This key makes no key that may start more executions than it may itself.")
    return lower


def _end_within(own: datetime | None, asked: datetime | None) -> datetime | None:
    """Raises NotGrantedError."""
    if own and asked and asked > own:
        raise NotGrantedError("This key makes no key that lasts longer than it does itself.")
    return asked or own


def new_key_text() -> str:
    return KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
