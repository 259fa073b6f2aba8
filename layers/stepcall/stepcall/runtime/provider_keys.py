"""Callers' own keys to the language model, encrypted for the time of one run.

What is stored is the id of the secret's version and its length before it, a nonce, and the ciphertext with its tag.
"""

import hmac
import os
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from stepcall.aws.secrets import SecretsUnavailableError
from stepcall.domain.errors import StepcallError
from stepcall.use_cases.dependencies import ProviderKeysUnavailableError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from stepcall.aws.token_keys import SigningKey

PURPOSE = b"stepcall provider key"
NONCE_BYTES = 12  # random: NIST SP 800-38D, 8.2.2, allows 2^32 keys of callers for one version of the secret


class ProviderKeyLostError(StepcallError):
    """What is stored was not encrypted for this run, by this secret, or is not as it was stored."""


class UnknownSecretVersionError(ProviderKeyLostError):
    """The secret has no such version among its two newest; one that has just been made may be known in a while."""


class SecretVersions(Protocol):
    """Raises SecretNotReadableError and SecretsUnavailableError."""

    def current(self) -> "SigningKey":
        """What to encrypt with."""

    def find(self, kid: str) -> "SigningKey | None":
        """What something was encrypted with, if it is one of the two newest."""


class ProviderKeys:
    """AES-256-GCM, bound to the run."""

    def __init__(self, secret: SecretVersions) -> None:
        self._secret = secret

    def encrypt(self, run_id: UUID, key: str) -> bytes:
        """Raises ProviderKeysUnavailableError; SecretNotReadableError is a fault of the deployment."""
        try:
            version = self._secret.current()
        except SecretsUnavailableError as exc:
            raise ProviderKeysUnavailableError(
                "The secret that callers' keys are encrypted with cannot be read."
            ) from exc
        kid, nonce = version.kid.encode("ascii"), os.urandom(NONCE_BYTES)
        ciphertext = _cipher(version).encrypt(nonce, key.encode("ascii"), run_id.bytes)
        return bytes([len(kid)]) + kid + nonce + ciphertext

    def decrypt(self, run_id: UUID, stored: bytes) -> str:
        """Raises ProviderKeyLostError, UnknownSecretVersionError, and what reading the secret does."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 (see _cipher)

        kid, nonce, ciphertext = _parts_of(stored)
        version = self._secret.find(kid)
        if version is None:
            raise UnknownSecretVersionError("No known version of the secret has encrypted the caller's key.")
        try:
            return _cipher(version).decrypt(nonce, ciphertext, run_id.bytes).decode("ascii")
        except (InvalidTag, ValueError) as exc:
            raise ProviderKeyLostError("The caller's key cannot be decrypted for this run.") from exc


def _cipher(version: "SigningKey") -> "AESGCM":
    # a fortieth of a second to load: when a caller sends a key, and not with the function
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    # the secret is text of more than 256 bits; this makes 256 even ones of it (RFC 5869, 2.2)
    return AESGCM(hmac.digest(PURPOSE, version.secret.encode(), "sha256"))


def _parts_of(stored: bytes) -> tuple[str, bytes, bytes]:
    length = stored[0] if stored else 0
    kid, rest = stored[1 : 1 + length], stored[1 + length :]
    return kid.decode("ascii", errors="replace"), rest[:NONCE_BYTES], rest[NONCE_BYTES:]
