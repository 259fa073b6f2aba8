"""Problems in the order in which their places stand in the document."""

from typing import Any

from stepcall.domain.errors import Problem


def in_document_order(problems: list[Problem], document: Any) -> list[Problem]:
    """A place that the document lacks stands at the end of what should hold it."""
    order = _DocumentOrder(document)
    return sorted(problems, key=lambda problem: order.position(problem.location))


MAX_DIGITS = 10  # no array is as long, and Python refuses to read thousands of digits


class _DocumentOrder:
    def __init__(self, document: Any) -> None:
        self._document = document
        self._positions: dict[int, dict[str, int]] = {}

    def position(self, location: str) -> list[int]:
        value, position = self._document, []
        for token in location.split("/")[1:]:
            key = token.replace("~1", "/").replace("~0", "~")
            step, value = self._step(value, key)
            position.append(step)
        return position

    def _step(self, value: Any, key: str) -> tuple[int, Any]:
        if isinstance(value, dict):
            keys = self._positions.setdefault(id(value), {}) or self._number_keys(value)
            return keys.get(key, len(value)), value.get(key)
        if isinstance(value, list) and key.isdecimal() and len(key) < MAX_DIGITS:
            return int(key), value[int(key)] if int(key) < len(value) else None
        return 0, None

    def _number_keys(self, value: dict[str, Any]) -> dict[str, int]:
        self._positions[id(value)] = {key: index for index, key in enumerate(value)}
        return self._positions[id(value)]
