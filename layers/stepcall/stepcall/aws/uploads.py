"""Uploads in S3: files that callers bring, under `uploads/` in the data bucket, whose lifecycle ends them in a day.

It ends objects with the tag `discarded` too: what was made of them, and is named no more.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from botocore.exceptions import ClientError

from stepcall.aws.outputs import NOT_THERE
from stepcall.domain.ids import MalformedIdError, read_upload_id, spell_upload
from stepcall.use_cases.uploads import Upload, UploadedFile, UploadNotFoundError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import TaggingTypeDef

LIFE = timedelta(hours=1)
PREFIX = "uploads/"
BEGINNING = 512
EMPTY = "InvalidRange"


class S3Uploads:
    """See Uploads. The client is made at the first upload: most processes see none, and it is slow to make."""

    def __init__(
        self,
        make_client: "Callable[[], S3Client]",
        bucket: str,
        new_id: Callable[[], UUID],
        now: Callable[[], datetime],
    ) -> None:
        self._make_client = make_client
        self._bucket = bucket
        self._new_id = new_id
        self._now = now

    def open(self, tenant: str) -> Upload:
        upload_id, expires_at = self._new_id(), self._now() + LIFE
        url = self._make_client().generate_presigned_url(
            "put_object",
            Params={"Bucket": self._bucket, "Key": _key(tenant, upload_id)},
            ExpiresIn=int(LIFE.total_seconds()),
        )
        return Upload(spell_upload(upload_id), url, expires_at)

    def put(self, tenant: str, content: bytes) -> str:
        upload_id = self._new_id()
        self._make_client().put_object(Bucket=self._bucket, Key=_key(tenant, upload_id), Body=content)
        return spell_upload(upload_id)

    def find(self, tenant: str, upload_id: str) -> UploadedFile:
        try:
            key = _key(tenant, read_upload_id(upload_id))
            found = self._make_client().get_object(Bucket=self._bucket, Key=key, Range=f"bytes=0-{BEGINNING - 1}")
        except MalformedIdError as exc:
            raise UploadNotFoundError("There is no upload of this id.") from exc
        except ClientError as exc:
            if exc.response["Error"]["Code"] == EMPTY:
                return UploadedFile(key, b"")
            if exc.response["Error"]["Code"] not in NOT_THERE:
                raise
            raise UploadNotFoundError("There is no upload of this id.") from exc
        return UploadedFile(key, found["Body"].read())

    def discard(self, key: str) -> None:
        self._make_client().put_object_tagging(Bucket=self._bucket, Key=key, Tagging=_tags(discarded="true"))


def _tags(**tags: str) -> "TaggingTypeDef":
    return {"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]}


def _key(tenant: str, upload_id: UUID) -> str:
    return f"{PREFIX}{tenant}/{upload_id}"
