"""The port to a service that runs queries by itself, over tables that lie in the data bucket: Athena."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from stepcall.domain.connection import Column
from stepcall.domain.errors import StepcallError


class QueryOutcome(NamedTuple):
    """How a query ended. `reason` is the service's own text, which may hold places of its own: nobody is shown it."""

    succeeded: bool
    reason: str = ""
    is_users_fault: bool = False
    was_stopped: bool = False


class StatementRefusedError(StepcallError):
    """The service does not keep the statement, and says why in words of its own."""


class UnknownTypeError(StepcallError):
    """The service has no columns of a type; the message says which."""


class QueryService(Protocol):
    def location(self, prefix: str) -> str:
        """Where the objects of the data bucket are whose keys begin so, as the service says it."""

    def qualified(self, table: str) -> str:
        """A table's name as a query says it: of letters, digits and underscores, so without quotes."""

    def put_table(self, table: str, prefix: str, columns: Sequence[Column]) -> None:
        """Make the Parquet objects below a prefix a table; one of this name is that one already.

        Raises UnknownTypeError.
        """

    def columns_of(self, table: str) -> tuple[Column, ...]:
        """The columns of a table, with BigQuery's types."""

    def prepare(self, statement: str, sql: str) -> None:
        """Keep a statement under a name; the same one under it is fine. Raises StatementRefusedError."""

    def forget(self, statement: str) -> None:
        """One that is not there is fine."""

    def outcome(self, execution_id: str) -> QueryOutcome:
        """How an execution of a statement ended."""
