"""What sqlglot 30 writes otherwise for DuckDB than BigQuery means it, put right before it writes.

Each function takes a part of the tree and gives what stands for it. The expressions and what they must give in DuckDB
are in tests/contract/test_sql_in_duckdb.py.
"""

from collections.abc import Callable

from sqlglot import exp

from stepcall.sql.mending import (
    MAX_GROWTH,
    Budget,
    Mend,
    call,
    mend_arithmetic,
    mend_groups,
    mend_like,
    mend_literal,
    mend_substring,
    narrow_argument,
    without_nulls,
)
from stepcall.sql.replacing import replace_by


def mend_for_duckdb(tree: exp.Query) -> None:
    """Change the tree in place, inner parts first. Raises TooLargeError."""
    mend_groups(tree)
    budget = Budget(MAX_GROWTH * sum(1 for _ in tree.walk()))
    for unnest in [*tree.find_all(exp.Unnest)][::-1]:
        if isinstance(name := unnest.args.get("offset"), exp.Identifier):
            budget.spend(unnest)
            if isinstance(unnest.parent, exp.Join) and unnest.parent.side and not unnest.parent.args.get("on"):
                unnest.parent.set("on", exp.Boolean(this=True))
            unnest.replace(_number(unnest, name.copy()))
    for node in [*tree.walk(bfs=True)][::-1]:
        if node.parent and (mend := _MENDS.get(type(node))):
            if isinstance(node, _DOUBLED):
                budget.spend(node)
            replace_by(node, mend)


def _as(node: exp.Expr, kind: str) -> exp.Expr:
    return exp.Cast(this=node, to=exp.DataType.build(kind, dialect="duckdb"))


def _make_date(node: exp.Expr) -> exp.Expr:
    """DuckDB's arithmetic with dates gives timestamps."""
    return _as(node, "DATE")


def _make_timestamp(node: exp.Expr) -> exp.Expr:
    """DuckDB gives one without time zone: the session's is UTC."""
    return _as(node, "TIMESTAMPTZ")


def _mend_type(node: exp.Expr) -> exp.Expr:
    """NUMERIC has 9 digits after the point."""
    if node.this in {exp.DType.DECIMAL, exp.DType.BIGDECIMAL} and not node.expressions:
        return exp.DataType.build("DECIMAL(38, 9)", dialect="duckdb")
    return node


def _refuse_zero(node: exp.Expr) -> exp.Expr:
    """DuckDB divides by zero and gives infinity or NULL; BigQuery fails."""
    divisor = node.expression
    if isinstance(divisor, exp.Literal) and divisor.name.strip("0.") != "":
        return node
    is_zero = exp.EQ(this=exp.Paren(this=divisor.copy()), expression=exp.Literal.number(0))
    failing = exp.If(this=is_zero, true=call("ERROR", exp.Literal.string("division by zero")))
    node.set("expression", exp.Case(ifs=[failing], default=divisor.copy()))
    return node


def _mend_format(node: exp.Expr) -> exp.Expr:
    return call("PRINTF", node.this, *node.expressions)


def _mend_string_agg(node: exp.Expr) -> exp.Expr:
    """`STRING_AGG(x ORDER BY y LIMIT n)` is the first n joined."""
    if not isinstance(node.this, exp.Limit):
        return node
    inner, size = node.this.this, node.this.expression
    first = _first(without_nulls(exp.ArrayAgg(this=inner), inner), size)
    return call("ARRAY_TO_STRING", first, node.args.get("separator") or exp.Literal.string(","))


def _mend_count_if(node: exp.Expr) -> exp.Expr:
    """DuckDB's COUNT_IF of no rows is NULL."""
    is_distinct = isinstance(node.this, exp.Distinct)
    condition = node.this.expressions[0] if is_distinct else node.this
    one = exp.Case(ifs=[exp.If(this=condition, true=exp.Literal.number(1))])
    return exp.Count(this=exp.Distinct(expressions=[one]) if is_distinct else one)


def _mend_date_from_unix_date(node: exp.Expr) -> exp.Expr:
    return _make_date(narrow_argument("this")(node))


def _mend_chr(node: exp.Expr) -> exp.Expr:
    node.set("expressions", [_as(code, "INT") for code in node.expressions])
    return node


def _mend_byte_length(node: exp.Expr) -> exp.Expr:
    return node if isinstance(node.this, exp.ByteString) else call("STRLEN", node.this)


def _mend_unix_seconds(node: exp.Expr) -> exp.Expr:
    """Rounded down, not to the nearest."""
    return _as(call("FLOOR", call("EPOCH", node.this)), "BIGINT")


def _mend_unix_millis(node: exp.Expr) -> exp.Expr:
    """Rounded down, as seconds are."""
    millis = exp.Div(this=call("EPOCH_US", node.this), expression=exp.Literal.number(1000))
    return _as(call("FLOOR", millis), "BIGINT")


def _mend_current_datetime(node: exp.Expr) -> exp.Expr:
    return exp.AtTimeZone(this=exp.CurrentTimestamp(), zone=node.this or exp.Literal.string("UTC"))


def _mend_diff(node: exp.Expr) -> exp.Expr:
    """DuckDB takes ISOYEAR for YEAR here."""
    if not node.args.get("unit") or node.args["unit"].name.upper() != "ISOYEAR":
        return node
    later, earlier = (exp.Extract(this=exp.var("ISOYEAR"), expression=each) for each in (node.this, node.expression))
    return exp.Paren(this=exp.Sub(this=later, expression=earlier))


