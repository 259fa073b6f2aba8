"""How deep the run of an event stands in a row of runs that set each other off."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from stepcall.domain.json_text import write_json
from stepcall.domain.run import RunStatus
from stepcall.domain.run_events import SOURCE, RunChange, event_of
from stepcall.domain.trigger_depth import MAX_TRIGGER_DEPTH, MalformedRowError, Row, row_of, run_event_id
from stepcall.use_cases.executed_run import execution_input
from tests.sample_workflows import transform, workflow
from tests.unit.run_world import RunWorld

IDS = (UUID(int=7), UUID(int=8))


def told(depth: int) -> dict[str, Any]:
    """Of a run that has ended."""
    world = RunWorld()
    run = replace(world.start(workflow(transform("a"))), trigger_depth=depth, trigger_ids=IDS)
    ended = replace(run, status=RunStatus.COMPLETED, completed_at=world.clock.now())
    event = event_of(RunChange(ended, RunStatus.RUNNING))
    assert event
    return {"source": SOURCE, "detail-type": event.type.value, "detail": event.to_json()}


def of_execution(depth: int) -> dict[str, Any]:
    run = replace(RunWorld().start(workflow(transform("a"))), trigger_depth=depth, trigger_ids=IDS)
    detail = {"input": write_json(execution_input(run)), "status": "FAILED"}
    return {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail}


@pytest.mark.parametrize("depth", [0, 1, 10])
def test_events_of_a_run_and_of_its_execution_tell_of_its_row(depth: int) -> None:
    assert row_of(told(depth)) == row_of(of_execution(depth)) == Row(depth, IDS)


def test_who_is_set_off_stands_one_deeper_and_no_more_than_ten_triggers_are_carried() -> None:
    row = Row(1, (UUID(int=1),)).and_then(UUID(int=2))
    assert row == Row(2, (UUID(int=1), UUID(int=2)))
    for number in range(3, 20):
        row = row.and_then(UUID(int=number))
    assert row.trigger_ids == tuple(UUID(int=number) for number in range(10, 20))


def test_a_run_of_an_earlier_release_says_nothing_of_it_and_counts_as_a_callers() -> None:
    event = told(0)
    del event["detail"]["trigger_depth"], event["detail"]["trigger_ids"]
    assert row_of(event) == Row(0, ())


def test_a_runs_event_is_called_the_same_however_often_it_is_told_and_others_have_no_such_name() -> None:
    event = told(0)
    assert str(run_event_id(event)) == event["detail"]["event_id"]
    assert run_event_id(of_execution(0)) is None
    for detail in ({}, {"event_id": 5}, {"event_id": "x"}):
        assert run_event_id(event | {"detail": detail}) is None


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
    assert row_of(event) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("trigger_depth", value) for value in ("9", None, [9], True, 0.0, -1, MAX_TRIGGER_DEPTH + 1, -(10**30))),
        *(("trigger_ids", value) for value in (None, "tr-1", ["tr-1"], [5], ["secret"], [str(UUID(int=7))] * 11)),
    ],
)
def test_a_row_that_no_run_has_is_not_believed_and_not_repeated(name: str, value: Any) -> None:
    event = told(0)
    event["detail"][name] = value
    with pytest.raises(MalformedRowError) as caught:
        row_of(event)
    [problem] = caught.value.problems
    assert (problem.location, problem.code) == (f"/detail/{name}", "invalid_value")
    assert "secret" not in problem.message
