"""Files that datasets are made of: where one is, and of which format."""

import re
from typing import NamedTuple

from stepcall.domain.access import Caller
from stepcall.domain.errors import Problem, list_names
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.uploads import UploadNotFoundError

PARQUET, NDJSON, CSV = "parquet", "ndjson", "csv"
FORMATS = (CSV, NDJSON, PARQUET)
EXTENSIONS = {"csv": CSV, "ndjson": NDJSON, "jsonl": NDJSON, "parquet": PARQUET}
PARQUET_MAGIC = b"PAR1"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
S3_ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.{1,1024})", re.DOTALL)
S3_SCHEME = "s3://"


class DatasetFile(NamedTuple):
    """What a caller says of a file: the id of an upload or `s3://bucket/key`, its format if it said that, and where it
    said so (a JSON Pointer into the request)."""

    source: str
    file_format: str | None
    location: str


class FoundFile(NamedTuple):
    """A file that can be imported: `source` and `file_format` are what SqlWorker.import_file takes."""

    source: str
    file_format: str
    location: str


def find_file(file: DatasetFile, caller: Caller, deps: FaceDependencies) -> FoundFile | Problem:
    """The file, or what is wrong with what the caller says of it."""
    if file.source.startswith(S3_SCHEME):
        return _find_in_s3(file, deps.dataset_buckets)
    try:
        found = deps.uploads.find(caller.tenant, file.source)
    except UploadNotFoundError:
        message = (
            "There is no upload of this id; uploads are kept for a day. `POST /uploads` answers with an id and the "
            "address to put the file to."
        )
        return Problem(file.location, "unknown_upload", message)
    return FoundFile(found.key, file.file_format or detect_format(found.beginning), file.location)


def _find_in_s3(file: DatasetFile, buckets: frozenset[str]) -> FoundFile | Problem:
    address = S3_ADDRESS.fullmatch(file.source)
    if address is None:
        return Problem(file.location, "invalid_value", "This must be an object's address, `s3://bucket/key`.")
    if address[1] not in buckets:
        return Problem(file.location, "unknown_bucket", _advise_on_buckets(buckets))
    file_format = file.file_format or EXTENSIONS.get(address[2].rpartition(".")[2].lower())
    if file_format is None:
        message = f"The name does not tell the file's format; say it: `format` may be {', '.join(FORMATS)}."
        return Problem(file.location, "unknown_format", message)
    return FoundFile(file.source, file_format, file.location)


def _advise_on_buckets(buckets: frozenset[str]) -> str:
    others = f"of other buckets than {list_names(sorted(buckets))}" if buckets else "of buckets"
    return f"Objects {others} are not imported in this deployment; `POST /uploads` takes the file instead."


def detect_format(beginning: bytes) -> str:
    """By a file's first bytes: what is neither Parquet nor objects of JSON is CSV."""
    if beginning.startswith(PARQUET_MAGIC):
        return PARQUET
    return NDJSON if beginning.removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"{") else CSV
