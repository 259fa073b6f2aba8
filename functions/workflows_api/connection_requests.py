"""What the routes of connections and datasets take. Imported when they are called: a cold start has no time for it."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from stepcall.domain.connection import DATASET_PATTERN, DEFAULT_LOCATION, NAME_PATTERN, SqlEngine
from stepcall.domain.errors import Problem, shorten
from stepcall.domain.json_text import MalformedJsonError, read_json
from stepcall.domain.template import escape_pointer
from stepcall.runtime.http import InvalidRequestError, headers, read_bytes, read_model
from stepcall.stores.connection_store import DatasetNotFoundError, read_connection_name
from stepcall.use_cases.create_connection import CreateConnection
from stepcall.use_cases.dataset_files import CSV, NDJSON, PARQUET, DatasetFile, detect_format
from stepcall.use_cases.put_dataset import PutDataset

MAX_CONTENT_BYTES = 5_000_000
UPLOAD_INSTEAD = " `POST /uploads` takes a larger file: send its `upload_id` as JSON in place of the content."
MAX_NEW_DATASETS = 10
MAX_NAMED_FILE_BYTES = 16 * 1024
FILE_KEYS = frozenset({"upload_id", "s3"})
JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"
CHARSET = re.compile(r""";\s*charset\s*=\s*"?([^";\s]*)""")
CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
CONTENT_TYPES: Mapping[str, str | None] = {
    "text/csv": CSV,
    "application/x-ndjson": NDJSON,
    "application/jsonl": NDJSON,
    "application/vnd.apache.parquet": PARQUET,
    "application/octet-stream": None,
    "": None,
}
"""The format that a content type tells; None for those that tell none, and the content does."""
PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
Source = Annotated[str, Field(min_length=1, max_length=1100)]
Format = Literal["csv", "ndjson", "parquet"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class NewConnection(_Strict):
    """`POST /connections`."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    engine: Annotated[SqlEngine, Field(strict=False)] = SqlEngine.DUCKDB
    location: Annotated[str, Field(min_length=1, max_length=64, pattern=PRINTABLE)] = DEFAULT_LOCATION
    datasets: Annotated[dict[str, Source], Field(max_length=MAX_NEW_DATASETS)] = {}


class NamedFile(_Strict):
    """`PUT /connections/{name}/datasets/{dataset}` of a file that is elsewhere: one of `upload_id` and `s3`."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["upload_id"]}, {"required": ["s3"]}]})

    upload_id: Source | None = None
    s3: Annotated[Source, Field(pattern="^s3://")] | None = None
    format: Format | None = None

    @model_validator(mode="after")
    def _refuse_both_and_none(self) -> "NamedFile":
        if (self.upload_id is None) is (self.s3 is None):
            raise PydanticCustomError("one_source", "This must name one file, by `upload_id` or by `s3`.")
        return self


def read_new_connection(body: Any) -> CreateConnection:
    """Raises InvalidRequestError with every problem."""
    said = read_model(body, NewConnection)
    files = {
        name: DatasetFile(source, None, f"/datasets/{escape_pointer(name)}") for name, source in said.datasets.items()
    }
    return CreateConnection(said.name, said.engine, said.location, files)


def read_dataset_name(text: str) -> str:
    """Raises DatasetNotFoundError for what no dataset can be called."""
    if not re.fullmatch(DATASET_PATTERN, text):
        raise DatasetNotFoundError("No dataset can have this name.")
    return text


def read_put_dataset(app: APIGatewayHttpResolver, name: str, dataset: str) -> PutDataset:
    """Raises ConnectionNotFoundError, InvalidRequestError, BodyTooLargeError, MalformedJsonError."""
    connection, content_type = read_connection_name(name), _content_type(app)
    content = read_bytes(app, MAX_CONTENT_BYTES, UPLOAD_INSTEAD)
    if content_type == JSON_TYPE or (not content_type and _names_file(content)):
        return PutDataset(connection, dataset, _read_named_file(content))
    if not content:
        raise _invalid("", "missing", "The request has no body: send the file's content, or name a file as JSON.")
    return PutDataset(connection, dataset, content, CONTENT_TYPES[content_type] or detect_format(content))


def _content_type(app: APIGatewayHttpResolver) -> str:
    """Raises InvalidRequestError for one that is not taken."""
    sent = headers(app).get("content-type", "").lower()
    content_type = sent.partition(";")[0].strip()
    if content_type != JSON_TYPE and content_type not in CONTENT_TYPES:
        raise _invalid("/content-type", "unknown_type", _advise_on_type(content_type))
    charset = CHARSET.search(sent)
    if charset and charset[1] not in CHARSETS:
        raise _invalid("/content-type", "unknown_charset", "A dataset's text is sent in UTF-8, and in nothing else.")
    return content_type


def _advise_on_type(content_type: str) -> str:
    advice = " curl adds that one by itself: say `-H 'content-type: text/csv'`." if content_type == FORM_TYPE else ""
    taken = ", ".join([*filter(None, CONTENT_TYPES), JSON_TYPE])
    return f"A dataset is sent as one of {taken}, and this is {shorten(content_type)}.{advice}"


def _names_file(content: bytes) -> bool:
    """Whether a content of no type is one that names a file, as JSON: a table of that one row would be of no use."""
    if len(content) > MAX_NAMED_FILE_BYTES or not content.lstrip().startswith(b"{"):
        return False
    try:
        said = read_json(content)
    except MalformedJsonError:
        return False  # lines of JSON, or none
    return isinstance(said, dict) and not FILE_KEYS.isdisjoint(said)


def _read_named_file(content: bytes) -> DatasetFile:
    said = read_model(read_json(content), NamedFile)
    if said.s3 is not None:
        return DatasetFile(said.s3, said.format, "/s3")
    return DatasetFile(said.upload_id or "", said.format, "/upload_id")


def _invalid(location: str, code: str, message: str) -> InvalidRequestError:
    return InvalidRequestError("The request is not valid.", [Problem(location, code, message)])
