"""The port to API keys. A key's text is never stored: only the SHA-256 of its 256 random bits."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from stepcall.domain.access import Caller, Grants, RateLimit, Scope
from stepcall.domain.errors import StepcallError
from stepcall.domain.ids import spell_api_key

KEY_PREFIX = "sc_"


class UnknownApiKeyError(StepcallError):
    """There is no such key, or it is another tenant's: readers cannot tell which."""


class ApiKey(NamedTuple):
    """Whom a key stands for, what it may do, and until when. A tuple: a dataclass costs a cold start four times it."""

    key_id: UUID
    key_hash: str
    """Empty for the key that a deployment begins with: no store holds it."""
    tenant: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    grants: Grants | None = None
    rate_limit: RateLimit | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    """To the hour."""

    @property
    def caller(self) -> Caller:
        return Caller(
            tenant=self.tenant,
            principal=self.name,
            key_id=spell_api_key(self.key_id),
            scopes=self.scopes,
            grants=self.grants,
            rate_limit=self.rate_limit,
        )

    def has_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


class ApiKeyPage(NamedTuple):
    """Keys, newest first; `next_key_id` is the one to go on after, None on the last page."""

    keys: Sequence[ApiKey]
    next_key_id: UUID | None


def hash_api_key(text: str) -> str:
    """A fast hash is right for a random key of 256 bits: there is nothing to guess."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


class ApiKeyStore(Protocol):
    def put(self, key: ApiKey) -> None:
        """Store a key whose id and hash are new; doing it again changes nothing."""

    def get(self, key_hash: str) -> ApiKey:
        """The key of this hash, whoever's it is: this is how a tenant is known. Raises UnknownApiKeyError."""

    def get_by_id(self, tenant: str, key_id: UUID) -> ApiKey:
        """A key of the tenant. Raises UnknownApiKeyError."""

    def list_by_tenant(self, tenant: str, *, limit: int, after: UUID | None) -> ApiKeyPage:
        """Keys of the tenant, newest first, at most `limit`, older than `after`."""

    def delete(self, tenant: str, key_id: UUID) -> None:
        """Delete a key of the tenant. Raises UnknownApiKeyError."""

    def touch(self, key: ApiKey, now: datetime) -> None:
        """Write down that the key is used, unless it is gone or somebody has since it was read."""
