"""How much one answer holds of what there is a list of."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from stepcall.domain.json_text import print_json
from stepcall.runtime.http import MAX_ANSWER_BYTES, MOST_BYTES_OF_A_CHARACTER

ItemT = TypeVar("ItemT")
Json = dict[str, Any]
ROOM = MAX_ANSWER_BYTES // MOST_BYTES_OF_A_CHARACTER - 512
"""Characters of a list's entries, what stands around them apart: Lambda carries them for certain."""


def fill_page(
    items: Sequence[ItemT], print_item: Callable[[ItemT], Json], id_of: Callable[[ItemT], UUID], rest: UUID | None
) -> tuple[list[Json], UUID | None]:
    """As many as one answer has room for, and the item to go on after; `rest` when that is all of them."""
    printed: list[Json] = []
    length = 0
    for number, item in enumerate(items):
        entry = print_item(item)
        length += len(print_json(entry)) + 1
        if length > ROOM and number:
            return printed, id_of(items[number - 1])
        printed.append(entry)
    return printed, rest
