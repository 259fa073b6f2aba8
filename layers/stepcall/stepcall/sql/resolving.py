"""Whether the columns that a query names can be there. Where something is not known, anything may be."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from stepcall.domain.connection import Column
from stepcall.domain.errors import shorten
from stepcall.sql.faults import SqlCode, SqlError
from stepcall.sql.grouping import find_ungrouped
from stepcall.sql.output_names import is_star
from stepcall.sql.source_text import SourceText

Names = Sequence[str] | None
"""Of columns, in their order; None when not all are known."""
MAX_COMPARED = 500
MAX_COLUMNS = 2000
"""Of a table: those of more are not known. Each of `SELECT a.*, b.*` over another could double them."""
MAX_FAULTS = 100
"""Of a query."""
_AFTER_SELECT = frozenset({"group", "having", "qualify", "order", "windows"})
_SCALAR_ARRAYS = (exp.GenerateSeries, exp.GenerateDateArray, exp.Split)


class _View(NamedTuple):
    """What columns may name in one SELECT, in small letters: names of columns have no case."""

    tables: Mapping[str, Names]
    columns: Mapping[str, str]
    """As they are written."""
    is_open: bool
    """Whether there are others that are not known."""
    given: frozenset[str]
    """What the SELECT calls its own columns."""


def suggest(name: str, known: Iterable[str]) -> str:
    """`; did you mean `x`?` for a near miss, else nothing."""
    near = difflib.get_close_matches(name[:64], [*known][:MAX_COMPARED], n=1, cutoff=0.7)
    return f"; did you mean `{near[0]}`?" if near else ""


class Resolver:
    """Resolves the columns of one tree. `tables` has what is known of each real table by its name in the tree."""

    def __init__(self, tree: exp.Query, tables: Mapping[str, Sequence[Column] | None], source: SourceText) -> None:
        self._tree = tree
        self._tables = tables
        self._source = source
        self._scopes = traverse_scope(tree)
        self._scope_of = {id(scope.expression): scope for scope in self._scopes}
        self._names: dict[int, Names] = {}
        self._views: dict[int, _View] = {}
        for scope in self._scopes:  # inner ones come first
            names = self._names_of(scope)
            self._names[id(scope)] = names if names is None or len(names) <= MAX_COLUMNS else None

    @property
    def output_names(self) -> Names:
        return self._names[id(self._scopes[-1])] if self._scopes else None

    @property
    def size(self) -> int:
        """Columns that the query and its parts have together, stars written out."""
        return sum(len(names or ()) for names in self._names.values())

    def find_faults(self) -> list[SqlError]:
        """Every column that cannot be there, as far as anybody reads on."""
        return [*islice(self._find_faults(), MAX_FAULTS)]

    def _find_faults(self) -> Iterator[SqlError]:
        for node in self._tree.find_all(exp.Column, exp.Star, exp.Join):
            query = node.find_ancestor(exp.Query)
            scope = self._scope_of.get(id(query))
            if scope is None or not isinstance(query, exp.Select):
                continue  # the columns of a set operation's ORDER BY are those of the result
            if isinstance(node, exp.Join):
                yield from self._find_unjoined(node, scope)
            elif isinstance(node, exp.Star):
                yield from self._find_undropped(node, scope)
            elif (
                isinstance(node, exp.Column)
                and not is_star(node)
                and node.arg_key != "except_"
                and (fault := self._resolve(node, scope))
            ):
                yield fault
        yield from self._find_ungrouped()

    def _find_ungrouped(self) -> Iterator[SqlError]:
        for scope in self._scopes:
            query = scope.expression
            if isinstance(query, exp.Select) and (column := find_ungrouped(query, partial(self._is_own, scope))):
                name = shorten(column.name)
                message = f"`{name}` is neither grouped nor aggregated: add GROUP BY, or say ANY_VALUE({name})"
                yield self._source.fault_of(column, message)

    def _is_own(self, scope: Scope, column: exp.Column) -> bool:
        """Whether it is surely a column of the scope's FROM."""
        first, view = column.parts[0].name.casefold(), self._view(scope)
        is_alone = [*_scopes_around(scope)] == [scope]
        return is_alone or first in view.columns or (len(column.parts) > 1 and first in view.tables)

    def _names_of(self, scope: Scope) -> Names:
        query = scope.expression
        if isinstance(query, exp.SetOperation):
            return self._names.get(id(scope.set_operation_scopes[0])) if scope.set_operation_scopes else None
        if isinstance(query, exp.Unnest):
            return self._names_of_unnest(query, scope)
        if not isinstance(query, exp.Select):
            return None
        names: list[str] = []
        for projection in query.expressions:
            found = self._names_of_projection(projection, scope)
            if found is None:
                return None
            names.extend(found)
        return names

    def _names_of_projection(self, projection: exp.Expr, scope: Scope) -> Names:
        if not is_star(projection):
            return [projection.alias_or_name]
        star = projection if isinstance(projection, exp.Star) else projection.find(exp.Star)
        if star is None or isinstance(projection, exp.Dot):
            return None
        every = self._names_under_star(projection, scope)
        dropped = {each.name.casefold() for each in star.args.get("except_") or []}
        return every and [name for name in every if name.casefold() not in dropped]

    def _names_under_star(self, projection: exp.Expr, scope: Scope) -> Names:
        sources = self._view(scope).tables
        if isinstance(projection, exp.Column):
            return sources.get(projection.table.casefold()) if len(projection.parts) == 2 else None
        joined_by_name = any(join.args.get("using") for join in scope.expression.args.get("joins") or [])
        if joined_by_name or any(columns is None for columns in sources.values()):
            return None
        return [name for columns in sources.values() for name in columns or ()]

    def _names_of_unnest(self, unnest: exp.Unnest, scope: Scope) -> Names:
        """None when its elements may be structs: their fields are columns, too."""
        alias, offset = unnest.args.get("alias"), unnest.args.get("offset")
        names = [column.name for column in alias.args.get("columns") or []] if alias else []
        names += [offset.name] if isinstance(offset, exp.Identifier) else []
        return names if self._holds_scalars(unnest, scope) else None

    def _holds_scalars(self, unnest: exp.Unnest, scope: Scope) -> bool:
        array = unnest.expressions[0] if unnest.expressions else None
        if isinstance(array, exp.Array):
            return all(isinstance(element, exp.Literal) for element in array.expressions)
        if isinstance(array, exp.Cast):  # what a parameter has become
            return not any(part.this is exp.DType.STRUCT for part in array.to.find_all(exp.DataType))
        if isinstance(array, exp.Column) and scope.parent:
            found = [each.type for each in self._columns_of_tables(scope.parent) if each.name == array.name]
            return len(found) == 1 and found[0].startswith("ARRAY<") and "STRUCT" not in found[0]
        return isinstance(array, _SCALAR_ARRAYS)

    def _columns_of_tables(self, scope: Scope) -> Iterator[Column]:
        for _, source in scope.selected_sources.values():
            if isinstance(source, exp.Table):
                yield from self._tables.get(source.name) or ()

    def _sources(self, scope: Scope) -> Iterator[tuple[str, Names]]:
        for name, (_, source) in scope.selected_sources.items():
            if isinstance(source, exp.Table):
                known = self._tables.get(source.name)
                yield name, None if known is None else [column.name for column in known]
            else:
                yield name, self._names.get(id(source))

    def _view(self, scope: Scope) -> _View:
        if id(scope) not in self._views:
            tables = {name.casefold(): names for name, names in self._sources(scope)}
            columns = {name.casefold(): name for names in tables.values() for name in names or ()}
            given = frozenset(column.alias_or_name.casefold() for column in scope.expression.expressions)
            self._views[id(scope)] = _View(tables, columns, None in tables.values(), given)
        return self._views[id(scope)]

    def _resolve(self, column: exp.Column, scope: Scope) -> SqlError | None:
        first, names = column.parts[0].name, dict[str, str]()
        if first.casefold() in self._view(scope).given and _stands_after_select(column, scope):
            return None
        for view in map(self._view, _scopes_around(scope)):
            if len(column.parts) > 1 and first.casefold() in view.tables:
                return self._resolve_in(column, first, view.tables[first.casefold()])
            if view.is_open or first.casefold() in view.columns or first.casefold() in view.tables:
                return None
            names.update(view.columns)
        message = f"Unrecognized name: `{shorten(first)}`{suggest(first, names.values())}"
        return self._source.fault_of(column, message, SqlCode.UNKNOWN_COLUMN)

    def _find_unjoined(self, join: exp.Join, scope: Scope) -> Iterator[SqlError]:
        """Names after USING that the joined table does not have."""
        names = self._view(scope).tables.get(join.alias_or_name.casefold())
        for column in join.args.get("using") or []:
            if names is not None and column.name.casefold() not in (known.casefold() for known in names):
                yield self._no_column(column, join.alias_or_name, column.name, names)

    def _find_undropped(self, star: exp.Star, scope: Scope) -> Iterator[SqlError]:
        """Names after EXCEPT that the star does not stand for."""
        dropped = star.args.get("except_") or []
        names = self._names_under_star(star.parent if isinstance(star.parent, exp.Column) else star, scope)
        for column in dropped:
            if names is not None and column.name.casefold() not in (known.casefold() for known in names):
                message = f"There is no column `{shorten(column.name)}` to leave out{suggest(column.name, names)}"
                yield self._source.fault_of(column, message, SqlCode.UNKNOWN_COLUMN)

    def _resolve_in(self, column: exp.Column, table: str, names: Names) -> SqlError | None:
        field = column.parts[1]
        if names is None or field.name.casefold() in (name.casefold() for name in names):
            return None
        return self._no_column(field, table, field.name, names)

    def _no_column(self, node: exp.Expr, table: str, name: str, names: Sequence[str]) -> SqlError:
        message = f"`{shorten(table)}` has no column `{shorten(name)}`{suggest(name, names)}"
        return self._source.fault_of(node, message, SqlCode.UNKNOWN_COLUMN)


def _stands_after_select(column: exp.Column, scope: Scope) -> bool:
    """Where the names that the SELECT gives are known."""
    below: exp.Expr = column
    while below.parent is not None and below.parent is not scope.expression:
        below = below.parent
    return below.arg_key in _AFTER_SELECT


def _scopes_around(scope: Scope) -> Iterator[Scope]:
    """Itself, and those outside it whose columns it may name: a table of FROM, or of WITH, may not name its query's."""
    yield scope
    current: Scope | None = scope
    while current is not None and current.parent is not None:
        if current.is_subquery or current.is_udtf:
            yield current.parent
        current = current.parent
