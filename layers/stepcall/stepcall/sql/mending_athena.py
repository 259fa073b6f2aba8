"""What sqlglot 30 writes otherwise for Athena's engine, Trino, than BigQuery means it: put right before it writes, or
refused.

The expressions and their texts are in tests/unit/test_sql_for_athena.py. Source: https://trino.io/docs/current/functions.html
"""

from collections.abc import Iterator

from sqlglot import exp

from stepcall.sql.athena_functions import NotOnAthenaError
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
from stepcall.sql.output_names import outermost
from stepcall.sql.replacing import replace_by

FIELDS = {
    **{name: name for name in ("YEAR", "QUARTER", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")},
    "DAYOFYEAR": "DAY_OF_YEAR",
    "ISOWEEK": "WEEK",
    "ISOYEAR": "YEAR_OF_WEEK",
}
"""Of EXTRACT: BigQuery's words and Trino's."""


def mend_for_athena(tree: exp.Query) -> None:
    """Change the tree in place, inner parts first. Raises NotOnAthenaError, TooLargeError."""
    mend_groups(tree)
    budget = Budget(MAX_GROWTH * sum(1 for _ in tree.walk()))
    for select in [*tree.find_all(exp.Select)]:
        _write_out_having(select, budget)
    for node in [*tree.walk(bfs=True)][::-1]:
        if node.parent and (mend := _MENDS.get(type(node))):
            if isinstance(node, _DOUBLED) or node.args.get("offset"):
                budget.spend(node)
            replace_by(node, mend)
    for select in tree.find_all(exp.Select):
        _refuse_changed_stars(select)
    for select in outermost(tree):
        for column in select.expressions:
            if isinstance(column, exp.Alias) and isinstance(column.this, exp.Null):
                column.set("this", _as(exp.Null(), "BIGINT"))  # as in BigQuery: a table has no column of no type


def _write_out_having(select: exp.Select, budget: Budget) -> None:
    """Trino's HAVING knows no name that the SELECT gives."""
    given = {column.alias.casefold(): column.this for column in select.expressions if isinstance(column, exp.Alias)}
    having = select.args.get("having")
    for name in [*having.find_all(exp.Column)] if having else ():
        meant = given.get(name.name.casefold())
        is_inner = name.find_ancestor(exp.AggFunc, exp.Query) is not select
        if meant is not None and meant != name and not name.table and not is_inner:
            budget.spend(meant)
            name.replace(exp.Paren(this=meant.copy()))


def _refuse(what: str) -> Mend:
    def refuse(_node: exp.Expr) -> exp.Expr:
        raise NotOnAthenaError(what)

    return refuse


def _refuse_changed_stars(select: exp.Select) -> None:
    stars: Iterator[exp.Star] = select.find_all(exp.Star)
    if any(star.args.get(change) for star in stars for change in ("except_", "replace", "rename")):
        raise NotOnAthenaError("it has no `* EXCEPT` and no `* REPLACE`; name the columns")


def _as(node: exp.Expr, kind: str) -> exp.Expr:
    return exp.Cast(this=node, to=exp.DataType.build(kind, dialect="trino"))


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _mend_type(node: exp.Expr) -> exp.Expr:
    """NUMERIC has 9 digits after the point, and DECIMAL none."""
    if node.this in {exp.DType.DECIMAL, exp.DType.BIGDECIMAL} and not node.expressions:
        return exp.DataType.build("DECIMAL(38, 9)", dialect="trino")
    return node


def _mend_in(node: exp.Expr) -> exp.Expr:
    """`x IN UNNEST(a)`."""
    unnest = node.args.get("unnest")
    if not isinstance(unnest, exp.Unnest):
        return node
    return call("CONTAINS", unnest.expressions[0], node.this)


def _refuse_zero(divisor: exp.Expr) -> exp.Expr:
    """Trino divides a double by zero and gives infinity; BigQuery fails, as whole numbers do there and here."""
    if isinstance(divisor, exp.Literal) and divisor.name.strip("0.e") != "":
        return divisor
    is_zero = exp.EQ(this=exp.Paren(this=divisor.copy()), expression=_number(0))
    failing = call("MOD", _number(1), _as(divisor.copy(), "BIGINT"))
    return exp.Case(ifs=[exp.If(this=is_zero, true=failing)], default=divisor.copy())


def _mend_div(node: exp.Expr) -> exp.Expr:
    node.set("expression", _refuse_zero(node.expression))
    return node


def _mend_int_div(node: exp.Expr) -> exp.Expr:
    """Of whole numbers, without a way through doubles."""
    return exp.Paren(
        this=exp.Div(this=exp.Paren(this=node.this), expression=exp.Paren(this=node.expression), typed=True)
    )


def _mend_extract(node: exp.Expr) -> exp.Expr:
    """Trino's week begins on Monday, and its days have other numbers."""
    unit = node.this
    part = "WEEK_OF" if isinstance(unit, exp.WeekStart) else unit.name.upper()
    if part == "DATE":
        return _as(node.expression, "DATE")
    if part == "DAYOFWEEK":
        day = exp.Extract(this=exp.var("DAY_OF_WEEK"), expression=node.expression)
        return exp.Paren(this=exp.Add(this=exp.Mod(this=day, expression=_number(7)), expression=_number(1)))
    if part not in FIELDS:
        raise NotOnAthenaError(f"it does not extract {part}")
    return exp.Extract(this=exp.var(FIELDS[part]), expression=node.expression)


def _mend_unix_seconds(node: exp.Expr) -> exp.Expr:
    return _as(call("FLOOR", call("TO_UNIXTIME", node.this)), "BIGINT")


def _mend_array_agg(node: exp.Expr) -> exp.Expr:
    """`ARRAY_AGG(x IGNORE NULLS ORDER BY y LIMIT n)`: the first n of the whole, filtered."""
    inner = node.this
    ignores_nulls = isinstance(inner, exp.IgnoreNulls)
    if isinstance(inner, exp.IgnoreNulls | exp.RespectNulls):
        inner = inner.this
    inner, limit = (inner.this, inner.expression) if isinstance(inner, exp.Limit) else (inner, None)
    node.set("this", inner)
    mended = without_nulls(node, inner) if ignores_nulls else node
    return mended if limit is None else call("SLICE", mended, _number(1), limit)


def _mend_ignored_nulls(node: exp.Expr) -> exp.Expr:
    """Around an aggregate: Trino has it in windows only."""
    if isinstance(aggregate := node.this, exp.ArrayAgg):
        return without_nulls(aggregate, aggregate.this)
    return node


def _mend_string_agg(node: exp.Expr) -> exp.Expr:
    """LISTAGG wants an order; an array that is joined needs none."""
    inner = node.this
    inner, limit = (inner.this, inner.expression) if isinstance(inner, exp.Limit) else (inner, None)
    values = without_nulls(exp.ArrayAgg(this=inner), inner)
    first = values if limit is None else call("SLICE", values, _number(1), limit)
    return call("ARRAY_JOIN", first, node.args.get("separator") or exp.Literal.string(","))


def _mend_unnest(node: exp.Expr) -> exp.Expr:
    """`WITH OFFSET` counts from 0, WITH ORDINALITY from 1: the numbers are a second array beside the first."""
    name = node.args.get("offset")
    if not name:
        return node
    array, alias = node.expressions[0], node.args.get("alias")
    columns = alias.args.get("columns") if isinstance(alias, exp.TableAlias) else None
    if alias is None or not columns:
        raise NotOnAthenaError("UNNEST WITH OFFSET needs names for the element and for its offset there")
    size = call("CARDINALITY", array.copy())
    number = exp.to_identifier("i")
    is_within = exp.Lambda(this=exp.LT(this=exp.column("i"), expression=size.copy()), expressions=[number])
    offsets = call("FILTER", call("SEQUENCE", _number(0), size), is_within)
    node.set("expressions", [array, offsets])
    node.set("offset", None)
    alias.set("columns", [*columns, name if isinstance(name, exp.Identifier) else exp.to_identifier("offset")])
    return node


def _mend_trunc(node: exp.Expr) -> exp.Expr:
    """Trino's week is ISO's; it knows no ISO year here."""
    unit = node.args.get("unit")
    if node.args.get("zone"):
        raise NotOnAthenaError("it does not truncate in a time zone")
    if isinstance(unit, exp.Var | exp.Literal) and unit.name.upper().startswith("ISO"):
        if unit.name.upper() != "ISOWEEK":
            raise NotOnAthenaError(f"it does not truncate to {unit.name.upper()}")
        node.set("unit", exp.Literal.string("WEEK") if isinstance(unit, exp.Literal) else exp.var("WEEK"))
    return node


def _mend_datetime_trunc(node: exp.Expr) -> exp.Expr:
    return _mend_trunc(exp.TimestampTrunc(this=node.this, unit=node.args.get("unit"), zone=node.args.get("zone")))


def _mend_zoned(node: exp.Expr) -> exp.Expr:
    """sqlglot leaves the time zone out, or where Trino has no place for it."""
    zone = node.args.get("zone") or (node.expression if isinstance(node, exp.Datetime) else None)
    if zone is None:
        return node
    if isinstance(node, exp.Timestamp):
        return call("WITH_TIMEZONE", _as(node.this, "TIMESTAMP"), zone)
    moment = node.this.this if isinstance(node.this, exp.TsOrDsToTimestamp) else node.this
    there = exp.AtTimeZone(this=_as(moment, "TIMESTAMP WITH TIME ZONE"), zone=zone)
    if isinstance(node, exp.Date | exp.Datetime):
        return _as(there, "DATE" if isinstance(node, exp.Date) else "TIMESTAMP")
    node.set("this", there)
    node.set("zone", None)
    return node


def _mend_digest(node: exp.Expr) -> exp.Expr:
    """Trino digests bytes only; of what is none by its looks it is taken for text."""
    if not isinstance(node.this, exp.Anonymous | exp.FromBase64 | exp.Unhex):
        node.set("this", call("TO_UTF8", node.this))
    return node


def _mend_contains(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=exp.GT(this=call("STRPOS", node.this, node.expression), expression=_number(0)))


def _mend_unix_millis(node: exp.Expr) -> exp.Expr:
    seconds = exp.Mul(this=call("TO_UNIXTIME", node.this), expression=_number(1000))
    return _as(call("FLOOR", seconds), "BIGINT")


def _mend_move(node: exp.Expr) -> exp.Expr:
    """A time plus or minus so many units."""
    unit = node.args["unit"].name if node.args.get("unit") else "DAY"
    steps = _as(node.expression, "BIGINT")
    if isinstance(node, exp.TimestampSub | exp.DatetimeSub):
        steps = exp.Neg(this=steps)
    return call("DATE_ADD", exp.Literal.string(unit.upper()), steps, node.this)


def _mend_array(node: exp.Expr) -> exp.Expr:
    if any(isinstance(element, exp.Query) for element in node.expressions):
        raise NotOnAthenaError("it makes no array of a query by ARRAY(SELECT …); use ARRAY_AGG")
    return node


_DOUBLED = (exp.ArrayAgg, exp.Div, exp.GroupConcat, exp.Substring)
_MENDS: dict[type[exp.Expr], Mend] = {
    exp.Add: mend_arithmetic,
    exp.Array: _mend_array,
    exp.ArrayAgg: _mend_array_agg,
    exp.BitwiseLeftShift: mend_arithmetic,
    exp.Contains: _mend_contains,
    exp.DataType: _mend_type,
    exp.Date: _mend_zoned,
    exp.DateTrunc: _mend_trunc,
    exp.Datetime: _mend_zoned,
    exp.DatetimeAdd: _mend_move,
    exp.DatetimeSub: _mend_move,
    exp.DatetimeTrunc: _mend_datetime_trunc,
    exp.Div: _mend_div,
    exp.Extract: _mend_extract,
    exp.GroupConcat: _mend_string_agg,
    exp.IgnoreNulls: _mend_ignored_nulls,
    exp.In: _mend_in,
    exp.IntDiv: _mend_int_div,
    exp.Like: mend_like,
    exp.Literal: mend_literal,
    exp.MD5: _mend_digest,
    exp.MD5Digest: _mend_digest,
    exp.Mul: mend_arithmetic,
    exp.SHA1Digest: _mend_digest,
    exp.SHA2Digest: _mend_digest,
    exp.PercentileCont: _refuse("it has no PERCENTILE_CONT"),
    exp.PercentileDisc: _refuse("it has no PERCENTILE_DISC"),
    exp.Round: narrow_argument("decimals"),
    exp.Sub: mend_arithmetic,
    exp.Substring: mend_substring,
    exp.Timestamp: _mend_zoned,
    exp.TimestampAdd: _mend_move,
    exp.TimestampSub: _mend_move,
    exp.TimestampTrunc: _mend_trunc,
    exp.TimeToStr: _mend_zoned,
    exp.Trunc: narrow_argument("decimals"),
    exp.UnixMillis: _mend_unix_millis,
    exp.UnixSeconds: _mend_unix_seconds,
    exp.Unnest: _mend_unnest,
}
