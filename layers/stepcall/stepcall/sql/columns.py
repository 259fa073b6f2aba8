"""The columns of a query's result, as far as they can be known before it runs."""

from collections.abc import Mapping, Sequence

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from stepcall.domain.connection import Column
from stepcall.domain.errors import shorten
from stepcall.sql.faults import SqlCode, SqlError, in_order
from stepcall.sql.output_names import outermost
from stepcall.sql.resolving import Resolver, suggest
from stepcall.sql.rewriting import with_tables
from stepcall.sql.statement import Select, real_tables, spell_table

UNKNOWN = "UNKNOWN"
"""The type of a column of which only the name can be told."""
BIGQUERY = "bigquery"
MAX_WORK = 10_000
Tables = Mapping[str, Sequence[Column] | None]
_FAULTS_OF_SQLGLOT = (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, KeyError, IndexError)


class Work:
    """How much may still be inferred: sqlglot takes up to half a millisecond for each part or column of a query."""

    def __init__(self) -> None:
        self._left = MAX_WORK

    def allows(self, size: int) -> bool:
        self._left -= size
        return self._left >= 0


def infer_columns(select: Select, tables: Tables, parameters: Mapping[str, str | None]) -> tuple[Column, ...] | None:
    """The columns with BigQuery's types; None where they cannot be told.

    `tables` has each table's columns by the name that the query gives it, which has no case, None where nothing is
    known of them; `parameters` BigQuery's type of each, None likewise. Raises SqlError at the first table or column
    that is not there.
    """
    columns, faults = infer_or_find_faults(select, tables, parameters, Work())
    if faults:
        raise faults[0]
    return columns


def infer_or_find_faults(
    select: Select, tables: Tables, parameters: Mapping[str, str | None], work: Work
) -> tuple[tuple[Column, ...] | None, list[SqlError]]:
    """The columns, or everything that the query names and that is not there, in its order.

    Where `work` is spent, columns have names and no types.
    """
    by_name = {name.casefold(): columns for name, columns in tables.items()}
    if missing := in_order(_missing_tables(select, by_name, tables)):
        return None, missing
    known = {f"table:{number}": by_name[name.casefold()] for number, name in enumerate(select.tables)}
    stand_ins = {
        name: exp.Table(this=exp.to_identifier(f"table:{number}", quoted=True))
        for number, name in enumerate(select.tables)
    }
    tree = _with_types(with_tables(select, stand_ins), parameters)
    try:
        resolver = Resolver(tree, known, select.source)
        faults = in_order(resolver.find_faults())
    except (SqlglotError, RecursionError):
        return None, []  # two tables of one name, and what else sqlglot cannot tell apart: the engine will say so
    names = resolver.output_names
    if faults := faults or _find_twins(select, names):
        return None, faults
    if names is None:
        return None, []
    may_infer = work.allows(resolver.size + sum(1 for _ in tree.walk()))
    return _columns(names, _infer_types(tree, known) if may_infer else None), []


def _missing_tables(select: Select, by_name: Tables, tables: Tables) -> list[SqlError]:
    return [
        select.source.fault_of(
            table,
            f"There is no table `{shorten(name)}`{suggest(name, tables)}",
            SqlCode.UNKNOWN_TABLE,
        )
        for table in real_tables(select.tree)
        if (name := spell_table(table)).casefold() not in by_name
    ]


def _with_types(tree: exp.Query, parameters: Mapping[str, str | None]) -> exp.Query:
    for parameter in [*tree.find_all(exp.Parameter)]:
        if kind := parameters.get(parameter.name):
            parameter.replace(exp.Cast(this=exp.Null(), to=_read_type(kind)))
    return tree


def _read_type(kind: str) -> exp.DataType:
    try:
        return exp.DataType.build(kind, dialect=BIGQUERY)
    except _FAULTS_OF_SQLGLOT:
        return exp.DataType.build(exp.DType.UNKNOWN)


def _find_twins(select: Select, names: Sequence[str] | None) -> list[SqlError]:
    """Columns of one name: a table cannot have them."""
    seen = set[str]()
    for number, name in enumerate(names or ()):
        if name.casefold() in seen:
            projections = outermost(select.tree)[0].expressions
            place = projections[number] if number < len(projections) else select.tree
            message = f"Two columns of the result have the name `{shorten(name)}`; give one of them another by AS"
            return [select.source.fault_of(place, message)]
        seen.add(name.casefold())
    return []


def _infer_types(tree: exp.Query, tables: Tables) -> list[str] | None:
    """BigQuery's types of the columns in their order; None when sqlglot cannot tell them."""
    schema: dict[str, object] = {
        f'"{name}"': {column.name: _read_type(column.type) for column in columns}
        for name, columns in tables.items()
        if columns is not None
    }
    try:
        qualified = qualify(
            tree.copy(), schema=schema, dialect=BIGQUERY, validate_qualify_columns=False, quote_identifiers=False
        )
        annotated = annotate_types(qualified, schema=schema, dialect=BIGQUERY)
    except _FAULTS_OF_SQLGLOT:
        return None
    if any(column.is_star for column in annotated.selects):
        return None
    return [_spell_type(column) for column in annotated.selects]


def _spell_type(column: exp.Expr) -> str:
    """BigQuery takes a NULL of no type for an INT64."""
    if not isinstance(column.type, exp.DataType):
        return UNKNOWN
    parts = [part.this for part in column.type.find_all(exp.DataType)]
    if exp.DType.UNKNOWN in parts:
        return UNKNOWN
    if exp.DType.NULL in parts:
        return "INT64" if len(parts) == 1 else UNKNOWN
    return column.type.sql(dialect=BIGQUERY)


def _columns(names: Sequence[str], types: list[str] | None) -> tuple[Column, ...]:
    if types is None or len(types) != len(names):
        types = [UNKNOWN] * len(names)
    return tuple(Column(name, kind) for name, kind in zip(names, types, strict=True))
