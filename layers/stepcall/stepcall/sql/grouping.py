"""Columns that stand beside an aggregate and have one value for each row, not one for all rows."""

from collections.abc import Callable, Iterator

from sqlglot import exp

from stepcall.sql.output_names import is_star


def find_ungrouped(select: exp.Select, is_own: Callable[[exp.Column], bool]) -> exp.Column | None:
    """The first in a SELECT without GROUP BY; `is_own` tells a column of its FROM from one of a query around it."""
    if select.args.get("group"):
        return None
    parts = [part for projection in select.expressions for part in _outside_aggregates(projection)]
    if not any(isinstance(part, exp.AggFunc) for part in parts):
        return None
    columns = (part for part in parts if isinstance(part, exp.Column) and not is_star(part))
    return next((column for column in columns if is_own(column)), None)


def _outside_aggregates(projection: exp.Expr) -> Iterator[exp.Expr]:
    """With the aggregates themselves; a window's are none."""
    return projection.walk(bfs=False, prune=lambda part: isinstance(part, exp.AggFunc | exp.Window | exp.Query))
