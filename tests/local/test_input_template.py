"""What a rule's target gets by an InputTransformer."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from local.background.input_template import render_input

EVENT: Mapping[str, Any] = {
    "version": "0",
    "id": "e-1",
    "detail-type": 'Say "hi" <id>',
    "source": "my.shop",
    "account": "123456789012",
    "time": "2026-11-22T09:00:00Z",
    "region": "us-east-1",
    "resources": ["a\\b", "c"],
    "detail": {
        "text": 'a "quoted"\nline <source> {',
        "n": 5,
        "yes": True,
        "none": None,
        "in-ner": {"list": [1, {"x": "é"}]},
    },
}
PATHS = {
    name.replace("-", ""): f"$.{name}"
    for name in ("id", "source", "detail-type", "account", "time", "region", "resources", "detail")
}


def rendered(template: str, **paths: str) -> Any:
    return json.loads(render_input({"InputTemplate": template, "InputPathsMap": paths or PATHS}, EVENT))


def test_an_event_arrives_as_it_is_in_the_template_that_triggers_use() -> None:
    members = ", ".join(f'"{path.removeprefix("$.")}": <{name}>' for name, path in PATHS.items())
    whole = rendered('{"trigger": {"tenant": "t-<1>", "revision": 3}, "event": {' + members + "}}")
    assert whole["trigger"] == {"tenant": "t-<1>", "revision": 3}
    assert whole["event"] == {name: value for name, value in EVENT.items() if name != "version"}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"a": <id>}', {"a": "e-1"}),
        ('"<id> of <source>"', "e-1 of my.shop"),
        ('{"a": "<id> says \\"<source>\\""}', {"a": 'e-1 says "my.shop"'}),
        ('[<n>, "<n>", <yes>, <none>]', [5, "5", True, None]),
        ('{"a": "<text>"}', {"a": EVENT["detail"]["text"]}),
        ('{"a": <inner>}', {"a": {"list": [1, {"x": "é"}]}}),
        ('{"a": "<inner>"}', {"a": '{"list": [1, {"x": "\\u00e9"}]}'}),
        ('{"a": <x>, "<id>": 1}', {"a": "é", "e-1": 1}),
        ('{"a": <nowhere>, "b": "<nowhere>"}', {"a": "", "b": ""}),
        ('{"a": <aws.events.event.ingestion-time>}', {"a": EVENT["time"]}),
        ('{"a": <aws.events.event.json>}', {"a": EVENT}),
    ],
)
def test_variables_become_json_by_themselves_and_text_within_text(template: str, expected: Any) -> None:
    paths = {
        "id": "$.id",
        "source": "$.source",
        "n": "$.detail.n",
        "yes": "$.detail.yes",
        "none": "$.detail.none",
        "text": "$.detail.text",
        "inner": "$.detail.in-ner",
        "x": "$.detail.in-ner.list[1].x",
        "nowhere": "$.detail.nowhere",
    }
    assert rendered(template, **paths) == expected
