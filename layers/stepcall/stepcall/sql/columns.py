"""The columns of a query's result, as far as they can be known before it runs."""

from collections.abc import Mapping, Sequence

from sqlglot import exp
from sqlglot.errors import SqlglotError

from stepcall.domain.connection import Column
from stepcall.domain.errors import shorten
from stepcall.sql.faults import SqlCode, SqlError, in_order
from stepcall.sql.inferring import UNKNOWN, Tables, Work, infer_types
from stepcall.sql.output_names import outermost
from stepcall.sql.resolving import Resolver, suggest
from stepcall.sql.rewriting import with_tables
from stepcall.sql.statement import Select, real_tables, spell_table
from stepcall.sql.type_words import read_type


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
    select: Select, tables: Tables, parameters: Mapping[str, str | None], work: Work, connection: str | None = None
) -> tuple[tuple[Column, ...] | None, list[SqlError]]:
    """The columns, or everything that the query names and that is not there, in its order.

    Where `work` is spent, columns have names and no types. `connection` is named to whoever misses a table.
    """
    by_name = {name.casefold(): columns for name, columns in tables.items()}
    if missing := in_order(_missing_tables(select, by_name, tables, connection)):
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
    return _columns(names, infer_types(tree, known, work) if may_infer else None), []


def _missing_tables(select: Select, by_name: Tables, tables: Tables, connection: str | None) -> list[SqlError]:
    where = f" in `sources` or on the connection `{connection}`" if connection else ""
    return [
        select.source.fault_of(
            table,
            f"There is no table `{shorten(name)}`{where}{_advise_on(name, tables)}",
            SqlCode.UNKNOWN_TABLE,
        )
        for table in real_tables(select.tree)
        if (name := spell_table(table)).casefold() not in by_name
    ]


def _advise_on(name: str, tables: Tables) -> str:
    last = name.rpartition(".")[2].casefold()
    alone = [known for known in tables if known.casefold() == last]
    return f"; a table is named alone: `{shorten(alone[0])}`" if alone else suggest(name, tables)


def _with_types(tree: exp.Query, parameters: Mapping[str, str | None]) -> exp.Query:
    for parameter in [*tree.find_all(exp.Parameter)]:
        if kind := parameters.get(parameter.name):
            parameter.replace(exp.Cast(this=exp.Null(), to=read_type(kind)))
    return tree


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


def _columns(names: Sequence[str], types: list[str] | None) -> tuple[Column, ...]:
    if types is None or len(types) != len(names):
        types = [UNKNOWN] * len(names)
    return tuple(Column(name, kind) for name, kind in zip(names, types, strict=True))
