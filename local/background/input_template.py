"""The InputTransformer of a rule's target, as EventBridge renders it: moto leaves text as it is, which breaks JSON.

Source: docs.aws.amazon.com/eventbridge, "Amazon EventBridge input transformation". A variable that stands by itself
becomes JSON, so text gets its quotes; one within a text becomes part of that text. What AWS makes of a variable that
names nothing is documented as left out only: here it is empty text.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from jsonpath_ng.ext.parser import parse as parse_path

_PART = re.compile(r'(?P<text>"(?:[^"\\]|\\.)*")|<(?P<name>[A-Za-z0-9_.-]+)>', re.DOTALL)
_NAME = re.compile(r"<([A-Za-z0-9_.-]+)>")


def render_input(transformer: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    values = {name: _find(path, event) for name, path in transformer.get("InputPathsMap", {}).items()}
    values |= {
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": dict(event),
        "aws.events.event.ingestion-time": event["time"],
    }

    def fill(part: re.Match[str]) -> str:
        if part["text"]:
            return _NAME.sub(lambda name: _within_text(name, values), part["text"])
        return json.dumps(values[part["name"]]) if part["name"] in values else part[0]

    return _PART.sub(fill, transformer["InputTemplate"])


def _within_text(name: re.Match[str], values: Mapping[str, Any]) -> str:
    if name[1] not in values:
        return name[0]
    value = values[name[1]]
    return json.dumps(value if isinstance(value, str) else json.dumps(value))[1:-1]


def _find(path: str, event: Mapping[str, Any]) -> Any:
    found = parse_path(_quoted(path)).find(event)
    return found[0].value if found else ""


def _quoted(path: str) -> str:
    """`$.detail-type` is a name to EventBridge, and a subtraction to the library."""
    return re.sub(r"\.([A-Za-z0-9_]*-[A-Za-z0-9_-]*)", r'."\1"', path)
