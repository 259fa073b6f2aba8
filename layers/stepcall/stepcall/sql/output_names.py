"""Names for the columns of a result: those without one are `f0_`, `f1_`, … in BigQuery."""

from functools import partial
from itertools import count

from sqlglot import exp

from stepcall.sql.replacing import replace_by


def name_outputs(tree: exp.Query) -> None:
    """Name the columns of every SELECT as it writes them, in place; the rows of a SELECT AS STRUCT are its fields."""
    for select in tree.find_all(exp.Select):
        numbers = count()
        for column in select.expressions:
            if not isinstance(column, exp.Alias) and not is_star(column):
                alias = _own_name(column) or exp.to_identifier(f"f{next(numbers)}_")
                replace_by(column, partial(_name, alias))
    for select in outermost(tree):
        if select.args.get("kind") == "STRUCT":
            select.set("kind", None)


def _name(alias: exp.Identifier, column: exp.Expr) -> exp.Expr:
    return exp.Alias(this=column, alias=alias)


def outermost(tree: exp.Expr) -> list[exp.Select]:
    """The SELECTs whose rows are the query's rows."""
    match tree:
        case exp.Select():
            return [tree]
        case exp.Subquery():
            return outermost(tree.this)
        case exp.SetOperation():
            return [*outermost(tree.this), *outermost(tree.expression)]
    return []


def is_star(column: exp.Expr) -> bool:
    """Whether it stands for several columns: `*`, `t.*`, `t.a.*`."""
    last = (
        column.expression if isinstance(column, exp.Dot) else column.this if isinstance(column, exp.Column) else column
    )
    return isinstance(last, exp.Star)


def _own_name(column: exp.Expr) -> exp.Identifier | None:
    last = column.expression if isinstance(column, exp.Dot) else column.this if isinstance(column, exp.Column) else None
    return last.copy() if isinstance(last, exp.Identifier) else None
