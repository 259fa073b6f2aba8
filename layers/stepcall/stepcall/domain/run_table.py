"""Tables that tasks of a run have written: their names, which templates hand on, and where they lie in the bucket.

A name is taken apart without a lookup, so that a query can be held to tables of its own run.
"""

import re
from dataclasses import dataclass
from uuid import UUID

from stepcall.domain.errors import StepcallError

FOLDER = "workflows_temp/"
"""Of the data bucket: its lifecycle ends what is below it after 30 days."""
PART = "part-0.parquet"
MARK_LENGTH = 12
NAME = re.compile(rf"run_([0-9a-f]{{32}})_([0-9a-f]{{{MARK_LENGTH}}})_([A-Za-z_][A-Za-z0-9_]*)")


class NotARunTableError(StepcallError):
    """The text is no name of a table that a task has written."""


@dataclass(frozen=True, slots=True)
class RunTable:
    """`mark` tells apart what two attempts at one task have written: 12 hexadecimal digits."""

    run_id: UUID
    ref: str
    mark: str

    @property
    def name(self) -> str:
        return f"run_{self.run_id.hex}_{self.mark}_{self.ref}"

    @property
    def prefix(self) -> str:
        """With what the keys of its objects begin."""
        return f"{FOLDER}{self.run_id}/{self.ref}-{self.mark}/"

    @property
    def key(self) -> str:
        """Of its one object, where it has one."""
        return f"{self.prefix}{PART}"


def new_run_table(run_id: UUID, ref: str, new_id: UUID) -> RunTable:
    """A table of its own for one attempt: `new_id` is any new UUIDv7, which ends at random."""
    return RunTable(run_id, ref, new_id.hex[-MARK_LENGTH:])


def read_run_table(name: str) -> RunTable:
    """The table of that name. Raises NotARunTableError."""
    found = NAME.fullmatch(name)
    if not found:
        raise NotARunTableError("This is no name of a table that a task has written.")
    run_id, mark, ref = found.groups()
    return RunTable(UUID(hex=run_id), ref, mark)
