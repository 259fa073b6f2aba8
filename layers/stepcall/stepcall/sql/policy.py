"""Whether a query may be run: what it is made of, and what it names."""

import re
from collections.abc import Callable, Mapping

from sqlglot import exp

from stepcall.domain.errors import shorten
from stepcall.sql.faults import SqlCode, SqlError
from stepcall.sql.function_names import FUNCTION_NAMES
from stepcall.sql.grammar import (
    ALLOWED,
    ARGUMENTS,
    CATALOGS,
    FORMAT_PATTERN,
    JOINS,
    KINDS_OF_SELECT,
    NAMED_BY_IDENTIFIERS,
    STATEMENTS,
    WORDS,
)
from stepcall.sql.resolving import suggest
from stepcall.sql.source_text import SourceText

MAX_TREE_DEPTH = 200
MAX_FAULTS = 100
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
TABLE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,127}", re.ASCII)
COLUMN_NAME = re.compile(r"[^\x00-\x1f\x7f\"`]{1,300}")
FORMAT = re.compile(FORMAT_PATTERN)


def judge(tree: exp.Query, source: SourceText) -> list[SqlError]:
    """Everything in the tree that is not allowed, in its order; of what begins at one place, one."""
    if fault := _judge_depth(tree, source):
        return [fault]
    found: dict[tuple[int, int], SqlError] = {}
    for node in tree.walk():
        if fault := _judge_node(node, source):
            found.setdefault((fault.line, fault.column), fault)
        if len(found) >= MAX_FAULTS:
            break
    return [found[place] for place in sorted(found)]


def _judge_depth(tree: exp.Query, source: SourceText) -> SqlError | None:
    ahead: list[tuple[exp.Expr, int]] = [(tree, 0)]
    while ahead:
        node, depth = ahead.pop()
        if depth > MAX_TREE_DEPTH:
            return source.fault_of(node, f"More than {MAX_TREE_DEPTH} parts stand one in the other; split them up.")
        ahead.extend((child, depth + 1) for child in node.iter_expressions())
    return None


def _judge_node(node: exp.Expr, source: SourceText) -> SqlError | None:
    kind = type(node).__name__
    if kind not in ALLOWED:
        return _forbid_kind(node, kind, source)
    judge_kind = _JUDGES.get(kind)
    return (judge_kind(node, source) if judge_kind else None) or _judge_arguments(node, kind, source)


def _forbid_kind(node: exp.Expr, kind: str, source: SourceText) -> SqlError:
    if kind in STATEMENTS:
        return source.fault_of(node, "Only a SELECT can be run.", SqlCode.NOT_SELECT)
    if kind not in WORDS and isinstance(node, exp.Func):
        name = shorten(source.written(node) or node.sql_name())
        hint = suggest(name.upper(), FUNCTION_NAMES) if isinstance(node, exp.Anonymous) else ""
        message = f"The function `{name}` cannot be used{hint or ':'} docs/workflows.md lists those that can."
    else:
        message = f"{WORDS.get(kind, f'What sqlglot calls {kind}')} cannot be used."
    return source.fault_of(node, message, SqlCode.FORBIDDEN)


def _judge_arguments(node: exp.Expr, kind: str, source: SourceText) -> SqlError | None:
    """Whether the node has only what its kind may have, and names where names must stand."""
    for key, value in node.args.items():
        place = value if isinstance(value, exp.Expr) else node
        if value and key not in ARGUMENTS.get(kind, (key,)):
            words = WORDS.get(type(place).__name__) or f"What sqlglot calls `{key}` of {kind}"
            return source.fault_of(place, f"{words} cannot be used.", SqlCode.FORBIDDEN)
        if key in NAMED_BY_IDENTIFIERS.get(kind, ()) and not _are_names(value):
            return source.fault_of(node, "A name must stand here.", SqlCode.FORBIDDEN)
    return None


def _are_names(value: object) -> bool:
    values = value if isinstance(value, list) else [value]
    return all(not each or isinstance(each, exp.Identifier) for each in values)


def _judge_table(node: exp.Expr, source: SourceText) -> SqlError | None:
    parts = [part for key in ("catalog", "db", "this") if (part := node.args.get(key))]
    if not all(isinstance(part, exp.Identifier) for part in parts):
        message = "Only a table, a subquery or UNNEST can stand here, no function."
    elif any(part.name.casefold().startswith(CATALOGS) for part in parts):
        message = "Tables that tell of the engine itself cannot be read."
    elif not all(TABLE_NAME.fullmatch(part.name) for part in parts):
        message = "A table's name is made of letters, digits, `_` and `-`; a file or an address is no table."
    else:
        return None
    return source.fault_of(node, message, SqlCode.FORBIDDEN)


