"""What of an event trigger is taken and probably not meant."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stepcall.domain.check import check_definition
from stepcall.domain.event_pattern import bus_of
from stepcall.domain.ids import spell_workflow
from stepcall.domain.run_events import DETAIL_FIELDS
from stepcall.domain.trigger import Bus, EventSource
from stepcall.domain.trigger_advice import advise_on
from stepcall.tasks.catalog import CATALOG
from tests.trigger_world import OWN_EVENT, SCHEDULE

SCHEMA = Path(__file__).parents[2] / "docs" / "run_event.schema.json"
DEFINITION = check_definition(
    {
        "name": "Nightly",
        "input": [{"name": "said", "type": "string", "required": False}],
        "tasks": [{"ref": "one", "type": "Data.Transform", "input": {"expression": "1", "data": {}}}],
    },
    CATALOG,
).definition
OTHERS = spell_workflow(OWN_EVENT.trigger_id)
OWN = spell_workflow(OWN_EVENT.workflow_id)


def advised(pattern: Any, bus: Bus | None = None, **given: Any) -> list[tuple[str, str]]:
    return [(each.location, each.code) for each in advice(pattern, bus, **given)]


def advice(pattern: Any, bus: Bus | None = None, **given: Any) -> list[Any]:
    trigger = replace(OWN_EVENT, source=EventSource(pattern, bus or bus_of(pattern)), input=given)
    return advise_on(trigger, DEFINITION)


def of_others(**detail: Any) -> dict[str, Any]:
    return {"source": ["stepcall"], "detail": {"workflow_id": [OTHERS], **detail}}


@pytest.mark.parametrize(
    ("pattern", "bus", "found"),
    [
        ({"detail-type": ["Object Created"]}, None, [("/pattern", "no_source")]),
        ({"detail-type": ["Object Created"]}, Bus.DEFAULT, []),
        ({"source": ["my.shop"]}, None, []),
        ({"source": ["aws.s3"]}, None, []),
        ({"source": ["aws.s3", "my.shop"]}, None, [("/pattern/source/0", "partly_never_fires")]),
        ({"source": ["my.shop", {"prefix": "aws."}]}, None, [("/pattern/source/1", "partly_never_fires")]),
        ({"source": ["aws.s3", "my.shop"]}, Bus.DEFAULT, []),
        ({"$or": [{"source": ["my.shop"]}, {"source": ["aws.s3"]}]}, None, [("/pattern/$or/1", "partly_never_fires")]),
        ({"source": ["stepcall"]}, Bus.DEFAULT, [("/pattern/source/0", "partly_never_fires")]),
    ],
)
def test_what_never_comes_by_the_bus_is_told(pattern: Any, bus: Bus | None, found: list[tuple[str, str]]) -> None:
    assert advised(pattern, bus) == found


def test_a_type_that_stepcall_sends_no_events_of_is_told_with_the_one_that_was_meant() -> None:
    [told] = advice(of_others() | {"detail-type": ["Run Completed", "Run completed", {"prefix": "R"}]})
    assert (told.location, told.code) == ("/pattern/detail-type/1", "unknown_detail_type")
    assert told.message.endswith("did you mean `Run Completed`?")


def test_a_field_that_stepcalls_events_do_not_have_is_told() -> None:
    near, gone = advice(of_others(workflowname=["x"], output={"day": ["x"]}, reason=[{"exists": False}]))
    assert (near.location, near.code) == ("/pattern/detail/workflowname", "unknown_detail_field")
    assert near.message.endswith("did you mean `workflow_name`?")
    assert gone.location == "/pattern/detail/output"
    assert "{{event.detail.execution_id}}" in gone.message


@pytest.mark.parametrize(
    ("template", "places"),
    [
        ("{{event.detail.output.day}}", ["/input/said"]),
        ("of {{event.detail.error.cause}}", ["/input/said"]),
        ("{{event.detail.status}} {{event.detail.error.message}} {{event.time}} {{event.detail}}", []),
        ({"deep": ["{{event.detail.inputs}}"]}, ["/input/said/deep/0"]),
        ("no template", []),
    ],
)
def test_a_template_of_what_stepcalls_events_do_not_have_is_told(template: Any, places: list[str]) -> None:
    assert advised(of_others(), said=template) == [(place, "unknown_detail_field") for place in places]


@pytest.mark.parametrize(
    ("detail", "is_told"),
    [
        ({}, True),
        ({"workflow_id": [OWN, OTHERS]}, True),
        ({"workflow_name": ["Nightly"], "tenant": ["acme"], "status": ["FAILED"]}, True),
        ({"workflow_id": [OTHERS]}, False),
        ({"workflow_name": ["Another"]}, False),
        ({"tenant": ["other"]}, False),
        ({"trigger_depth": [0]}, False),
        ({"workflow_id": [{"anything-but": OWN}]}, False),
    ],
)
def test_a_trigger_that_its_own_runs_set_off_is_told(detail: Any, is_told: bool) -> None:
    pattern = {"source": ["stepcall"], **({"detail": detail} if detail else {})}
    assert advised(pattern) == ([("/pattern", "takes_own_runs")] if is_told else [])


def test_of_others_events_and_of_schedules_nothing_is_known() -> None:
    assert advised({"source": ["stepcall", "my.shop"], "detail": {"x": [1]}}, said="{{event.detail.y}}") == []
    assert advise_on(SCHEDULE, DEFINITION) == []


def test_the_fields_of_a_detail_are_those_that_its_schema_describes() -> None:
    described = json.loads(SCHEMA.read_text())["properties"]
    assert set(DETAIL_FIELDS) == set(described)
    assert {name: tuple(field.get("properties", ())) for name, field in described.items()} == dict(DETAIL_FIELDS)
