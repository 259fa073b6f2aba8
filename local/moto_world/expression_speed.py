"""DynamoDB's expressions, read once and walked without moto's detours: the same steps in a third of the time.

An UpdateItem copies its expression's tree and walks it ten times; at each node moto asks abstract base classes what the
node is. What a type of node is does not change, so it is asked once per type here.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, lru_cache
from typing import Any

from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.parsing.ast_nodes import (  # type: ignore[attr-defined]
    DepthFirstTraverser,
    Expression,
    Node,
    UpdateExpressionFunction,
)
from moto.dynamodb.parsing.expressions import UpdateExpressionParser  # type: ignore[attr-defined]
from moto.dynamodb.parsing.validators import (
    ActionCountValidator,
    OverlappingPathsValidator,
    UpdateExpressionValidator,
    Validator,
)

from local.moto_world.replacing import added, replaced

EXPRESSIONS_CACHED = 512
NO_NODE = object
is_node: Callable[[Any], bool] = cache(lambda kind: issubclass(kind, Node))
holds_clauses: Callable[[Any], bool] = cache(lambda kind: issubclass(kind, (Expression, UpdateExpressionFunction)))


@contextmanager
def fast_expressions() -> Iterator[None]:
    corrections: list[tuple[Any, str, Any]] = [
        (UpdateExpressionParser, "make", staticmethod(lru_cache(EXPRESSIONS_CACHED)(UpdateExpressionParser.make))),
        (ConditionExpressionParser, "_lex_condition_expression", _cached_lexing()),
        (Node, "find_clauses", find_clauses),
        (UpdateExpressionValidator, "get_ast_processors", _values_only(UpdateExpressionValidator.get_ast_processors)),
        (Validator, "__init__", _check_paths_first(Validator.__init__)),
        (DepthFirstTraverser, "traverse", traverse),
    ]
    with ExitStack() as stack:
        for correction in corrections:
            stack.enter_context(replaced(*correction))
        stack.enter_context(added(Node, "__deepcopy__", copy_tree))
        yield


def _cached_lexing() -> Any:
    lex = ConditionExpressionParser._lex_condition_expression

    @lru_cache(EXPRESSIONS_CACHED)
    def lex_once(expression: str) -> Any:
        return tuple(lex(ConditionExpressionParser(expression, None, None)))

    def lex_condition_expression(self: Any) -> Any:
        return deque(lex_once(self.condition_expression))  # which the parser takes apart

    return lex_condition_expression


def _check_paths_first(init: Any) -> Any:
    """Two of the ten walks look at paths and names only: what they let pass once, they let pass again."""

    @lru_cache(EXPRESSIONS_CACHED)
    def check_paths(expression: Any, names: tuple[tuple[str, str], ...]) -> None:
        for walk in (ActionCountValidator(), OverlappingPathsValidator(dict(names))):
            walk.traverse(expression)  # which they do not change

    def check_paths_first(
        self: Any, expression: Any, expression_attribute_names: Any, *args: Any, **kwargs: Any
    ) -> None:
        check_paths(expression, tuple((expression_attribute_names or {}).items()))
        init(self, expression, expression_attribute_names, *args, **kwargs)

    return check_paths_first


def _values_only(get_ast_processors: Any) -> Any:
    def get_value_processors(self: Any) -> list[Any]:
        walks = get_ast_processors(self)
        return [walk for walk in walks if not isinstance(walk, (ActionCountValidator, OverlappingPathsValidator))]

    return get_value_processors


def copy_tree(self: Any, _memo: Any = None) -> Any:
    """A deep copy whose root has no parent. Leaves that are no nodes are text, numbers and values: never changed."""
    made = object.__new__(type(self))
    fields = vars(made)
    fields.update(vars(self), parent=None)
    if self.children:
        made.children = children = [copy_tree(child) if is_node(type(child)) else child for child in self.children]
        for child in children:
            if is_node(type(child)):
                child.parent = made
    return made


def find_clauses(self: Any, clause_types: list[type]) -> list[Any]:
    found: list[Any] = []
    for child in self.children or ():
        if type(child) in clause_types:
            found.append(child)
        elif holds_clauses(type(child)):
            found.extend(find_clauses(child, clause_types))
    return found


def traverse(self: Any, root: Any) -> Any:
    """Depth first: what a node's processor returns takes the node's place."""
    processors = self._processing_map()
    kinds = _kinds_processed(tuple(processors))
    before_child = None if _does_nothing_before_children(type(self)) else self.pre_processing_of_child

    def visit(node: Any, child_id: int) -> Any:
        parent = node.parent
        for index, child in enumerate(node.children or ()):
            if before_child is not None:
                before_child(node, index)
            if kinds[type(child)] is not NO_NODE:
                visit(child, index)
        key = kinds[type(node)]
        if key is not None:
            node = processors[key](node)
            node.parent = parent
            if parent:
                parent.children[child_id] = node
        return node

    return visit(root, -1)


class KindsProcessed(dict[type, type | None]):
    """By type of node: which of the keys it is processed as, None for none of them, NO_NODE for what is no node."""

    def __init__(self, keys: tuple[type, ...]) -> None:
        super().__init__()
        self._keys = keys

    def __missing__(self, kind: type) -> type | None:
        if is_node(kind):
            self[kind] = next((key for key in self._keys if issubclass(kind, key)), None)
        else:
            self[kind] = NO_NODE
        return self[kind]


_kinds_processed: Callable[[tuple[Any, ...]], KindsProcessed] = cache(KindsProcessed)


def _does_nothing_before_children(walk: Any) -> bool:
    return walk.pre_processing_of_child is DepthFirstTraverser.pre_processing_of_child
