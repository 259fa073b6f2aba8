"""Whether the SQL of a definition can run: its queries, the values and tables they are given, and what they result in.

The language itself is read by `CheckQuery`, which is passed in: the domain knows no SQL.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from stepcall.domain.connection import DEFAULT_CONNECTION, Column, SqlEngine
from stepcall.domain.errors import Problem, shorten
from stepcall.domain.findings import Findings
from stepcall.domain.json_schema import ANYTHING, Schema, Variant, type_of
from stepcall.domain.namable import Position
from stepcall.domain.template import Array, Literal, Object, OutputReference, Reference, Template, Text, escape_pointer
from stepcall.domain.types import JsonType

QUERY_TASK = "Sql.Query"
OUTPUT_TASK = "Workflow.Output"
SQL_TASKS = frozenset({QUERY_TASK, OUTPUT_TASK})
MAX_SQL_LENGTH = 131_072
"""Characters of all queries of a definition together: reading one takes some 25 µs."""
_SQL_TYPES: Mapping[JsonType, str] = {
    JsonType.STRING: "STRING",
    JsonType.INTEGER: "INT64",
    JsonType.NUMBER: "FLOAT64",
    JsonType.BOOLEAN: "BOOL",
}
_JSON_TYPES = {sql_type: json_type for json_type, sql_type in _SQL_TYPES.items()}
_TABLE_OF = {QUERY_TASK: "table", OUTPUT_TASK: "content"}
"""The field that names a table of the run. What Workflow.Output calls `table` is a name for callers."""

Tables = Mapping[str, Sequence[Column] | None]
SchemaOf = Callable[[Reference, Position], Schema]


class SqlFault(NamedTuple):
    """What is wrong with a query; the message ends with its place, `at [line:column]`."""

    code: str
    message: str


class QueryCheck(NamedTuple):
    """What a query is found to be. Without a tree there are faults and nothing else."""

    faults: Sequence[SqlFault] = ()
    tables: Sequence[str] = ()
    parameters: Sequence[str] = ()
    columns: tuple[Column, ...] | None = None
    """Of the result; None where they cannot be told."""


class CheckQuery(Protocol):
    def __call__(
        self,
        text: str,
        tables: Tables,
        parameters: Mapping[str, str | None] | None,
        engine: SqlEngine,
        *,
        connection: str | None,
    ) -> QueryCheck:
        """Everything wrong with a query by itself, with what it names, and for the engine.

        `tables` has the columns of tables that it may name, None where they are unknown. They are all that there are in
        `sources` and on `connection`; when that is None, it may name others. `parameters` has BigQuery's type of each
        value, None where it is unknown; None in place of it all says that nothing is known of them.
        """


class SqlSetting(NamedTuple):
    """Where a definition's SQL runs."""

    check_query: CheckQuery
    engine: SqlEngine = SqlEngine.DUCKDB
    datasets: Tables | None = None
    """Of the connection, by name; None when they cannot be looked up: any table may be one then."""
    exists: bool = True
    """Whether there is such a connection."""
    connection: str = DEFAULT_CONNECTION


