"""Places in the text of a query, as people count them."""

from dataclasses import dataclass

from sqlglot import exp

from stepcall.sql.faults import SqlCode, SqlError


@dataclass(frozen=True, slots=True)
class SourceText:
    """A query as it was written."""

    text: str

    def fault(self, message: str, offset: int, code: SqlCode = SqlCode.INVALID) -> SqlError:
        """A fault of what begins at that character."""
        line_start = self.text.rfind("\n", 0, offset) + 1
        return SqlError(message, self.text.count("\n", 0, offset) + 1, offset - line_start + 1, code)

    def fault_of(self, node: exp.Expr, message: str, code: SqlCode = SqlCode.INVALID) -> SqlError:
        return self.fault(message, offset_of(node), code)

    def written(self, node: exp.Expr) -> str:
        """The word that stands where a node begins, such as a function's name; empty when nobody knows where."""
        start, end = node.meta.get("start"), node.meta.get("end")
        return self.text[start : end + 1] if isinstance(start, int) and isinstance(end, int) else ""


def offset_of(node: exp.Expr) -> int:
    """Where a node begins: sqlglot marks names, literals and functions, so that others begin where their first does.

    What has none of these is placed by what holds it.
    """
    current: exp.Expr | None = node
    while current is not None:
        starts = [start for part in current.walk() if isinstance(start := part.meta.get("start"), int)]
        if starts:
            return min(starts)
        current = current.parent
    return 0