def table_parts(table: exp.Expr) -> list[exp.Identifier]:
    """The parts of a table's name, in their order."""
    return [part for key in ("catalog", "db", "this") if isinstance(part := table.args.get(key), exp.Identifier)]


def _judge_identifier(node: exp.Expr, source: SourceText) -> SqlError | None:
    if source.written(node)[:1] in {"'", '"'} or source.written(node)[:2].lower() in {"r'", 'r"', "b'", 'b"'}:
        return source.fault_of(node, "Text stands where a name must; names are quoted by backticks.", SqlCode.FORBIDDEN)
    if not COLUMN_NAME.fullmatch(node.name):
        return source.fault_of(node, "This is no name.", SqlCode.FORBIDDEN)
    return None


def _judge_parameter(node: exp.Expr, source: SourceText) -> SqlError | None:
    if isinstance(node.this, exp.Parameter):
        return source.fault_of(node, "System variables cannot be read.", SqlCode.FORBIDDEN)
    if isinstance(node.parent, exp.Parameter):
        return None  # told of the one around it
    if set(node.args) - {"this"} or not isinstance(node.this, exp.Var) or not NAME.fullmatch(node.this.name):
        return source.fault_of(node, "A parameter is written `@name`.")
    return None


def _judge_placeholder(node: exp.Expr, source: SourceText) -> SqlError | None:
    return source.fault_of(node, "A parameter is written `@name`.") if any(node.args.values()) else None


def _judge_dot(node: exp.Expr, source: SourceText) -> SqlError | None:
    if isinstance(node.expression, exp.Identifier | exp.Star) or type(node.expression).__name__ not in ALLOWED:
        return None
    message = "Functions with a prefix, such as `SAFE.` or a dataset's, cannot be used."
    return source.fault_of(node, message, SqlCode.FORBIDDEN)


def _judge_var(node: exp.Expr, source: SourceText) -> SqlError | None:
    return None if NAME.fullmatch(node.name) else source.fault_of(node, "This is no word of the language.")


def _judge_select(node: exp.Expr, source: SourceText) -> SqlError | None:
    kind = node.args.get("kind")
    if not node.expressions:
        return source.fault_of(node, "A SELECT names what it selects.")
    if kind == "VALUE" and not node.find_ancestor(exp.Array):
        return source.fault_of(node, "SELECT AS VALUE stands in ARRAY(…) only.", SqlCode.FORBIDDEN)
    if kind and kind not in KINDS_OF_SELECT:
        return source.fault_of(node, "Of `SELECT AS` there are STRUCT and VALUE.", SqlCode.FORBIDDEN)
    return None


def _judge_join(node: exp.Expr, source: SourceText) -> SqlError | None:
    kinds, sides = JOINS
    if (node.args.get("kind") or "").upper() in kinds and (node.args.get("side") or "").upper() in sides:
        return None
    return source.fault_of(node, "Joins are INNER, LEFT, RIGHT, FULL or CROSS.", SqlCode.FORBIDDEN)


def _judge_type(node: exp.Expr, source: SourceText) -> SqlError | None:
    return source.fault_of(node, "There is no such type.") if node.this is exp.DType.USERDEFINED else None


def _judge_format(node: exp.Expr, source: SourceText) -> SqlError | None:
    pattern = node.this
    if isinstance(pattern, exp.Literal | exp.RawString) and FORMAT.fullmatch(pattern.name):
        return None
    message = "FORMAT takes a literal pattern of %d, %s, %f, %e, %g, %x, %o and %%."
    return source.fault_of(node, message, SqlCode.FORBIDDEN)


_JUDGES: Mapping[str, Callable[[exp.Expr, SourceText], SqlError | None]] = {
    "DataType": _judge_type,
    "Dot": _judge_dot,
    "Format": _judge_format,
    "Identifier": _judge_identifier,
    "Join": _judge_join,
    "Parameter": _judge_parameter,
    "Placeholder": _judge_placeholder,
    "Select": _judge_select,
    "Table": _judge_table,
    "Var": _judge_var,
}
