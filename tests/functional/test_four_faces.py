"""One run has one identity: started through any face, it is read, listed and cancelled through every other.

The words: "One run, one status, four words" in contracts/README.md. `make faces` prints what was read.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import product
from typing import Any, NamedTuple

import pytest

from local.stack import LocalStack
from stepcall.domain.ids import read_run_id, spell_dated_run, spell_execution, spell_job
from stepcall.domain.run import RunStatus
from tests.functional.carto import enable, held_pages
from tests.functional.conftest import Tell
from tests.functional.faced_runs import ANSWER, TIMED_OUT, Started, World, spelled_by
from tests.functional.four_faces import SPELLINGS, Seen, TaskSeen

WITH_A_TABLE = {
    "name": "With a table",
    "tasks": [
        {"ref": "rows", "type": "Sql.Query", "input": {"query": "SELECT 42 AS answer"}},
        {"ref": "result", "type": "Workflow.Output", "input": {"table": "{{refs.rows.output.table}}"}},
    ],
    "output": [{"name": "rows", "type": "array", "value": "{{refs.rows.output.rows}}"}],
}
WORDS: Mapping[str, tuple[str, str, str, str]] = {
    RunStatus.PENDING: ("PENDING", "PENDING", "running", "scheduled"),
    RunStatus.RUNNING: ("RUNNING", "RUNNING", "running", "running"),
    RunStatus.COMPLETED: ("COMPLETED", "DONE", "completed", "succeeded"),
    RunStatus.FAILED: ("FAILED", "DONE", "failed", "failed"),
    RunStatus.CANCELLED: ("CANCELLED", "DONE", "failed", "canceled"),
    TIMED_OUT: ("FAILED", "DONE", "failed", "failed"),
}
"""What native, CARTO and job shape, Wave, and Amperity call it."""
REASONS = {RunStatus.FAILED: "invalid", RunStatus.CANCELLED: "stopped", TIMED_OUT: "timeout"}
TASK_WORDS = {
    "PENDING": "scheduled",
    "RUNNING": "running",
    "COMPLETED": "succeeded",
    "FAILED": "failed",
    "SKIPPED": "skipped",
    "CANCELLED": "canceled",
}
STARTERS = ("native", "CARTO", "Wave", "Amperity")
CANCELLERS = ("native", "CARTO", "Amperity")


class Cell(NamedTuple):
    started: Started
    seen: Mapping[str, Seen]
    """By the face that it was read by."""


def print_state(seen: Seen) -> str:
    """With the reason of what is over and went wrong, where the word alone does not say so."""
    return f"{seen.state}, {seen.error['reason']}" if seen.state == "DONE" and seen.error else seen.state


def print_matrix(world: World, matrix: Mapping[tuple[str, str], Cell]) -> list[str]:
    names = [face.name for face in world.faces.readers]
    lines = [
        print_line(status, starter, *(print_state(cell.seen[name]) for name in names))
        for (status, starter), cell in matrix.items()
    ]
    return [print_line("a run that is", "started by", *names), *lines]


def print_line(*words: str) -> str:
    return "".join(f"{word:<16}" for word in words).rstrip()


@pytest.fixture(scope="module")
def world(stack: LocalStack, page_host: str) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch, held_pages(patch):
        yield World(stack, page_host)


@pytest.fixture(scope="module")
def matrix(world: World, tell: Tell) -> Mapping[tuple[str, str], Cell]:
    """By status and the face that has started the run."""
    cells = {}
    for status, starter in product(WORDS, STARTERS):
        started = world.bring_to(status, starter)
        cells[status, starter] = Cell(started, world.read(started))
    tell("One run, read through every face", print_matrix(world, cells))
    return cells


EVERY_RUN = pytest.mark.parametrize(("status", "starter"), list(product(WORDS, STARTERS)))


@EVERY_RUN
def test_a_run_has_each_faces_word_for_its_status(matrix: Any, status: str, starter: str) -> None:
    native, job, wave, amperity = WORDS[status]
    words = {name: seen.state for name, seen in matrix[status, starter].seen.items()}
    assert words == {"native": native, "CARTO": job, "/jobs": job, "Wave": wave, "Amperity": amperity}


@EVERY_RUN
def test_a_run_has_one_identity_and_each_face_its_spelling_of_it(matrix: Any, status: str, starter: str) -> None:
    started, seen = matrix[status, starter]
    job = spell_job(started.run_id)
    assert {name: each.spelled for name, each in seen.items()} == {
        "native": spell_execution(started.run_id),
        "CARTO": job,
        "/jobs": job,
        "Wave": str(started.run_id),
        "Amperity": spell_dated_run(started.run_id),
    }
    assert {each.run_id for each in seen.values()} == {started.run_id}


@EVERY_RUN
def test_a_run_was_made_and_ended_at_the_same_time_everywhere(matrix: Any, status: str, starter: str) -> None:
    seen = matrix[status, starter].seen
    made = seen["native"].created_at
    assert made is not None
    for name in ("CARTO", "/jobs", "Amperity"):
        assert seen[name].created_at == made, name
    # Wave prints microseconds, where the others cut them off
    assert timedelta(0) <= seen["Wave"].created_at - made < timedelta(milliseconds=1)
    assert seen["Amperity"].ended_at == seen["native"].ended_at
    assert (seen["native"].ended_at is not None) == (status not in {RunStatus.PENDING, RunStatus.RUNNING})


@EVERY_RUN
def test_a_run_has_its_result_once_it_is_completed_and_not_before(matrix: Any, status: str, starter: str) -> None:
    seen = matrix[status, starter].seen
    expected = ANSWER if status is RunStatus.COMPLETED else None
    assert seen["native"].result == seen["Wave"].result == expected


def test_the_rows_that_carto_selects_are_those_that_the_others_show(stack: LocalStack, world: World) -> None:
    workflow = enable(stack, WITH_A_TABLE)
    job = workflow.run("", {})
    table = job["jobMetadata"]["workflowOutputTableName"]
    selected = workflow.carto.query(f"SELECT answer FROM `{table}`")  # noqa: S608
    seen = world.read(Started(read_run_id(job["externalId"]), workflow))
    assert selected.json["rows"] == [ANSWER]
    assert seen["native"].result == seen["Wave"].result == {"rows": [ANSWER]}


@EVERY_RUN
def test_a_run_went_wrong_for_the_same_reason_everywhere(matrix: Any, status: str, starter: str) -> None:
    errors = {name: seen.error for name, seen in matrix[status, starter].seen.items()}
    error = errors["native"]
    assert (error or {}).get("reason") == REASONS.get(status)
    assert errors["CARTO"] == errors["/jobs"] == error
    assert errors["Wave"] == (wave_error(error) if error else None)
    assert errors["Amperity"] == (amperity_error(error) if error else None)


def wave_error(error: Mapping[str, str]) -> str:
    task = "" if error["location"] == "query" else f"Task `{error['location']}`: "
    return task + error["message"]


def amperity_error(error: Mapping[str, str]) -> Any:
    if error["reason"] == "stopped":
        return {
            "type": "stepcall.workflow/cancel",
            "message": "Workflow manually stopped",
            "attribution": "customer",
        }
    return {
        "type": f"stepcall.workflow/{error['reason']}",
        "message": error["message"],
        "attribution": "customer",
        "data": {"reason": error["reason"], "location": error["location"]},
    }


@EVERY_RUN
def test_the_two_faces_that_show_tasks_agree_on_them(matrix: Any, status: str, starter: str) -> None:
    seen = matrix[status, starter].seen
    has_ended = seen["native"].ended_at is not None
    native = [amperity_task(task, seen["native"]) for task in seen["native"].tasks]
    assert seen["Amperity"].tasks == native
    assert len(native) == (1 if status in {RunStatus.COMPLETED, RunStatus.FAILED} else 2)
    assert all(task.ended_at for task in native) or not has_ended
    assert any(task.began_at for task in seen["native"].tasks) or status in {RunStatus.PENDING, TIMED_OUT}


def amperity_task(task: TaskSeen, run: Seen) -> TaskSeen:
    """What had not begun is as old as its run, and what had not ended when that did has been canceled with it."""
    began_at = task.began_at or run.created_at
    if run.ended_at and task.state in {"PENDING", "RUNNING"}:
        return TaskSeen("canceled", began_at, run.ended_at)
    return TaskSeen(TASK_WORDS[task.state], began_at, task.ended_at)


@pytest.mark.parametrize("starter", STARTERS)
def test_a_start_is_answered_in_the_faces_word_for_what_has_not_begun(matrix: Any, starter: str) -> None:
    told = matrix[RunStatus.COMPLETED, starter].started.told
    native, _, wave, amperity = WORDS[RunStatus.PENDING]
    # CARTO's answer to a new job does not say how far it is
    assert told.state == {"native": native, "CARTO": "", "Wave": wave, "Amperity": amperity}[starter]
    assert told.created_at in {None, matrix[RunStatus.COMPLETED, starter].seen[starter].created_at}


@EVERY_RUN
def test_a_run_is_listed_by_every_face_that_lists(world: World, matrix: Any, status: str, starter: str) -> None:
    started, seen = matrix[status, starter]
    for face in world.faces.listers:
        [listed] = [each for each in face.list(started.workflow) if each.run_id == started.run_id]
        assert listed.spelled == seen[face.name].spelled
        assert listed.state == seen[face.name].state
        assert listed.created_at == seen[face.name].created_at


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("starter", STARTERS)
def test_every_face_finds_a_run_by_every_spelling_of_its_id(
    world: World, matrix: Any, starter: str, spelling: str
) -> None:
    started, seen = matrix[RunStatus.COMPLETED, starter]
    spelled = SPELLINGS[spelling](started.run_id)
    for face in world.faces.readers:
        found = face.read(started.workflow, spelled)
        assert found.run_id == started.run_id
        assert found.state == seen[face.name].state
        if (face.name, spelling) == ("native", "we-"):  # which asks in the words of the later generation
            found = found._replace(spelled=seen["native"].spelled, result=ANSWER)
        assert found == seen[face.name]


@pytest.fixture(scope="module")
def cancellations(world: World, tell: Tell) -> Mapping[tuple[str, str], Cell]:
    """By the face that has started the run and the one that has cancelled it, which is what `told` is by."""
    cells = {}
    for starter, face in product(STARTERS, world.faces.cancellers):
        started = world.start(starter, world.waiting, RunStatus.RUNNING)
        told = face.cancel(started.workflow, spelled_by(face, started))
        cells[starter, face.name] = Cell(started._replace(told=told), world.read(started))
    lines = [
        print_line(starter, *(print_state(cells[starter, canceller].started.told) for canceller in CANCELLERS))
        for starter in STARTERS
    ]
    tell("One run, cancelled through every face that cancels", [print_line("started by", *CANCELLERS), *lines])
    return cells


@pytest.mark.parametrize("canceller", CANCELLERS)
@pytest.mark.parametrize("starter", STARTERS)
def test_a_run_that_one_face_has_started_another_cancels(cancellations: Any, starter: str, canceller: str) -> None:
    started, seen = cancellations[starter, canceller]
    native, job, wave, amperity = WORDS[RunStatus.CANCELLED]
    assert started.told == seen[canceller]
    words = {name: each.state for name, each in seen.items()}
    assert words == {"native": native, "CARTO": job, "/jobs": job, "Wave": wave, "Amperity": amperity}
    assert seen["native"].error["reason"] == "stopped"
    assert seen["CARTO"].error == seen["native"].error
    assert seen["Amperity"].error == amperity_error(seen["native"].error)


def test_wave_cancels_nothing_and_the_others_cancel_and_list(world: World) -> None:
    names = [face.name for face in world.faces.cancellers], [face.name for face in world.faces.listers]
    assert names == (list(CANCELLERS), list(CANCELLERS))
    answer = world.faces.wave.wave("DELETE", "/runs/01234567-89ab-7cde-8f01-23456789abcd")
    assert (answer.status, answer.headers["allow"]) == (405, "GET")
