"""The routes of connections, datasets and uploads."""

from functools import cache

from stepcall.domain.access import NotGrantedError
from stepcall.domain.connection import DATASET_PATTERN, NAME_PATTERN, SqlEngine
from stepcall.runtime.http import InvalidRequestError
from stepcall.stores.connection_store import ConnectionExistsError, ConnectionNotFoundError, DatasetNotFoundError
from stepcall.use_cases.connection_errors import (
    ConnectionInUseError,
    DatasetRefusedError,
    DefaultConnectionError,
    ImportUnavailableError,
)
from stepcall.use_cases.sql_worker import SqlTimeoutError
from workflows_api.connection_requests import CONTENT_TYPES, JSON_TYPE, NamedFile, NewConnection
from workflows_api.describe.answer_schemas import TEXT, record, spelled, time
from workflows_api.describe.key_routes import without_titles
from workflows_api.describe.operations import LOCATION, NOT_READ, link, operation
from workflows_api.describe.parts import UUID, Json, answer, body_of, path_parameter, ref

TAG = "Connections"
UPLOAD_ID = r"upl_[0-9a-z]{25}"
COUNT: Json = {"type": "integer", "minimum": 0}
CONNECTION = path_parameter("connection", "The connection's name.", NAME_PATTERN.strip("^$"), "carto_dw")
DATASET = path_parameter("dataset", "The dataset's name.", DATASET_PATTERN.strip("^$"), "stores")
NO_CONNECTION = (ConnectionNotFoundError, NotGrantedError)
EXAMPLES: Json = {
    "empty": {"summary": "A place for datasets", "value": {"name": "sales", "location": "EU"}},
    "filled": {
        "summary": "With a file that was uploaded before",
        "value": {"name": "sales", "datasets": {"stores": "upl_03h9x0v1mh2j8c5d7k4q6s8tz"}},
    },
}
FILE_EXAMPLES: Json = {
    "upload": {
        "summary": "A file that was put where `POST /uploads` said",
        "value": {"upload_id": "upl_03h9x0v1mh2j8c5d7k4q6s8tz"},
    }
}
CONTENT: Json = {
    **{name: {"schema": {"type": "string", "minLength": 1}} for name in CONTENT_TYPES if name},
    **body_of(ref("NamedFile"), JSON_TYPE, examples=FILE_EXAMPLES),
}
NOT_IMPORTED = (DatasetRefusedError, SqlTimeoutError, ImportUnavailableError)
PUT_ERRORS = (InvalidRequestError, *NOT_READ, *NO_CONNECTION, *NOT_IMPORTED)
CONNECTION_PATHS: Json = {
    "/connections": {
        "get": operation(
            "listConnections",
            "Connections with their datasets, without columns, the default one first",
            {"200": answer("All of them.", ref("ConnectionList"))},
            tag=TAG,
        ),
        "post": operation(
            "createConnection",
            "Make a connection, and datasets on it",
            {
                "201": answer("Made.", ref("Connection"), {"Location": LOCATION})
                | {"links": {"read": link("getConnection", connection="name")}}
            },
            [InvalidRequestError, *NOT_READ, NotGrantedError, ConnectionExistsError, *NOT_IMPORTED],
            tag=TAG,
            body={"required": True, "content": body_of(ref("NewConnection"), examples=EXAMPLES)},
        ),
    },
    "/connections/{connection}": {
        "get": operation(
            "getConnection",
            "A connection with its datasets",
            {"200": answer("The connection.", ref("Connection"))},
            NO_CONNECTION,
            tag=TAG,
            parameters=[CONNECTION],
        ),
        "delete": operation(
            "deleteConnection",
            "Take a connection away, with its datasets",
            {"204": answer("Deleted.")},
            [*NO_CONNECTION, DefaultConnectionError, ConnectionInUseError],
            tag=TAG,
            parameters=[CONNECTION],
        ),
    },
    "/connections/{connection}/datasets/{dataset}": {
        "put": operation(
            "putDataset",
            "Make a file a dataset; the types of its columns are found out",
            {
                "200": answer("Put in place of the one of its name.", ref("Dataset")),
                "201": answer("Made.", ref("Dataset")),
            },
            PUT_ERRORS,
            tag=TAG,
            parameters=[CONNECTION, DATASET],
            body={
                "required": True,
                "description": "The content of a file, at most 5 MB; or, as JSON, where a larger one is.",
                "content": CONTENT,
            },
        ),
        "delete": operation(
            "deleteDataset",
            "Take a dataset away",
            {"204": answer("Deleted.")},
            [*NO_CONNECTION, DatasetNotFoundError],
            tag=TAG,
            parameters=[CONNECTION, DATASET],
        ),
    },
    "/uploads": {
        "post": operation(
            "openUpload",
            "A place to put a large file to; it is kept for a day",
            {"201": answer("Put the file there within an hour.", ref("Upload"))},
            [NotGrantedError],
            tag=TAG,
        ),
    },
}


@cache
def connection_schemas() -> Json:
    request = NewConnection.model_json_schema()
    engine = request["properties"]["engine"]
    request["properties"]["engine"] = {**request.pop("$defs")["SqlEngine"], "default": engine["default"]}
    return {
        "NewConnection": without_titles(request),
        "NamedFile": without_titles(NamedFile.model_json_schema()),
        "Connection": _connection("Dataset"),
        "ConnectionList": record(
            "Connections.", {"connections": {"type": "array", "minItems": 0, "items": ref("ListedConnection")}}
        ),
        "ListedConnection": _connection("ListedDataset"),
        "Dataset": _dataset({"columns": {"type": "array", "items": _column()}}),
        "ListedDataset": _dataset({}),
        "Upload": _upload(),
    }


def _connection(dataset: str) -> Json:
    return record(
        "A place that SQL runs on.",
        {
            "connectionId": spelled(UUID, "The connection's id, as jobs tell it."),
            "name": spelled(NAME_PATTERN.strip("^$"), "Its name, as it stands in the path of a job."),
            "engine": {"type": "string", "enum": list(SqlEngine), "description": "What runs its SQL."},
            "location": {"type": "string", "description": "What jobs tell of where the data lies."},
            "datasets": {"type": "array", "items": ref(dataset)},
        },
        {"created_at": time("When it was made; the default connection never was.")},
    )


def _column() -> Json:
    return record("A column.", {"name": TEXT, "type": {"type": "string", "description": "In BigQuery's words."}})


def _dataset(more: Json) -> Json:
    return record(
        "A table that queries of its connection may name.",
        {
            "name": spelled(DATASET_PATTERN.strip("^$"), "What queries call it."),
            "row_count": COUNT,
            "size": COUNT | {"description": "Bytes that it takes as Parquet."},
            "created_at": time("When it was put."),
            **more,
        },
    )


def _upload() -> Json:
    return record(
        "A place for a file.",
        {
            "upload_id": spelled(UPLOAD_ID, "What a dataset names it by."),
            "method": {"type": "string", "const": "PUT"},
            "url": {"type": "string", "format": "uri", "description": "Send the file there, without a key or token."},
            "expires_at": time("Until when it may be put."),
        },
    )
