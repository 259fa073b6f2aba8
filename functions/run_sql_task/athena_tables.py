"""The tables of a query, as Athena's catalogue knows them.

A result is there since the query that made it. A dataset becomes a table of the catalogue with the first query that
names it, under a name made of its object's key: what was put in its place later is another table.
"""

import hashlib
from collections.abc import Mapping

from stepcall.domain.connection import Dataset
from stepcall.domain.errors import ErrorReason, PermanentTaskError, shorten
from stepcall.domain.run_table import RunTable
from stepcall.use_cases.query_service import QueryService, UnknownTypeError


def catalogued(tables: Mapping[str, RunTable | Dataset], service: QueryService) -> dict[str, str]:
    """The qualified name of each. Raises PermanentTaskError."""
    return {
        name: service.qualified(table.name if isinstance(table, RunTable) else _put(name, table, service))
        for name, table in tables.items()
    }


def _put(name: str, dataset: Dataset, service: QueryService) -> str:
    table = f"dataset_{hashlib.sha256(dataset.key.encode()).hexdigest()[:32]}"
    folder = dataset.key.rpartition("/")[0]  # Athena reads folders
    try:
        service.put_table(table, f"{folder}/", dataset.columns)
    except UnknownTypeError as exc:
        message = f"The dataset `{shorten(name)}` cannot be read on Athena. {exc}"
        raise PermanentTaskError(ErrorReason.INVALID_QUERY, message) from exc
    return table
