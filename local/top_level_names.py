"""What a Python file names at its top level, found without running it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from local.errors import OwnFunctionError

OWN_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
EVERYTHING = "*"


class TopLevelNames(NamedTuple):
    functions: tuple[str, ...]
    """Those that it defines, in its order."""
    bound: frozenset[str]
    """All that it defines, imports or assigns; `*` where only running it would tell."""

    @classmethod
    def of(cls, file: Path) -> "TopLevelNames":
        """Raises OwnFunctionError when this is no Python."""
        try:
            statements = list(_statements(ast.parse(file.read_bytes())))
        except (SyntaxError, ValueError) as exc:
            raise OwnFunctionError(f"`{file}` cannot be read as Python: {exc}.") from exc
        functions = (each.name for each in statements if isinstance(each, ast.FunctionDef))
        return cls(tuple(dict.fromkeys(functions)), frozenset(name for each in statements for name in _bound_by(each)))

    def may_have(self, name: str) -> bool:
        return name in self.bound or EVERYTHING in self.bound


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All below, in order, also under `if` and `try`; not what functions and classes have inside."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, OWN_SCOPES):
            yield from _statements(child)


def _bound_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
