"""What the routes of connections and datasets take. Imported when they are called: a cold start has no time for it."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from stepcall.domain.connection import DATASET_PATTERN, DEFAULT_LOCATION, NAME_PATTERN, SqlEngine
from stepcall.domain.errors import Problem
from stepcall.domain.json_text import read_json
from stepcall.domain.template import escape_pointer
from stepcall.runtime.http import InvalidRequestError, headers, read_bytes, read_model
from stepcall.stores.connection_store import ConnectionNotFoundError, DatasetNotFoundError
from stepcall.use_cases.create_connection import CreateConnection
from stepcall.use_cases.dataset_files import CSV, NDJSON, PARQUET, DatasetFile, detect_format
from stepcall.use_cases.put_dataset import PutDataset

MAX_CONTENT_BYTES = 5_000_000
UPLOAD_INSTEAD = " `POST /uploads` takes a larger file: send its `upload_id` as JSON in place of the content."
MAX_NEW_DATASETS = 10
JSON_TYPE = "application/json"
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


def read_connection_name(text: str) -> str:
    """Raises ConnectionNotFoundError for what no connection can be called."""
    if not re.fullmatch(NAME_PATTERN, text):
        raise ConnectionNotFoundError("No connection can have this name.")
    return text


def read_dataset_name(text: str) -> str:
    """Raises DatasetNotFoundError for what no dataset can be called."""
    if not re.fullmatch(DATASET_PATTERN, text):
        raise DatasetNotFoundError("No dataset can have this name.")
    return text


def read_put_dataset(app: APIGatewayHttpResolver, name: str, dataset: str) -> PutDataset:
    """Raises ConnectionNotFoundError, InvalidRequestError, BodyTooLargeError, MalformedJsonError."""
    connection, content_type = read_connection_name(name), _content_type(app)
    content = read_bytes(app, MAX_CONTENT_BYTES, UPLOAD_INSTEAD)
    if content_type == JSON_TYPE:
        return PutDataset(connection, dataset, _read_named_file(content))
    if content_type not in CONTENT_TYPES:
        taken = ", ".join([*filter(None, CONTENT_TYPES), JSON_TYPE])
        raise _invalid("/content-type", "unknown_type", f"A dataset is sent as one of {taken}.")
    if not content:
        raise _invalid("", "missing", "The request has no body: send the file's content, or name a file as JSON.")
    return PutDataset(connection, dataset, content, CONTENT_TYPES[content_type] or detect_format(content))


def _content_type(app: APIGatewayHttpResolver) -> str:
    return headers(app).get("content-type", "").partition(";")[0].strip().lower()


def _read_named_file(content: bytes) -> DatasetFile:
    said = read_model(read_json(content), NamedFile)
    if said.s3 is not None:
        return DatasetFile(said.s3, said.format, "/s3")
    return DatasetFile(said.upload_id or "", said.format, "/upload_id")


def _invalid(location: str, code: str, message: str) -> InvalidRequestError:
    return InvalidRequestError("The request is not valid.", [Problem(location, code, message)])