class SqlCheck:
    """The check of one definition's SQL tasks, in their order.

    `schema_of` gives what a reference names, ANYTHING when that is unknown or has been told to be wrong.
    """

    def __init__(self, setting: SqlSetting | None, findings: Findings, schema_of: SchemaOf) -> None:
        self._setting = setting
        self._findings = findings
        self._schema_of = schema_of
        self._types: dict[str, str] = {}
        self._columns: dict[str, tuple[Column, ...] | None] = {}
        self._output: str | None = None
        self._length = 0

    def pass_by(self, kind: str, ref: Any) -> None:
        """Remember a task that later ones may name."""
        if isinstance(ref, str):
            self._types.setdefault(ref, kind)

    def check_task(
        self, kind: str, ref: Any, pointer: str, members: Mapping[str, Template], position: Position
    ) -> None:
        """Check a task with what it is given; `pointer` is that of its input."""
        if kind == OUTPUT_TASK:
            self._check_output(pointer, members)
        elif kind == QUERY_TASK and (columns := self._check_query(pointer, members, position)) and isinstance(ref, str):
            self._columns.setdefault(ref, columns)

    def sharpen(self, ref: Any, schema: Schema) -> Schema:
        """What a query gives, with the columns of its rows as far as they are known."""
        columns = self._columns.get(ref) if isinstance(ref, str) else None
        variant = schema.variants.get(JsonType.OBJECT)
        if columns is None or variant is None or "rows" not in variant.properties:
            return schema
        row = Variant(
            JsonType.OBJECT,
            properties={column.name: _schema_of_column(column) for column in columns},
            required=dict.fromkeys(column.name for column in columns),
        )
        rows = Schema({JsonType.ARRAY: Variant(JsonType.ARRAY, items=Schema({JsonType.OBJECT: row}))})
        return Schema({JsonType.OBJECT: replace(variant, properties={**variant.properties, "rows": rows})})

    def _check_output(self, pointer: str, members: Mapping[str, Template]) -> None:
        task = pointer.rpartition("/")[0]
        if self._output is not None:
            message = f"`{self._output}` is the workflow's output already; a workflow has one {OUTPUT_TASK} at most."
            self._findings.add(f"{task}/type", "second_output", message)
        self._output = self._output or task
        if "table" in members:
            self._find_source(members["table"], f"{pointer}/table")

    def _check_query(
        self, pointer: str, members: Mapping[str, Template], position: Position
    ) -> tuple[Column, ...] | None:
        sources = self._read_sources(pointer, members.get("sources", Object(())))
        parameters = self._read_parameters(pointer, members.get("parameters", Object(())), position)
        text = self._read_text(f"{pointer}/query", members.get("query"))
        if text is None or self._setting is None:
            return None
        tables = {**(self._setting.datasets or {}), **(sources or {})}
        connection = self._setting.connection if self._setting.datasets is not None and sources is not None else None
        checked = self._setting.check_query(text, tables, parameters, self._setting.engine, connection=connection)
        for fault in checked.faults:
            self._findings.add(f"{pointer}/query", fault.code, fault.message)
        if not checked.faults:
            self._warn_of_unused(f"{pointer}/sources", "source", sources or {}, checked.tables)
            self._warn_of_unused(f"{pointer}/parameters", "parameter", parameters or {}, checked.parameters)
        return checked.columns

    def _read_text(self, pointer: str, template: Template | None) -> str | None:
        match template:
            case Literal(str() as text):
                self._length += len(text)
                if self._length <= MAX_SQL_LENGTH:
                    return text
                message = f"All queries of a workflow have at most {MAX_SQL_LENGTH} characters together; split it."
                self._findings.add(pointer, "too_much_sql", message)
            case None | Literal():
                pass  # told with the task's input
            case _:
                message = (
                    "A query is written out: what a template put into it could change what it says. Give values in "
                    "`parameters` and name them `@name`, and tables in `sources`."
                )
                self._findings.add(pointer, "sql_not_literal", message)
        return None

    def _read_sources(self, pointer: str, template: Template) -> dict[str, Sequence[Column] | None] | None:
        """What is known of each table; None when they are not given one by one."""
        if not isinstance(template, Object):
            if not isinstance(template, Literal):
                message = "`sources` is written out: an object with a template for each table that the query names."
                self._findings.add(f"{pointer}/sources", "bad_source", message)
            return None
        return {
            name: self._find_source(value, f"{pointer}/sources/{escape_pointer(name)}")
            for name, value in template.members
        }

    def _find_source(self, template: Template, pointer: str) -> Sequence[Column] | None:
        """The columns of the table that a template names; None when they are unknown."""
        if not isinstance(template, OutputReference):
            self._tell_bad_source(pointer, "This must be one template alone that names an earlier query's table")
            return None
        kind = self._types.get(template.ref)
        if kind is None:
            return None  # told with the task's input: it names no task, or a later one
        if template.path != (_TABLE_OF.get(kind, ""),):
            self._tell_bad_source(pointer, f"`{{{{{shorten(str(template))}}}}}` is no table of an earlier query")
            return None
        return self._columns.get(template.ref)

    def _tell_bad_source(self, pointer: str, what: str) -> None:
        self._findings.add(pointer, "bad_source", f"{what}: name the `table` of an earlier `{QUERY_TASK}`.")

    def _read_parameters(self, pointer: str, template: Template, position: Position) -> dict[str, str | None] | None:
        """BigQuery's type of each value; None when they are not given one by one."""
        if not isinstance(template, Object):
            return None
        return {
            name: self._type_of(value, f"{pointer}/parameters/{escape_pointer(name)}", position)
            for name, value in template.members
        }

    def _type_of(self, template: Template, pointer: str, position: Position) -> str | None:
        schema = self._schema_of_template(template, position)
        if schema.is_anything or set(schema.variants) == {JsonType.NULL}:
            return None
        found = _sql_type(schema)
        if found is _NO_VALUE:
            message = (
                f"A value in SQL is text, a number, a boolean, or an array of one of them; this is {schema.words}."
            )
            self._findings.add(
                pointer, "type_mismatch", message, "string, number, integer, boolean or array", str(schema)
            )
            return None
        return found

    def _schema_of_template(self, template: Template, position: Position) -> Schema:
        match template:
            case Literal(value):
                return Schema({kind: Variant(kind)}) if (kind := type_of(value)) else ANYTHING
            case Text():
                return Schema({JsonType.STRING: Variant(JsonType.STRING)})
            case Object():
                return Schema({JsonType.OBJECT: Variant(JsonType.OBJECT)})
            case Array(elements):
                return Schema({JsonType.ARRAY: Variant(JsonType.ARRAY, items=self._common(elements, position))})
            case reference:
                return self._schema_of(reference, position)

    def _common(self, elements: Sequence[Template], position: Position) -> Schema:
        """What the elements of an array are together; ANYTHING when one of them may be."""
        schemas = [self._schema_of_template(element, position) for element in elements]
        if any(schema.is_anything for schema in schemas):
            return ANYTHING
        return Schema({kind: variant for schema in schemas for kind, variant in schema.variants.items()})

    def _warn_of_unused(self, pointer: str, what: str, given: Mapping[str, Any], used: Sequence[str]) -> None:
        names = {name.casefold() for name in used} if what == "source" else {*used}
        for name in given:
            if (name.casefold() if what == "source" else name) not in names:
                message = f"The query never names the {what} `{shorten(name)}`."
                self._findings.warn(Problem(f"{pointer}/{escape_pointer(name)}", f"unused_{what}", message))


_NO_VALUE = "no value"


def _sql_type(schema: Schema) -> str | None:
    """BigQuery's type of a value; None when it may be of several; `_NO_VALUE` when SQL has none for it."""
    kinds = {kind for kind in schema.variants if kind is not JsonType.NULL}
    if JsonType.OBJECT in kinds:
        return _NO_VALUE
    if kinds == {JsonType.ARRAY}:
        items = schema.variants[JsonType.ARRAY].items or ANYTHING
        if items.is_anything or not items.variants:
            return None
        element = _sql_type(items)
        is_flat = element is not _NO_VALUE and JsonType.ARRAY not in items.variants
        return f"ARRAY<{element}>" if is_flat and element else _NO_VALUE if not is_flat else None
    if kinds == {JsonType.INTEGER, JsonType.NUMBER}:
        return "FLOAT64"
    return _SQL_TYPES.get(kinds.pop()) if len(kinds) == 1 else None


def _schema_of_column(column: Column) -> Schema:
    """Whether it is null is known in the run; a table is not refused for it."""
    kind = _JSON_TYPES.get(column.type)
    return Schema({kind: Variant(kind)}) if kind else ANYTHING
