"""`sam local invoke FUNCTION -e events/FILE.json`, for each of them."""

from pathlib import Path

import pytest

from local.sam_local.docker import containers_of
from tests.event_world import event_names
from tests.sam_local.events_table import event_world, send_events, table

CAME_OF_IT = {
    "run_web_task": "RUNNING, page COMPLETED",
    "run_ai_task": "RUNNING, summary COMPLETED",
    "run_data_task": "RUNNING, length COMPLETED",
    "run_sql_task": "RUNNING, table COMPLETED",
    "run_lambda_task": "RUNNING, quote SKIPPED",
    "finish_run": "COMPLETED, summary COMPLETED",
    "finish_run.error": "FAILED, page FAILED",
    "record_execution_status": "CANCELLED",
    **dict.fromkeys(
        ("start_triggered_run", "start_triggered_run.rule", "start_triggered_run.schedule"),
        "COMPLETED, length COMPLETED, page COMPLETED, quote SKIPPED, summary COMPLETED, table COMPLETED",
    ),
}
"""Of those that answer nothing: what is written of the run, or of the one that they start, at its end."""


def test_every_event_file_is_answered_by_its_function(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with event_world() as world:
        rows = send_events(world, tmp_path)
        left = containers_of(world.sam.network.name)
    with capsys.disabled():
        print("", table(rows), sep="\n")
    assert [row.name for row in rows] == event_names()
    assert not [(row.name, row.invoked.payload, row.invoked.log) for row in rows if row.invoked.has_failed]
    assert {row.name: row.run for row in rows if row.name in CAME_OF_IT} == CAME_OF_IT
    assert left == [], "each container is removed when its function has answered"
