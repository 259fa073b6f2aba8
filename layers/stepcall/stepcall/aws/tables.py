"""Tables as Parquet objects of the data bucket, and files that tables are made of: read and written as streams."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from stepcall.aws.outputs import NOT_THERE
from stepcall.domain.errors import StepcallError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef

CHUNK_BYTES = 1024 * 1024
PART_BYTES = 16 * 1024 * 1024
"""What is larger is uploaded in parts of this size: of one, 10,000 are allowed, and the smallest is 5 MB."""
FOOTER_BYTES = 64 * 1024
"""Of a Parquet object: as much is read at first, which is mostly enough."""
CONTENT_TYPE = "application/vnd.apache.parquet"
NO_OBJECT = NOT_THERE | {"NoSuchBucket"}


class TableObject(NamedTuple):
    key: str
    size: int


class ObjectGoneError(StepcallError):
    """There is no such object, or it may not be read."""


class ObjectTooLargeError(StepcallError):
    """The object has more bytes than it may have here."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"The object has {size:,} bytes; {limit:,} is the most.")
        self.size = size


class TableObjects:
    """The client is made when first needed."""

    def __init__(self, make_client: "Callable[[], S3Client]", bucket: str) -> None:
        self._make_client = make_client
        self._bucket = bucket

    def list(self, prefix: str) -> list[TableObject]:
        """The objects of a table, whose keys begin so, without those that are empty."""
        pages = self._make_client().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        found = (TableObject(entry["Key"], entry["Size"]) for page in pages for entry in page.get("Contents", ()))
        return [each for each in found if each.size]

    def fetch(self, key: str, path: Path, max_bytes: int, bucket: str | None = None) -> int:
        """Write an object to a file; its size. Raises ObjectGoneError, and ObjectTooLargeError before it is read."""
        try:
            answer = self._make_client().get_object(Bucket=bucket or self._bucket, Key=key)
        except ClientError as exc:
            if exc.response["Error"]["Code"] not in NO_OBJECT:
                raise
            raise ObjectGoneError("There is no such object.") from exc
        with answer["Body"] as body, path.open("wb") as file:
            if answer["ContentLength"] > max_bytes:
                raise ObjectTooLargeError(answer["ContentLength"], max_bytes)
            shutil.copyfileobj(body, file, CHUNK_BYTES)
        return answer["ContentLength"]

    def fetch_footer(self, found: TableObject, path: Path, first_bytes: int = FOOTER_BYTES) -> None:
        """Make a file of the object's size with its Parquet footer at the end and nothing before: rows can be counted.

        Raises ObjectGoneError.
        """
        end = self._read_end(found, first_bytes)
        needed = int.from_bytes(end[-8:-4], "little") + 8  # the footer's length, and what tells of it
        if needed > len(end):
            end = self._read_end(found, needed)
        with path.open("wb") as file:
            file.truncate(found.size)
            file.seek(found.size - len(end))
            file.write(end)

    def store(self, path: Path, key: str) -> None:
        """Make a file an object."""
        if path.stat().st_size > PART_BYTES:
            self._store_in_parts(path, key)
            return
        with path.open("rb") as file:
            self._make_client().put_object(Bucket=self._bucket, Key=key, Body=file, ContentType=CONTENT_TYPE)

    def _read_end(self, found: TableObject, length: int) -> bytes:
        start = max(found.size - length, 0)
        try:
            answer = self._make_client().get_object(Bucket=self._bucket, Key=found.key, Range=f"bytes={start}-")
        except ClientError as exc:
            if exc.response["Error"]["Code"] not in NO_OBJECT:
                raise
            raise ObjectGoneError("There is no such object.") from exc
        with answer["Body"] as body:
            return body.read()

    def _store_in_parts(self, path: Path, key: str) -> None:
        client = self._make_client()
        target: dict[str, Any] = {"Bucket": self._bucket, "Key": key}
        target["UploadId"] = client.create_multipart_upload(**target, ContentType=CONTENT_TYPE)["UploadId"]
        # one that is not completed is no object, and the bucket's lifecycle takes its parts away after a day
        parts = self._store_parts(path, target)
        client.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})

    def _store_parts(self, path: Path, target: dict[str, Any]) -> "Sequence[CompletedPartTypeDef]":
        parts: list[CompletedPartTypeDef] = []
        with path.open("rb") as file:
            while content := file.read(PART_BYTES):
                number = len(parts) + 1
                answer = self._make_client().upload_part(**target, PartNumber=number, Body=content)
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        return parts
