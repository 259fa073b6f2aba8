"""Where a template's policies say `*`, and whether they say why."""

from collections.abc import Iterator

import yaml

PLACES = frozenset({"Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal"})
REASON = "# reason: "


def unexplained_wildcards(text: str) -> list[str]:
    """`line N: value` of each `*` in a policy without a `# reason:` in its line or the line above."""
    lines = text.splitlines()
    found = (scalar for place in _values_at_places(yaml.compose(text, yaml.SafeLoader)) for scalar in _scalars(place))
    return [
        f"line {node.start_mark.line + 1}: {node.value}"
        for node in found
        if "*" in node.value and not any(REASON in line for line in lines[_from(node) : node.start_mark.line + 1])
    ]


def _from(node: yaml.ScalarNode) -> int:
    return max(0, node.start_mark.line - 1)


def _values_at_places(node: yaml.Node | None) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value in PLACES:
                yield value
            yield from _values_at_places(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _values_at_places(item)


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _scalars(item)
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield from _scalars(value)
