"""BigQuery's types of the columns of a query's result, as sqlglot infers them, in bounded time."""

from collections.abc import Mapping, Sequence
from itertools import islice

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import TypeAnnotator
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope
from sqlglot.schema import MappingSchema

from stepcall.domain.connection import Column
from stepcall.sql.type_words import BIGQUERY, count_parts, read_type

UNKNOWN = "UNKNOWN"
"""The type of a column of which only the name can be told."""
MAX_WORK = 10_000
MAX_TYPES = 30_000
Tables = Mapping[str, Sequence[Column] | None]
_FAULTS_OF_SQLGLOT = (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, KeyError, IndexError)


class Work:
    """How much may still be inferred.

    sqlglot takes up to half a millisecond for each part or column of a query, and some 30 µs for each type that stands
    in the type of a column: a STRUCT of a STRUCT twice, and that again twice, doubles with each SELECT around it.
    """

    def __init__(self) -> None:
        self._left = MAX_WORK
        self.types_left = MAX_TYPES

    def allows(self, size: int) -> bool:
        self._left -= size
        return self._left >= 0

    def allows_types(self, number: int) -> bool:
        self.types_left -= number
        return self.types_left >= 0


class _TooManyTypesError(Exception):
    """The allowance is spent."""


class _BoundedAnnotator(TypeAnnotator):
    """Gives up where the types that it makes become too large."""

    def __init__(self, schema: MappingSchema, work: Work) -> None:
        super().__init__(schema)
        self._work = work

    def annotate_scope(self, scope: Scope) -> None:
        super().annotate_scope(scope)
        self._count(scope.expression.meta.get("query_type"))

    def _set_type(self, expression: exp.Expr, target_type: exp.DataType | exp.DType | None) -> exp.Expr:
        self._count(target_type)
        return super()._set_type(expression, target_type)

    def _count(self, kind: object) -> None:
        """A type that holds none costs nothing more: it is counted with its expression."""
        if not isinstance(kind, exp.DataType) or not kind.expressions:
            return
        number = sum(1 for _ in islice(kind.find_all(exp.DataType), max(0, self._work.types_left) + 1))
        if not self._work.allows_types(number):
            raise _TooManyTypesError


def infer_types(tree: exp.Query, tables: Tables, work: Work) -> list[str] | None:
    """The types of the columns in their order; None when they cannot be told, or `work` is spent."""
    known = {name: columns for name, columns in tables.items() if columns is not None}
    if not work.allows_types(sum(count_parts(column.type) for columns in known.values() for column in columns)):
        return None
    mapping: dict[str, object] = {
        f'"{name}"': {column.name: read_type(column.type) for column in columns} for name, columns in known.items()
    }
    try:
        schema = MappingSchema(mapping, dialect=_without_types())
        qualified = qualify(
            tree.copy(), schema=schema, dialect=schema.dialect, validate_qualify_columns=False, quote_identifiers=False
        )
        selects = _BoundedAnnotator(schema, work).annotate(qualified).selects
        return None if any(column.is_star for column in selects) else [_spell_type(column) for column in selects]
    except (_TooManyTypesError, *_FAULTS_OF_SQLGLOT):
        return None


def _without_types() -> BigQuery:
    """The dialect, by which `qualify` infers no types: its own way to do it has no bound."""
    dialect = BigQuery()
    dialect.ANNOTATE_ALL_SCOPES = False
    dialect.SUPPORTS_STRUCT_STAR_EXPANSION = False
    return dialect


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
