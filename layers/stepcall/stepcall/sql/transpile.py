"""A query in an engine's own dialect."""

import math
from collections.abc import Mapping
from typing import Any

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.generators.duckdb import DuckDBGenerator
from sqlglot.generators.trino import TrinoGenerator

from stepcall.sql.athena_functions import NotOnAthenaError, check_functions
from stepcall.sql.faults import SqlCode
from stepcall.sql.mending import TooLargeError
from stepcall.sql.mending_athena import mend_for_athena
from stepcall.sql.mending_duckdb import mend_for_duckdb
from stepcall.sql.rewriting import with_tables
from stepcall.sql.source_text import SourceText, offset_of
from stepcall.sql.statement import Select

TOLERATED = ("EXTRACT from TIMESTAMPTZ",)
"""Of what sqlglot says it cannot do: with the session in UTC it can."""
MAX_STEPS_PER_NODE = 30
"""An ordinary query takes five."""
OPTIONS: Mapping[str, Any] = {"identify": True, "comments": False, "unsupported_level": ErrorLevel.IGNORE}


def to_duckdb(select: Select, tables: Mapping[str, str]) -> str:
    """In DuckDB's dialect. `@name` becomes `$name`, `?` stays.

    `tables` has the identifier, without quotes, that stands for each of the query's tables. Give ones that no query
    can call its own, such as with a `"` or a control character in them. The session must be in UTC. A HUGEINT among
    the results, as SUM gives, is INT64. Raises SqlError for what DuckDB cannot do, KeyError for a table that
    is not given.
    """
    known = {name: exp.Table(this=exp.to_identifier(stand_in, quoted=True)) for name, stand_in in tables.items()}
    tree = with_tables(select, known)
    try:
        mend_for_duckdb(tree)
    except TooLargeError as exc:
        raise select.source.fault("For DuckDB this query is too large; split it into several.", 0) from exc
    return _write(tree, select, _DuckDBGenerator(dialect=DuckDB(), **OPTIONS), "DuckDB")


def to_athena(select: Select, tables: Mapping[str, str], parameters: Mapping[str, Any]) -> str:
    """In Athena's dialect, with the values of the parameters written into it as literals.

    `tables` has the qualified name, such as `"db"."table"`, that stands for each of the query's tables. Raises SqlError
    for what Athena cannot do and for a parameter without a value, KeyError for a table that is not given.
    """
    known = {name: exp.to_table(qualified, dialect="trino") for name, qualified in tables.items()}
    tree = with_tables(select, known)
    for parameter in [*tree.find_all(exp.Parameter)]:
        if parameter.name not in parameters:
            message = f"Query parameter `{parameter.name}` has no value"
            raise select.source.fault_of(parameter, message, SqlCode.UNBOUND_PARAMETER)
        parameter.replace(_literal_of(parameters[parameter.name], parameter, select.source))
    try:
        mend_for_athena(tree)
        text = _write(tree, select, _TrinoGenerator(dialect=Trino(), **OPTIONS), "Athena")
        check_functions(text)
    except TooLargeError as exc:
        raise select.source.fault("For Athena this query is too large; split it into several.", 0) from exc
    except NotOnAthenaError as exc:
        raise select.source.fault(f"Athena cannot run this query: {exc}.", offset_of(select.tree)) from exc
    return text


class _Steps:
    """What bounds a generator: it writes some parts more than once, and what is nested in them again."""

    steps_left = 0

    def count(self) -> None:
        self.steps_left -= 1
        if self.steps_left < 0:
            raise TooLargeError


class _DuckDBGenerator(DuckDBGenerator, _Steps):
    def sql(self, *arguments: Any, **options: Any) -> str:
        self.count()
        return super().sql(*arguments, **options)


class _TrinoGenerator(TrinoGenerator, _Steps):
    def sql(self, *arguments: Any, **options: Any) -> str:
        self.count()
        return super().sql(*arguments, **options)


def _write(tree: exp.Query, select: Select, generator: _DuckDBGenerator | _TrinoGenerator, engine: str) -> str:
    start = offset_of(select.tree)
    generator.steps_left = MAX_STEPS_PER_NODE * sum(1 for _ in tree.walk())
    try:
        text = generator.generate(tree, copy=False)
    except (TooLargeError, RecursionError) as exc:
        raise select.source.fault(f"For {engine} this query is too large; split it into several.", start) from exc
    except (SqlglotError, ValueError, TypeError, AttributeError, KeyError, IndexError) as exc:
        raise select.source.fault(f"{engine} cannot run this query.", start) from exc
    for message in generator.unsupported_messages:
        if not message.startswith(TOLERATED):
            raise select.source.fault(f"{engine} cannot run this query: {message.strip().rstrip('.')}.", start)
    return text


def _literal_of(value: Any, parameter: exp.Expr, source: SourceText) -> exp.Expr:
    """A value as SQL: sqlglot escapes text as the dialect does."""
    match value:
        case None:
            return exp.Null()
        case bool():
            return exp.Boolean(this=value)
        case int():
            return exp.Paren(this=exp.Neg(this=exp.Literal.number(-value))) if value < 0 else exp.Literal.number(value)
        case float() if math.isfinite(value):
            return exp.Cast(this=exp.Literal.string(repr(value)), to=exp.DataType.build("double"))
        case str() if "\0" not in value:
            return exp.Literal.string(value)
        case list():
            return exp.Array(expressions=[_literal_of(element, parameter, source) for element in value])
    raise source.fault_of(parameter, f"The value of `{parameter.name}` cannot be written in SQL.")
