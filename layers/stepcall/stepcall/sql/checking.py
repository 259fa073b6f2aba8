"""The check of one definition's queries: `CheckQuery` of domain/sql_check.py."""

from collections.abc import Mapping

from sqlglot import exp

from stepcall.domain.connection import SqlEngine
from stepcall.domain.errors import shorten
from stepcall.domain.sql_check import QueryCheck, SqlFault, Tables
from stepcall.sql.columns import infer_or_find_faults
from stepcall.sql.faults import SqlCode, SqlError, in_order
from stepcall.sql.inferring import Work
from stepcall.sql.resolving import suggest
from stepcall.sql.statement import Select, read_or_find_faults
from stepcall.sql.transpile import to_athena, to_duckdb

MAX_TRIES = 100
"""Queries of a definition that are tried out for the engine: one takes up to 30 ms. Others tell in the run."""
Types = Mapping[str, str | None]


class QueryChecker:
    """Checks queries one after the other, with one allowance of work for all of them."""

    def __init__(self) -> None:
        self._work = Work()
        self._tries = MAX_TRIES

    def __call__(
        self, text: str, tables: Tables, parameters: Types | None, engine: SqlEngine, *, connection: str | None
    ) -> QueryCheck:
        """What a query is found to be: see `CheckQuery`."""
        select, faults = read_or_find_faults(text)
        if select is None:
            return QueryCheck(_as_told(faults))
        if connection is None:
            tables = {**dict.fromkeys(select.tables), **tables}
        columns, unresolved = infer_or_find_faults(select, tables, parameters or {}, self._work, connection)
        faults = [*unresolved, *_find_unbound(select, parameters), *_find_positional(select)]
        if not faults and self._tries > 0:
            self._tries -= 1
            faults = _find_undoable(select, engine)
        return QueryCheck(_as_told(in_order(faults)), select.tables, select.parameters, columns)


def _find_unbound(select: Select, parameters: Types | None) -> list[SqlError]:
    if parameters is None:
        return []
    unbound: dict[str, SqlError] = {}
    for parameter in select.tree.find_all(exp.Parameter, bfs=False):
        if (name := parameter.name) not in parameters and name not in unbound:
            hint = suggest(name, parameters) or "; give it in `parameters`"
            message = f"Query parameter `{shorten(name)}` is not given{hint}"
            unbound[name] = select.source.fault_of(parameter, message, SqlCode.UNBOUND_PARAMETER)
    return [*unbound.values()]


def _find_positional(select: Select) -> list[SqlError]:
    placeholder = select.tree.find(exp.Placeholder, bfs=False)
    if placeholder is None:
        return []
    return [select.source.fault_of(placeholder, "Values are named here: write `@name` for `?`")]


def _find_undoable(select: Select, engine: SqlEngine) -> list[SqlError]:
    """What the engine cannot do."""
    stand_ins = {name: f"t{number}" for number, name in enumerate(select.tables)}
    try:
        if engine is SqlEngine.ATHENA:
            to_athena(select, stand_ins, dict.fromkeys(select.parameters))
        else:
            to_duckdb(select, stand_ins)
    except SqlError as fault:
        return [fault]
    return []


def _as_told(faults: list[SqlError]) -> list[SqlFault]:
    return [SqlFault(fault.code, str(fault)) for fault in faults]
