"""Where a list goes on, as text that only we can make: whoever was not shown a page cannot ask for the one after it.

Imported when a list is longer than its page.
"""

import binascii
import hmac
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from stepcall.aws.token_keys import SigningKey
from stepcall.runtime.http import InvalidRequestError
from stepcall.runtime.signing_keys import secrets_needed

# what the same keys sign elsewhere, JWTs, has no such byte
PURPOSE = b"stepcall page token\0"
HIDING = b"stepcall page token, hidden\0"
ID_BYTES = 16
MAC_BYTES = 16
LENGTH = 43  # of their 32 bytes together
REFUSED = (
    "`next_token` is not of this list. Send it as it was answered, with the same filters; without it the list begins "
    "anew."
)


class PageKeys(Protocol):
    def current(self) -> SigningKey:
        """What to sign with."""

    def find_where(self, fits: Callable[[SigningKey], bool]) -> SigningKey | None:
        """The key that fits, if it still counts."""


class PageTokens:
    """`of` names the list: a token of one list is none of another. Both raise TokensUnavailableError."""

    def __init__(self, keys: PageKeys) -> None:
        self._keys = keys

    def write(self, run_id: UUID, of: str) -> str:
        """The token to go on after that run with."""
        with secrets_needed():
            key = self._keys.current()
        mac = _sign(key, run_id.bytes, of)
        return _encode(mac + _hide(key, run_id.bytes, mac))

    def read(self, text: str, of: str) -> UUID:
        """The run to go on after. Raises InvalidRequestError."""
        sent = _decode(text)
        mac, hidden = sent[:MAC_BYTES], sent[MAC_BYTES:]
        with secrets_needed():
            key = self._keys.find_where(lambda key: hmac.compare_digest(_sign(key, _hide(key, hidden, mac), of), mac))
        if key is None:
            raise InvalidRequestError(REFUSED)
        return UUID(bytes=_hide(key, hidden, mac))


def _sign(key: SigningKey, run_id: bytes, of: str) -> bytes:
    return hmac.digest(key.secret.encode(), PURPOSE + run_id + of.encode(), "sha256")[:MAC_BYTES]


def _hide(key: SigningKey, run_id: bytes, mac: bytes) -> bytes:
    """The id as whoever has no key cannot read it, and back: a list may go on after a run that it does not show."""
    stream = hmac.digest(key.secret.encode(), HIDING + mac, "sha256")[:ID_BYTES]
    return bytes(byte ^ other for byte, other in zip(run_id, stream, strict=True))


def _encode(token: bytes) -> str:
    return urlsafe_b64encode(token).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        token = b64decode(f"{text}=", altchars=b"-_", validate=True) if len(text) == LENGTH else b""
    except (binascii.Error, ValueError):  # ValueError: not ASCII
        token = b""
    if _encode(token) != text or len(token) != ID_BYTES + MAC_BYTES:  # one token has one spelling
        raise InvalidRequestError(REFUSED)
    return token
