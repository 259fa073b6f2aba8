"""The port to API keys. A key's text is never stored: only the SHA-256 of its 256 random bits."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from stepcall.domain.errors import StepcallError


class UnknownApiKeyError(StepcallError):
    """No key of this hash is stored."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Whom a key stands for."""

    key_hash: str
    tenant: str
    principal: str


def hash_api_key(text: str) -> str:
    """A fast hash is right for a random key of 256 bits: there is nothing to guess."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


class ApiKeyStore(Protocol):
    def put(self, key: ApiKey) -> None:
        """Store a key, or replace it."""

    def get(self, key_hash: str) -> ApiKey:
        """The key of this hash. Raises UnknownApiKeyError."""
