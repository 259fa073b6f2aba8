"""A query that may be run. `read_select` is the one way to it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from sqlglot import exp

from stepcall.sql.faults import SqlError
from stepcall.sql.policy import judge, table_parts
from stepcall.sql.reading import read_tree
from stepcall.sql.source_text import SourceText, offset_of

__all__ = ["Select", "SqlError", "find_faults", "read_or_find_faults", "read_select"]


@dataclass(frozen=True, slots=True)
class Select:
    """One SELECT with nothing forbidden in it."""

    source: SourceText = field(repr=False)
    tree: exp.Query = field(repr=False)
    """Never changed: what rewrites it copies it."""
    tables: tuple[str, ...]
    """The real tables it reads, each once, as written without backticks; names of its own WITH are none."""
    parameters: tuple[str, ...]
    """Names after `@`, each once."""
    positional: int
    """How many `?`."""


def read_select(text: str) -> Select:
    """Read a query in BigQuery's dialect. Raises SqlError with its first fault."""
    select, faults = read_or_find_faults(text)
    if select is None:
        raise faults[0]
    return select


def find_faults(text: str) -> list[SqlError]:
    """All that is wrong with a query by itself, in its order; empty when `read_select` takes it."""
    return read_or_find_faults(text)[1]


def read_or_find_faults(text: str) -> tuple[Select | None, list[SqlError]]:
    """The query, or all that is wrong with it by itself."""
    source = SourceText(text)
    try:
        tree = read_tree(source)
    except SqlError as fault:
        return None, [fault]
    if faults := judge(tree, source) or _find_alike(tree, source):
        return None, faults
    tables = dict.fromkeys(spell_table(table) for table in sorted(real_tables(tree), key=offset_of))
    parameters = dict.fromkeys(found.name for found in sorted(tree.find_all(exp.Parameter), key=offset_of))
    positional = sum(1 for _ in tree.find_all(exp.Placeholder))
    return Select(source, tree, tuple(tables), tuple(parameters), positional), []


def _find_alike(tree: exp.Query, source: SourceText) -> list[SqlError]:
    """Parameters whose names differ in case only: the engine would give both one value."""
    spelt: dict[str, str] = {}
    for parameter in sorted(tree.find_all(exp.Parameter), key=offset_of):
        if spelt.setdefault(parameter.name.casefold(), parameter.name) != parameter.name:
            return [source.fault_of(parameter, "Two parameters differ in capitals only; give one another name.")]
    return []


def real_tables(tree: exp.Query) -> Iterator[exp.Table]:
    """Every place of the tree where a table stands that is none of its own WITH."""
    for table in tree.find_all(exp.Table, bfs=False):
        if table.args.get("db") or not _is_own(table):
            yield table


def spell_table(table: exp.Table) -> str:
    return ".".join(part.name for part in table_parts(table))


def _is_own(table: exp.Table) -> bool:
    """Whether a WITH that is in force there has a table of this name. Their names have no case."""
    name, below, outer = table.name.casefold(), cast(exp.Expr, table), table.parent
    while outer is not None:
        if name in _names_in_force(outer, below):
            return True
        below, outer = outer, outer.parent
    return False


def _names_in_force(outer: exp.Expr, inner: exp.Expr) -> Iterator[str]:
    """What a part of a query may name of the WITH that it stands in, or that stands before it."""
    if isinstance(outer, exp.With):  # those before it, and all when they are RECURSIVE
        tables = outer.expressions if outer.args.get("recursive") else outer.expressions[: inner.index or 0]
    else:
        known = outer.args.get("with_")
        tables = known.expressions if isinstance(known, exp.With) and known is not inner else []
    return (table.alias.casefold() for table in tables)
