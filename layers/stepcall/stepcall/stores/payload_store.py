"""The port to JSON values of any size: a small one travels in its record, a large one lies in the bucket."""

from typing import Any, Protocol

from stepcall.domain.errors import StepcallError
from stepcall.domain.json_text import write_json
from stepcall.domain.run import StoredPayload

INLINE_LIMIT_BYTES = 8 * 1024  # above it a write and a read of S3 cost less than the capacity units of DynamoDB
MAX_PAYLOAD_BYTES = 100 * 1024 * 1024


class PayloadTooLargeError(StepcallError):
    """The value has more bytes of JSON than a task may hand on."""

    def __init__(self, size: int) -> None:
        super().__init__(f"The value has {size:,} bytes of JSON; at most {MAX_PAYLOAD_BYTES:,} can be handed on.")
        self.size = size


class PayloadGoneError(StepcallError):
    """The value was kept in the bucket, and has been deleted since: large values are kept 30 days."""


def encode_payload(value: Any) -> bytes:
    """A value's JSON text. Raises NotJsonError, PayloadTooLargeError."""
    text = write_json(value).encode()
    if len(text) > MAX_PAYLOAD_BYTES:
        raise PayloadTooLargeError(len(text))
    return text


def around_payload(head: str, text: bytes, tail: str) -> bytes:
    """Raises PayloadTooLargeError."""
    whole = b"".join((head.encode(), text, tail.encode()))
    if len(whole) > MAX_PAYLOAD_BYTES:
        raise PayloadTooLargeError(len(whole))
    return whole


def inline_payload(text: bytes) -> StoredPayload | None:
    """The payload that travels in its record; None when it must go to the bucket."""
    return StoredPayload(len(text), inline=text.decode()) if len(text) <= INLINE_LIMIT_BYTES else None


class PayloadStore(Protocol):
    def put(self, name: str, value: Any) -> StoredPayload:
        """Keep a JSON value; `name` says what it is, such as `RUN_ID/REF`.

        Raises NotJsonError, PayloadTooLargeError.
        """

    def put_around(self, name: str, head: str, payload: StoredPayload, tail: str) -> StoredPayload:
        """Keep a JSON value whose text is that of another, copied and not read, between `head` and `tail`.

        Raises PayloadGoneError, PayloadTooLargeError.
        """

    def get(self, payload: StoredPayload, *, may_keep: bool = False) -> Any:
        """The value again. Raises PayloadGoneError.

        `may_keep`: whoever asks will ask again, and changes nothing of it; it need not be fetched each time.
        """

    def url(self, payload: StoredPayload) -> str:
        """An address, good for 15 minutes, from which a payload in the bucket can be fetched without credentials."""
