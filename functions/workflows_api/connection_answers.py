"""How connections, datasets and uploads are shown."""

from collections.abc import Callable, Iterable
from typing import Any

from stepcall.domain.connection import ConnectionWithDatasets, Dataset
from stepcall.domain.times import print_time
from stepcall.use_cases.uploads import Upload

Json = dict[str, Any]


def print_dataset(dataset: Dataset) -> Json:
    columns = [{"name": column.name, "type": column.type} for column in dataset.columns]
    return print_listed_dataset(dataset) | {"columns": columns}


def print_listed_dataset(dataset: Dataset) -> Json:
    """Without its columns: those of all connections may be more than an answer holds."""
    return {
        "name": dataset.name,
        "row_count": dataset.row_count,
        "size": dataset.size,
        "created_at": print_time(dataset.created_at),
    }


def print_connection(found: ConnectionWithDatasets, print_dataset: Callable[[Dataset], Json] = print_dataset) -> Json:
    """The default connection, which nobody made, has no `created_at`."""
    connection = found.connection
    return {
        "connectionId": str(connection.connection_id),
        "name": connection.name,
        "engine": connection.engine.value,
        "location": connection.location,
        **({"created_at": print_time(connection.created_at)} if connection.created_at else {}),
        "datasets": [print_dataset(dataset) for dataset in found.datasets.values()],
    }


def print_connections(found: Iterable[ConnectionWithDatasets]) -> Json:
    return {"connections": [print_connection(each, print_listed_dataset) for each in found]}


def print_upload(upload: Upload) -> Json:
    return {
        "upload_id": upload.upload_id,
        "method": "PUT",
        "url": upload.url,
        "expires_at": print_time(upload.expires_at),
    }
