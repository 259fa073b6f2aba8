"""Whether a statement may run: asked of DuckDB's own parser, whatever has looked at it before."""

import json
from collections.abc import Collection, Iterator
from typing import Any

import duckdb

from run_sql_task.engine.faults import OUTSIDE, RefusedError, invalid_query
from stepcall.domain.errors import ErrorReason

TABLE_FUNCTIONS = frozenset({"unnest", "generate_series", "range"})
"""All others read files, settings or what else the process holds."""

SETTINGS = frozenset({"current_setting", "getvariable", "getenv"})


def check_statement(database: duckdb.DuckDBPyConnection, statement: str, tables: Collection[str]) -> None:
    """Raises RefusedError unless it is one SELECT over these tables, and DuckDB's own errors."""
    found = database.extract_statements(statement)
    if len(found) != 1 or found[0].type != duckdb.StatementType.SELECT:
        raise invalid_query("Only one SELECT may be run.")
    parsed = _parse(database, statement)
    known = {name.lower() for name in (*tables, *_own_names(parsed))}
    for node in _nodes(parsed):
        _check_node(node, known)


def _parse(database: duckdb.DuckDBPyConnection, statement: str) -> Any:
    row = database.execute("SELECT json_serialize_sql($1)", [statement]).fetchone()
    parsed = json.loads(row[0]) if row else {"error": True}
    if parsed["error"]:
        raise invalid_query("Only one SELECT may be run.")
    return parsed["statements"]


def _own_names(parsed: Any) -> Iterator[str]:
    """What the statement's own WITH defines."""
    return (entry["key"] for node in _nodes(parsed) for entry in node.get("cte_map", {}).get("map", ()))


def _check_node(node: dict[str, Any], known: Collection[str]) -> None:
    match node.get("type"):
        case "BASE_TABLE":
            is_known = node["table_name"].lower() in known and not node["schema_name"] and not node["catalog_name"]
        case "TABLE_FUNCTION":
            is_known = node["function"]["function_name"].lower() in TABLE_FUNCTIONS
        case "FUNCTION":
            is_known = node["function_name"].lower() not in SETTINGS
        case kind:
            is_known = kind != "SHOW_REF"  # DESCRIBE, SUMMARIZE, SHOW
    if not is_known:
        raise RefusedError(ErrorReason.ACCESS_DENIED, OUTSIDE)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in it."""
    ahead = [value]
    while ahead:
        match ahead.pop():
            case dict() as node:
                yield node
                ahead.extend(node.values())
            case list() | tuple() as values:
                ahead.extend(values)
            case _:
                pass