def _mend_timestamp_diff(node: exp.Expr) -> exp.Expr:
    """Whole units that have passed, not boundaries crossed: that is DuckDB's DATE_SUB."""
    unit = exp.Literal.string(node.args["unit"].name if node.args.get("unit") else "DAY")
    return call("DATE_SUB", unit, node.expression, node.this)


def _mend_time_to_str(node: exp.Expr) -> exp.Expr:
    zone = node.args.get("zone")
    if zone is not None:
        moment = node.this.this if isinstance(node.this, exp.TsOrDsToTimestamp) else node.this
        node.set("this", exp.AtTimeZone(this=_make_timestamp(moment), zone=zone))
        node.set("zone", None)
    return node


def _mend_extract(node: exp.Expr) -> exp.Expr:
    """DuckDB counts days of the week from 0, weeks from Monday, and fractions of a second with the seconds."""
    unit = node.this
    part = "WEEK_OF" if isinstance(unit, exp.WeekStart) else unit.name.upper()
    value = node.expression
    plain = exp.Extract(this=unit, expression=value)
    mended: dict[str, Callable[[], exp.Expr]] = {
        "DAYOFWEEK": lambda: exp.Paren(this=exp.Add(this=plain, expression=exp.Literal.number(1))),
        "ISOWEEK": lambda: exp.Extract(this=exp.var("WEEK"), expression=value),
        "WEEK": lambda: _as(call("STRFTIME", value, exp.Literal.string("%U")), "BIGINT"),
        "DATE": lambda: _as(value, "DATE"),
        "TIME": lambda: _as(value, "TIME"),
        "MILLISECOND": lambda: exp.Paren(this=exp.Mod(this=plain, expression=exp.Literal.number(1000))),
        "MICROSECOND": lambda: exp.Paren(this=exp.Mod(this=plain, expression=exp.Literal.number(1_000_000))),
    }
    return mended.get(part, lambda: node)()


def _mend_array_agg(node: exp.Expr) -> exp.Expr:
    """`ARRAY_AGG(x ORDER BY y LIMIT n)` is the first n of the whole."""
    limit = node.this.this if isinstance(node.this, exp.IgnoreNulls | exp.RespectNulls) else node.this
    if not isinstance(limit, exp.Limit):
        return node
    size = limit.expression.copy()
    limit.replace(limit.this.copy())
    return _first(node, size)


def _first(values: exp.Expr, size: exp.Expr) -> exp.Expr:
    return exp.Bracket(this=values, expressions=[exp.Slice(this=exp.Literal.number(1), expression=size)], offset=1)


def _number(unnest: exp.Unnest, name: exp.Identifier) -> exp.Expr:
    """`UNNEST(a) AS x WITH OFFSET AS o` counts from 0; DuckDB's WITH ORDINALITY counts from 1."""
    array, alias = unnest.expressions[0], unnest.args.get("alias")
    columns = alias.args.get("columns") if isinstance(alias, exp.TableAlias) else None
    element = (columns or [None])[0] or (alias.this if isinstance(alias, exp.TableAlias) else None)
    more = (
        [exp.Kwarg(this=exp.var("max_depth"), expression=exp.Literal.number(2))]
        if unnest.args.get("explode_array")
        else []
    )
    values = call("UNNEST", array.copy(), *more)
    first = values if more or element is None else exp.alias_(values, element.copy())
    subscripts = call("GENERATE_SUBSCRIPTS", array.copy(), exp.Literal.number(1))
    numbers = exp.alias_(exp.Sub(this=subscripts, expression=exp.Literal.number(1)), name)
    table = exp.TableAlias(this=element.copy()) if more and element is not None else None
    return exp.Subquery(this=exp.Select(expressions=[first, numbers]), alias=table)


_DOUBLED = (exp.Div, exp.GroupConcat, exp.IntDiv, exp.Mod, exp.Substring)
_MENDS: dict[type[exp.Expr], Mend] = {
    exp.Add: mend_arithmetic,
    exp.ArrayAgg: _mend_array_agg,
    exp.BitwiseLeftShift: mend_arithmetic,
    exp.ByteLength: _mend_byte_length,
    exp.Chr: _mend_chr,
    exp.CountIf: _mend_count_if,
    exp.CurrentDatetime: _mend_current_datetime,
    exp.DataType: _mend_type,
    exp.DateAdd: _make_date,
    exp.DateDiff: _mend_diff,
    exp.DateFromUnixDate: _mend_date_from_unix_date,
    exp.DateSub: _make_date,
    exp.DateTrunc: _make_date,
    exp.DatetimeDiff: _mend_diff,
    exp.Div: _refuse_zero,
    exp.Extract: _mend_extract,
    exp.Format: _mend_format,
    exp.GroupConcat: _mend_string_agg,
    exp.IntDiv: _refuse_zero,
    exp.Like: mend_like,
    exp.Literal: mend_literal,
    exp.Mod: _refuse_zero,
    exp.Mul: mend_arithmetic,
    exp.Pad: narrow_argument("expression"),
    exp.Round: narrow_argument("decimals"),
    exp.StrToTime: _make_timestamp,
    exp.Sub: mend_arithmetic,
    exp.Substring: mend_substring,
    exp.TimeToStr: _mend_time_to_str,
    exp.TimestampDiff: _mend_timestamp_diff,
    exp.Trunc: narrow_argument("decimals"),
    exp.UnixMillis: _mend_unix_millis,
    exp.UnixSeconds: _mend_unix_seconds,
    exp.UnixToTime: _make_timestamp,
}
