"""How deep the run of an event stands in a row of runs that set each other off."""

from dataclasses import replace
from typing import Any

import pytest

from stepcall.domain.json_text import write_json
from stepcall.domain.run import RunStatus
from stepcall.domain.run_events import SOURCE, RunChange, event_of
from stepcall.domain.trigger_depth import depth_after
from stepcall.use_cases.executed_run import execution_input
from tests.sample_workflows import transform, workflow
from tests.unit.run_world import RunWorld


def told(depth: int) -> dict[str, Any]:
    """Of a run that has ended."""
    world = RunWorld()
    run = replace(world.start(workflow(transform("a"))), trigger_depth=depth)
    ended = replace(run, status=RunStatus.COMPLETED, completed_at=world.clock.now())
    event = event_of(RunChange(ended, RunStatus.RUNNING))
    assert event
    return {"source": SOURCE, "detail-type": event.type.value, "detail": event.to_json()}


def of_execution(depth: int) -> dict[str, Any]:
    run = replace(RunWorld().start(workflow(transform("a"))), trigger_depth=depth)
    detail = {"input": write_json(execution_input(run)), "status": "FAILED"}
    return {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail}


@pytest.mark.parametrize("depth", [0, 1, 10])
def test_who_is_set_off_by_a_run_stands_one_deeper(depth: int) -> None:
    assert depth_after(told(depth)) == depth + 1
    assert depth_after(of_execution(depth)) == depth + 1


def test_a_run_of_an_earlier_release_says_nothing_of_it_and_counts_as_a_callers() -> None:
    event = told(0)
    del event["detail"]["trigger_depth"]
    assert depth_after(event) == 1


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}},
        {"source": "com.example", "detail-type": "Run Completed", "detail": {"trigger_depth": 7}},
        {"source": SOURCE, "detail-type": "Execute Workflow", "detail": {"trigger_depth": 7}},
        {"source": SOURCE, "detail-type": "Run Completed", "detail": None},
        *(
            {"source": "aws.states", "detail": {"input": text}}
            for text in (None, "", "{", "[]", '"run"', '{"run": 1}', '{"run": {"trigger_depth": 7}}')
        ),
    ],
)
def test_what_tells_of_no_run_sets_off_a_run_of_its_own(event: dict[str, Any]) -> None:
    assert depth_after(event) == 0


@pytest.mark.parametrize("depth", ["9", None, [9]])
def test_a_depth_that_is_no_number_is_none(depth: Any) -> None:
    event = told(0)
    event["detail"]["trigger_depth"] = depth
    assert depth_after(event) == 1
