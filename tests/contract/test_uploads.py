"""What uploads do, in S3 and in the fake that use cases are tested with."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from stepcall.aws.uploads import BEGINNING, S3Uploads
from stepcall.domain.ids import read_upload_id, spell_execution
from stepcall.use_cases.uploads import UploadNotFoundError, Uploads
from tests.clock import Clock, new_ids
from tests.contract.conftest import AS_ON_AWS, BUCKET, nth_id

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


@pytest.mark.parametrize("size", [0, 1, BEGINNING, BEGINNING + 1, 100_000])
def test_what_was_put_is_found_by_its_id_with_its_first_bytes(uploads: Uploads, size: int) -> None:
    content = b"0123456789" * (size // 10 + 1)
    upload_id = uploads.put("acme", content[:size])
    found = uploads.find("acme", upload_id)
    assert found.key.startswith("uploads/acme/")
    assert found.beginning == content[:size][:BEGINNING]


def test_every_upload_has_an_id_and_a_key_of_its_own(uploads: Uploads) -> None:
    ids = [uploads.put("acme", b"") for _ in range(3)]
    assert len(set(ids)) == len({uploads.find("acme", upload_id).key for upload_id in ids}) == 3
    assert all(upload_id.startswith("upl_") for upload_id in ids)


def test_another_tenants_upload_is_not_there(uploads: Uploads) -> None:
    upload_id = uploads.put("acme", b"mine")
    for tenant in ("other", "", "acm", "acme/", "ACME"):
        with pytest.raises(UploadNotFoundError):
            uploads.find(tenant, upload_id)


@pytest.mark.parametrize("upload_id", ["", "upl_", "upl_zzz", "../acme/x", spell_execution(nth_id(1)), str(nth_id(1))])
def test_what_is_no_upload_is_not_there(uploads: Uploads, upload_id: str) -> None:
    uploads.put("acme", b"mine")
    with pytest.raises(UploadNotFoundError):
        uploads.find("acme", upload_id)


def test_a_place_is_signed_for_one_key_and_for_an_hour(clock: Clock) -> None:
    client = boto3.client("s3", region_name="us-east-1", config=AS_ON_AWS.merge(Config(signature_version="s3v4")))
    opened = S3Uploads(lambda: client, BUCKET, new_ids(clock), clock.now).open("acme")
    address = urlsplit(opened.url)
    assert address.path.endswith(f"/uploads/acme/{read_upload_id(opened.upload_id)}")
    assert parse_qs(address.query)["X-Amz-Expires"] == ["3600"]
    assert parse_qs(address.query)["X-Amz-SignedHeaders"] == ["host"]  # any content type may be sent
    assert opened.expires_at == clock.now() + timedelta(hours=1)


def test_a_place_that_nobody_has_put_a_file_to_is_no_upload(s3_uploads: S3Uploads, s3_client: "S3Client") -> None:
    opened = s3_uploads.open("acme")
    with pytest.raises(UploadNotFoundError):
        s3_uploads.find("acme", opened.upload_id)
    key = f"uploads/acme/{read_upload_id(opened.upload_id)}"
    s3_client.put_object(Bucket=BUCKET, Key=key, Body=b"PAR1")
    assert s3_uploads.find("acme", opened.upload_id) == (key, b"PAR1")


def test_what_is_discarded_is_marked_for_the_buckets_lifecycle(s3_uploads: S3Uploads, s3_client: "S3Client") -> None:
    s3_client.put_object(Bucket=BUCKET, Key="datasets/acme/x", Body=b"PAR1")
    for _ in range(2):
        s3_uploads.discard("datasets/acme/x")
    tags = s3_client.get_object_tagging(Bucket=BUCKET, Key="datasets/acme/x")["TagSet"]
    assert tags == [{"Key": "discarded", "Value": "true"}]


class Refusing:
    """S3 with an answer of its own to every GET."""

    def __init__(self, code: str) -> None:
        self._code = code

    def get_object(self, **_request: Any) -> None:
        raise ClientError({"Error": {"Code": self._code}}, "GetObject")


def refusing(code: str, clock: Clock) -> S3Uploads:
    client: Any = Refusing(code)
    return S3Uploads(lambda: client, BUCKET, new_ids(clock), clock.now)


UPLOAD_ID = "upl_" + "1" * 25


def test_what_may_not_be_listed_is_not_there_when_s3_denies_it(clock: Clock) -> None:
    with pytest.raises(UploadNotFoundError):
        refusing("AccessDenied", clock).find("acme", UPLOAD_ID)


def test_an_s3_that_is_down_is_not_taken_for_a_missing_upload(clock: Clock) -> None:
    with pytest.raises(ClientError, match="SlowDown"):
        refusing("SlowDown", clock).find("acme", UPLOAD_ID)
