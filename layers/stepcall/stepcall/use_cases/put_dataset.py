"""Make a file a dataset of a connection: a table that its queries may name."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from stepcall.domain.access import Caller
from stepcall.domain.connection import DATASET_PATTERN, Column, Connection, Dataset
from stepcall.domain.errors import Problem, shorten
from stepcall.domain.json_text import write_json
from stepcall.domain.template import escape_pointer
from stepcall.use_cases.connection_errors import DatasetRefusedError, ImportUnavailableError
from stepcall.use_cases.dataset_files import DatasetFile, FoundFile, find_file
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.sql_worker import SqlRefusedError, SqlWorkerBusyError

MAX_COLUMNS_LENGTH = 64 * 1024
"""Of the names and types of a dataset's columns: several datasets are stored in one transaction of 4 MB."""
MAX_COLUMNS_LENGTH_OF_ALL = 1024 * 1024
"""Of a connection's datasets together: one answer of 6 MB shows them."""
MAX_DATASETS = 200
"""Of a connection."""


class PutDataset(NamedTuple):
    """`file` is what the request names, or the content that came with it, with its format if that was said."""

    connection: str
    dataset: str
    file: DatasetFile | bytes
    file_format: str | None = None


class StoredDataset(NamedTuple):
    """`is_new` tells whether there was none of its name."""

    dataset: Dataset
    is_new: bool


def put_dataset(command: PutDataset, caller: Caller, deps: FaceDependencies) -> StoredDataset:
    """Raises ConnectionNotFoundError, NotGrantedError, and what `import_datasets` raises."""
    caller.require_all_connections()
    before = deps.connections.get_with_datasets(caller.tenant, command.connection)
    problems = check_names([*before.datasets, command.dataset], only=command.dataset, parent="/dataset")
    others = [dataset for name, dataset in before.datasets.items() if name != command.dataset]
    if problems := problems or _check_number(others):
        raise DatasetRefusedError(problems)
    file = command.file
    if isinstance(file, bytes):
        file = DatasetFile(deps.uploads.put(caller.tenant, file), command.file_format, "")
    [dataset] = import_datasets({command.dataset: file}, before.connection, caller, deps)
    if sum(_length_of_columns(each.columns) for each in (*others, dataset)) > MAX_COLUMNS_LENGTH_OF_ALL:
        raise DatasetRefusedError([Problem("", "too_many_columns", TOO_MANY_COLUMNS)])
    deps.connections.put_dataset(caller.tenant, command.connection, dataset, deps.now())
    # once more, now that it is there: a run that began in between has read what was there before
    deps.connections.touch(caller.tenant, command.connection, deps.now())
    replaced = before.datasets.get(command.dataset)
    if replaced:
        deps.uploads.discard(replaced.key)
    deps.log("dataset_put", tenant=caller.tenant, connection=command.connection, dataset=dataset.name)
    return StoredDataset(dataset, replaced is None)


def import_datasets(
    files: Mapping[str, DatasetFile], connection: Connection, caller: Caller, deps: FaceDependencies
) -> list[Dataset]:
    """Raises DatasetRefusedError with the problems of all files, SqlTimeoutError, ImportUnavailableError."""
    found = {name: find_file(file, caller, deps) for name, file in files.items()}
    if problems := [each for each in found.values() if isinstance(each, Problem)]:
        raise DatasetRefusedError(problems)
    made = [_import(name, file, connection, deps) for name, file in found.items() if isinstance(file, FoundFile)]
    if problems := [each for each in made if isinstance(each, Problem)]:
        raise DatasetRefusedError(problems)
    return [each for each in made if isinstance(each, Dataset)]


def _import(name: str, file: FoundFile, connection: Connection, deps: FaceDependencies) -> Dataset | Problem:
    key = f"datasets/{connection.tenant}/{connection.connection_id}/{name}-{deps.new_id()}/part-0.parquet"
    try:
        table = deps.sql_worker.import_file(file.source, file.file_format, key)
    except SqlRefusedError as exc:
        return Problem(file.location, "unreadable_file", str(exc))
    except (EngineUnavailableError, SqlWorkerBusyError) as exc:
        raise ImportUnavailableError("The file was not imported.") from exc
    if _length_of_columns(table.columns) > MAX_COLUMNS_LENGTH:
        message = f"The names and types of the columns have more than {MAX_COLUMNS_LENGTH:,} characters together."
        return Problem(file.location, "too_many_columns", message)
    return Dataset(
        name=name,
        key=key,
        columns=tuple(table.columns),
        row_count=table.row_count,
        size=table.size,
        created_at=deps.now(),
    )


def _length_of_columns(columns: Iterable[Column]) -> int:
    return len(write_json([list(column) for column in columns]))


def _check_number(others: list[Dataset]) -> list[Problem]:
    if len(others) < MAX_DATASETS:
        return []
    message = f"A connection has at most {MAX_DATASETS} datasets: delete those that nobody queries, or make another."
    return [Problem("/dataset", "too_many_datasets", message)]


def check_names(names: list[str], *, parent: str, only: str | None = None) -> list[Problem]:
    """What is wrong with the names of a connection's datasets, or with that one among them: SQL folds their case."""
    folded = [name.casefold() for name in names]
    problems = []
    for name in names if only is None else [only]:
        location = parent if name == only else f"{parent}/{escape_pointer(name)}"
        if not re.fullmatch(DATASET_PATTERN, name):
            problems.append(Problem(location, "invalid_name", NAME_RULE))
        elif any(other != name and same == name.casefold() for other, same in zip(names, folded, strict=True)):
            message = f"There is another dataset of the name `{shorten(name)}` in upper or lower case; SQL sees one."
            problems.append(Problem(location, "duplicate_name", message))
    return problems


TOO_MANY_COLUMNS = (
    f"The names and types of the columns of all the connection's datasets have more than {MAX_COLUMNS_LENGTH_OF_ALL:,} "
    "characters together: put this one on another connection."
)
NAME_RULE = "A dataset's name has 1 to 63 letters, digits and underscores, and does not begin with a digit."
