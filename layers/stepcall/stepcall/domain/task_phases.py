"""Tasks that go on while nothing of ours runs: their worker is invoked before and after."""

from enum import StrEnum
from typing import NamedTuple


class TaskPhase(StrEnum):
    """The two invocations of the worker."""

    PREPARE = "prepare"
    COLLECT = "collect"


class PreparedQuery(NamedTuple):
    """What an implementation gives in the first: the name of a statement that is ready to be executed."""

    statement: str


class PreparedEach(NamedTuple):
    """For which elements a task is to be done, by their indexes: elements themselves stay in the run's records."""

    indexes: list[int]
    number: int


class QueryEnd(NamedTuple):
    """What came of it: the query's id there, or why there is none. `cause` may hold ARNs: nobody is shown it."""

    statement: str
    execution_id: str | None = None
    error: str | None = None
    cause: str = ""
