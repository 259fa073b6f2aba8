"""Payloads in S3: the large values of runs, under `runs/` in the data bucket, whose lifecycle ends them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import ClientError

from stepcall.domain.json_text import read_json
from stepcall.domain.run import StoredPayload
from stepcall.stores.payload_store import PayloadGoneError, around_payload, encode_payload, inline_payload

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

URL_SECONDS = 15 * 60
PREFIX = "runs/"
KEPT_PAYLOADS, KEPT_BYTES = 2, 8 * 1024 * 1024
"""How many values are kept for who asks again, and how long each may be: many small ones take ten times the memory."""
# without the permission to list the bucket, which nothing here needs, S3 calls a missing object "access denied"
NOT_THERE = frozenset({"NoSuchKey", "AccessDenied"})


class S3PayloadStore:
    """See PayloadStore. The client is made at the first large value: most runs have none, and it is slow to make."""

    def __init__(self, make_client: "Callable[[], S3Client]", bucket: str, new_id: Callable[[], UUID]) -> None:
        self._make_client = make_client
        self._bucket = bucket
        self._new_id = new_id
        self._kept: dict[str, Any] = {}
        """By key, which no other value ever has."""

    def put(self, name: str, value: Any) -> StoredPayload:
        return self._put(name, encode_payload(value))

    def put_around(self, name: str, head: str, payload: StoredPayload, tail: str) -> StoredPayload:
        return self._put(name, around_payload(head, self._text(payload), tail))

    def _put(self, name: str, text: bytes) -> StoredPayload:
        if inline := inline_payload(text):
            return inline
        # a key of its own for every write: of two workers on one task the record's condition picks one, with its object
        key = f"{PREFIX}{name}-{self._new_id()}.json"
        self._make_client().put_object(Bucket=self._bucket, Key=key, Body=text, ContentType="application/json")
        return StoredPayload(len(text), key=key)

    def get(self, payload: StoredPayload, *, may_keep: bool = False) -> Any:
        if payload.key is None or not may_keep:
            return read_json(self._text(payload))
        if payload.key in self._kept:
            return self._kept[payload.key]
        value = read_json(self._text(payload))
        if payload.size <= KEPT_BYTES:
            for key in [*self._kept][: 1 - KEPT_PAYLOADS]:
                self._kept.pop(key, None)
            self._kept[payload.key] = value
        return value

    def _text(self, payload: StoredPayload) -> bytes:
        if payload.key is None:
            return (payload.inline or "null").encode()
        try:
            return self._make_client().get_object(Bucket=self._bucket, Key=payload.key)["Body"].read()
        except ClientError as exc:
            if exc.response["Error"]["Code"] not in NOT_THERE:
                raise
            raise PayloadGoneError(f"There is no {payload.key}.") from exc

    def url(self, payload: StoredPayload) -> str:
        return self._make_client().generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": payload.key}, ExpiresIn=URL_SECONDS
        )
