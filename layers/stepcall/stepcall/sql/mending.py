"""What sqlglot 30 writes otherwise than BigQuery means it for either engine, and what bounds putting it right.

`mending_duckdb.py` and `mending_athena.py` have the rest.
"""

from collections.abc import Callable

from sqlglot import exp

from stepcall.sql.output_names import is_star

Mend = Callable[[exp.Expr], exp.Expr]
MAX_GROWTH = 20
"""How often as much as there was may be written again."""


class TooLargeError(Exception):
    """The query would become too large."""


class Budget:
    """How much may still be written twice: what is nested would double with each nest."""

    def __init__(self, size: int) -> None:
        self._left = size

    def spend(self, node: exp.Expr) -> None:
        """Raises TooLargeError."""
        self._left -= sum(1 for _ in node.walk())
        if self._left < 0:
            raise TooLargeError


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def mend_groups(tree: exp.Query) -> None:
    """In GROUP BY a name is the SELECT's before it is a table's: its number says so to the engines."""
    for select in tree.find_all(exp.Select):
        given = {column.alias.casefold(): place for place, column in enumerate(select.expressions, start=1)}
        group = select.args.get("group")
        for key in group.expressions if group and not any(map(is_star, select.expressions)) else ():
            place = given.get(key.name.casefold()) if isinstance(key, exp.Column) and not key.table else None
            if place and select.expressions[place - 1].this != key:
                key.replace(exp.Literal.number(place))


def mend_literal(node: exp.Expr) -> exp.Expr:
    """`2.5` is FLOAT64 in BigQuery and a decimal in DuckDB."""
    text = node.name
    if node.args.get("is_string") or "." not in text or "e" in text.lower():
        return node
    whole, _, fraction = text.partition(".")
    node.set("this", f"{whole or '0'}.{fraction or '0'}e0")
    return node


def mend_substring(node: exp.Expr) -> exp.Expr:
    """A position off the left end, as 0 is, is position 1."""
    start = node.args.get("start")
    if start is None or (isinstance(start, exp.Literal) and start.name != "0"):
        return node
    is_zero = exp.EQ(this=exp.Paren(this=start.copy()), expression=exp.Literal.number(0))
    length = exp.Neg(this=call("LENGTH", node.this.copy()))
    is_before = exp.LT(this=exp.Paren(this=start.copy()), expression=length)
    is_off = is_zero if isinstance(start, exp.Literal) else exp.Or(this=is_zero, expression=is_before)
    node.set("start", exp.Case(ifs=[exp.If(this=is_off, true=exp.Literal.number(1))], default=start.copy()))
    return node


def mend_like(node: exp.Expr) -> exp.Expr:
    r"""In BigQuery's patterns `\` takes its meaning from what follows it."""
    pattern = node.expression
    is_plain = isinstance(pattern, exp.Literal | exp.RawString) and "\\" not in pattern.name
    if is_plain or isinstance(node.parent, exp.Escape):
        return node
    return exp.Escape(this=node, expression=exp.Literal.string("\\"))


def without_nulls(aggregate: exp.Expr, inner: exp.Expr) -> exp.Expr:
    """`inner` is what it aggregates, with DISTINCT and ORDER BY."""
    while isinstance(inner, exp.Order | exp.Distinct | exp.Limit):
        inner = inner.expressions[0] if isinstance(inner, exp.Distinct) else inner.this
    present = exp.Not(this=exp.Is(this=inner.copy(), expression=exp.Null()))
    return exp.Filter(this=aggregate, expression=exp.Where(this=present))


def mend_arithmetic(node: exp.Expr) -> exp.Expr:
    """What is written with few digits is INT32 in both, and soon too small for what is made of it."""
    is_sum = isinstance(node, exp.Add | exp.Sub)
    if _is_whole(node.this) and (not is_sum or _is_whole(node.expression)):  # a DATE takes INT32 only
        node.set("this", _cast(node.this, exp.DType.BIGINT))
    elif _is_whole(node.expression) and isinstance(node, exp.Mul):
        node.set("expression", _cast(node.expression, exp.DType.BIGINT))
    return node


def _is_whole(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit()


def narrow_argument(key: str) -> Mend:
    """An argument that both take as INT32 only: whole numbers of columns have 64 bits."""

    def narrow(node: exp.Expr) -> exp.Expr:
        given = node.args.get(key)
        if given is not None and not isinstance(given, exp.Literal):
            node.set(key, _cast(given, exp.DType.INT))
        return node

    return narrow


def _cast(node: exp.Expr, kind: exp.DType) -> exp.Expr:
    return exp.Cast(this=node, to=exp.DataType.build(kind))
