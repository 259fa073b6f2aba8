"""What the templates of a trigger's input may name: `{{event.time}}`, `{{event.detail.order.lines[0]}}`.

They are the workflow's templates with another head: docs/triggers.md.
"""

import re
from collections.abc import Mapping
from typing import Any

from stepcall.domain.errors import shorten
from stepcall.domain.json_schema import ANYTHING, SCHEMAS, Schema, Variant
from stepcall.domain.parse_template import DEEPER, TemplateSyntaxError, read_path
from stepcall.domain.template import EventReference, Reference
from stepcall.domain.types import JsonType, ValueType

_HEAD = re.compile(r"event\.(?P<name>[A-Za-z_][A-Za-z0-9_-]*)")
_STEP = re.compile(r"\.(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|\[(?P<index>[0-9]{1,9})\]")
"""With hyphens, which the fields of AWS's events have, such as `instance-id`."""
_TEXT = SCHEMAS[ValueType.STRING]
_TEXTS = Schema({JsonType.ARRAY: Variant(JsonType.ARRAY, items=_TEXT)})
NOTHING = Schema({JsonType.OBJECT: Variant(JsonType.OBJECT)})
_TEXT_WORDS = ("id", "source", "detail-type", "account", "time", "region")
EVENT_SCHEMAS: Mapping[str, Schema] = {
    **dict.fromkeys(_TEXT_WORDS, _TEXT),
    "resources": _TEXTS,
    "detail": Schema({JsonType.OBJECT: Variant(JsonType.OBJECT, additional=ANYTHING)}),
}
"""What is known of an event before it comes."""
SCHEDULE_SCHEMAS: Mapping[str, Schema] = {**EVENT_SCHEMAS, "detail": NOTHING}
"""The same of the time of a schedule, which has no detail."""


def parse_event_reference(text: str) -> Reference:
    """`event.NAME`, then any number of `.field` and `[index]`. Raises TemplateSyntaxError."""
    spelled = text.strip()
    head = _HEAD.match(spelled)
    path = read_path(spelled, head.end(), _STEP) if head else None
    if head is None or path is None:
        raise TemplateSyntaxError(
            f"`{{{{{shorten(spelled)}}}}}` names nothing here: write `{{{{event.detail.FIELD}}}}` or "
            f"`{{{{event.time}}}}`, {DEEPER}."
        )
    return EventReference(head["name"], path)


def event_scope(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event's words that templates may name."""
    return {name: event.get(name) for name in EVENT_SCHEMAS}
