"""Payloads in memory."""

from itertools import count
from typing import Any

from stepcall.domain.json_text import read_json
from stepcall.domain.run import StoredPayload
from stepcall.stores.payload_store import PayloadGoneError, around_payload, encode_payload, inline_payload


class MemoryPayloadStore:
    """See PayloadStore."""

    def __init__(self) -> None:
        self._texts: dict[str, bytes] = {}
        self._numbers = count(1)

    def put(self, name: str, value: Any) -> StoredPayload:
        return self._put(name, encode_payload(value))

    def put_around(self, name: str, head: str, payload: StoredPayload, tail: str) -> StoredPayload:
        return self._put(name, around_payload(head, self._text(payload), tail))

    def _put(self, name: str, text: bytes) -> StoredPayload:
        if inline := inline_payload(text):
            return inline
        key = f"{name}-{next(self._numbers)}.json"
        self._texts[key] = text
        return StoredPayload(len(text), key=key)

    def get(self, payload: StoredPayload, *, may_keep: bool = False) -> Any:  # noqa: ARG002 - nothing is fetched
        return read_json(self._text(payload))

    def _text(self, payload: StoredPayload) -> bytes:
        if payload.key is None:
            return (payload.inline or "null").encode()
        if payload.key not in self._texts:
            raise PayloadGoneError(f"There is no {payload.key}.")
        return self._texts[payload.key]

    def url(self, payload: StoredPayload) -> str:
        return f"memory:{payload.key}"
