"""Tables in the bucket: written and read as streams, whatever their size."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from stepcall.aws.tables import PART_BYTES, ObjectGoneError, ObjectTooLargeError, TableObject, TableObjects
from tests.contract.conftest import BUCKET

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

KEY = "workflows_temp/run/task-1/part-0.parquet"


@pytest.fixture
def objects(s3_client: "S3Client") -> Iterator[TableObjects]:
    with mock_aws():
        s3_client.create_bucket(Bucket=BUCKET)
        yield TableObjects(lambda: s3_client, BUCKET)


def file_of(folder: Path, size: int) -> Path:
    path = folder / f"{size}.parquet"
    with path.open("wb") as file:
        file.truncate(size)
        file.write(b"first")
    return path


@pytest.mark.parametrize("size", [5, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES])
def test_a_file_is_read_as_it_was_stored(objects: TableObjects, tmp_path: Path, size: int) -> None:
    path, copy = file_of(tmp_path, size), tmp_path / "copy"
    objects.store(path, KEY)
    assert objects.list("workflows_temp/run/task-1/") == [TableObject(KEY, size)]
    assert objects.fetch(KEY, copy, size) == size
    assert copy.read_bytes() == path.read_bytes()


def test_a_table_is_all_objects_whose_keys_begin_so(
    objects: TableObjects, s3_client: "S3Client", tmp_path: Path
) -> None:
    for name in ("a/0", "a/1", "b/0"):
        objects.store(file_of(tmp_path, 9), f"datasets/{name}")
    s3_client.put_object(Bucket=BUCKET, Key="datasets/a/empty", Body=b"")
    assert [found.key for found in objects.list("datasets/a/")] == ["datasets/a/0", "datasets/a/1"]
    assert objects.list("datasets/c/") == []


def test_a_table_of_more_objects_than_a_page_is_whole(
    objects: TableObjects, s3_client: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1001):
        s3_client.put_object(Bucket=BUCKET, Key=f"datasets/a/{number}", Body=b"x")
    assert len(objects.list("datasets/a/")) == 1001


def test_an_object_that_is_not_there_is_gone(objects: TableObjects, tmp_path: Path) -> None:
    with pytest.raises(ObjectGoneError):
        objects.fetch(KEY, tmp_path / "copy", 100)


def test_an_object_that_is_too_large_is_not_read(objects: TableObjects, tmp_path: Path) -> None:
    objects.store(file_of(tmp_path, 101), KEY)
    with pytest.raises(ObjectTooLargeError) as caught:
        objects.fetch(KEY, tmp_path / "copy", 100)
    assert caught.value.size == 101
    assert (tmp_path / "copy").stat().st_size == 0


def test_an_upload_that_fails_leaves_no_object(
    s3_client: "S3Client", objects: TableObjects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "InternalError", "Message": ""}}, "UploadPart")

    with monkeypatch.context() as patch:
        patch.setattr(s3_client, "upload_part", refuse)
        with pytest.raises(ClientError):
            objects.store(file_of(tmp_path, PART_BYTES + 1), KEY)
    assert objects.list("workflows_temp/") == []
