"""The Amperity face's words: states, times, ids and errors of runs and their tasks."""

from dataclasses import replace
from uuid import UUID

import pytest

from amperity_api.answers import (
    OURS,
    STATES,
    TASK_STATES,
    print_listed,
    print_overview,
    print_page,
    print_runs,
    print_started,
    print_whole,
)
from amperity_api.settings import AmperitySettings
from stepcall.domain.errors import MAX_MESSAGE_LENGTH, ErrorReason, PermanentTaskError
from stepcall.domain.ids import read_run_id, spell_workflow, uuid7
from stepcall.domain.run import CALL_LOCATION, ErrorResult, Run, RunStatus, TaskRun, TaskStatus
from stepcall.domain.run_with_tasks import RunWithTasks
from stepcall.runtime.http import json_response, require_carried
from stepcall.runtime.settings import SettingsError
from stepcall.stores.run_store import RunPage
from stepcall.use_cases.whole_run import WholeRun, read_whole_run, stop_whole_run, view_started_run
from tests.sample_workflows import Document, transform, workflow
from tests.unit.run_world import CALLER, RunWorld

THREE = workflow(transform("one"), transform("two"), transform("three"))


def whole_of(world: RunWorld, run: Run, **tasks: TaskRun) -> WholeRun:
    whole = view_started_run(run, world.deps)
    return whole._replace(tasks=RunWithTasks(run, tasks).tasks_of(whole.version.definition))


def tasks_of(whole: WholeRun, world: RunWorld) -> list[dict[str, object]]:
    tasks: list[dict[str, object]] = print_whole(whole, world.deps.catalog)["task_instances"]
    return tasks


def test_there_is_a_word_for_every_status() -> None:
    assert set(STATES) == set(RunStatus)
    assert set(TASK_STATES) == set(TaskStatus)
    assert set(STATES.values()) == {"scheduled", "running", "succeeded", "failed", "canceled"}
    assert set(TASK_STATES.values()) == set(STATES.values()) | {"skipped"}


@pytest.mark.parametrize("reason", ErrorReason)
def test_an_error_says_whose_it_is_and_why(reason: ErrorReason) -> None:
    world = RunWorld()
    run = replace(world.start(workflow()), status=RunStatus.FAILED, error=ErrorResult(reason, "only", "Because."))
    error = print_listed(run)["error"]
    assert error == {
        "type": f"stepcall.workflow/{reason.value}",
        "message": "Because.",
        "attribution": "platform" if reason in OURS else "customer",
        "data": {"reason": reason.value, "location": "only"},
    }


def test_of_a_cancelled_run_it_is_told_that_somebody_has_stopped_it() -> None:
    said = ErrorResult(ErrorReason.STOPPED, CALL_LOCATION, "Ada has cancelled it.")
    run = replace(RunWorld().start(workflow()), status=RunStatus.CANCELLED, error=said)
    assert print_listed(run)["error"] == {
        "type": "stepcall.workflow/cancel",
        "message": "Workflow manually stopped",
        "attribution": "customer",
    }


def test_a_task_that_waits_may_take_as_long_as_it_may_wait() -> None:
    world = RunWorld()
    child = world.define(workflow()).workflow_id
    tasks: list[tuple[Document, int]] = [
        ({"type": "Flow.Approval", "input": {"message": "Pay?"}}, 7 * 86_400),
        ({"type": "Flow.Approval", "input": {"message": "Pay?", "expires_in": 60}}, 60),
        ({"type": "Flow.Wait", "input": {"seconds": 90}}, 90),
        ({"type": "Flow.Wait", "input": {"until": "2027-01-31T09:00:00Z"}}, 365 * 86_400),
        ({"type": "Workflow.Execute", "input": {"workflow_id": spell_workflow(child)}}, 364 * 86_400),
        ({"type": "Workflow.Execute", "input": {"workflow_id": spell_workflow(child)}, "timeout_seconds": 5}, 5),
        ({"type": "Data.Transform", "input": {"expression": "$", "data": 1}, "timeout_seconds": 7}, 7),
    ]
    run = world.start(workflow(*({"ref": f"t{number}"} | task for number, (task, _) in enumerate(tasks))))
    shown = [task["timeout_ms"] for task in tasks_of(whole_of(world, run), world)]
    assert shown == [seconds * 1000 for _, seconds in tasks]


def test_the_platform_is_blamed_for_what_no_workflow_can_mend() -> None:
    assert {reason.value for reason in OURS} == {
        *("backendError", "internalError", "quotaExceeded", "rateLimitExceeded"),
    }


def test_a_run_that_nobody_named_is_known_by_has_no_principal_id() -> None:
    run = RunWorld().start(workflow())
    assert "principal_id" not in print_listed(replace(run, principal_id=""))
    assert print_listed(replace(run, principal_id="key_x"))["principal_id"] == "key_x"
    assert print_overview(run).keys() & {"principal_id", "principal_name", "error", "ended_at"} == set()


def test_ids_of_tasks_are_those_of_their_run_with_a_number_from_one() -> None:
    world = RunWorld()
    run = world.start(THREE)
    printed = print_whole(whole_of(world, run), world.deps.catalog)
    assert read_run_id(printed["id"]) == run.run_id
    assert [task["id"] for task in printed["task_instances"]] == [
        f"wft-{printed['id'].removeprefix('wf-')}-{number}" for number in (1, 2, 3)
    ]
    spelled = spell_workflow(run.workflow_id)
    assert [task["task_definition_id"] for task in printed["task_instances"]] == [
        f"{spelled}/one",
        f"{spelled}/two",
        f"{spelled}/three",
    ]


def test_a_task_begins_when_it_did_or_while_it_has_not_when_its_run_was_made() -> None:
    world = RunWorld()
    run = world.start(THREE)
    world.do_task(run, "one")
    whole = read_whole_run(run.run_id, CALLER, world.deps)
    one, two, _ = tasks_of(whole, world)
    begun, created = "2026-03-04T05:06:08.891Z", "2026-03-04T05:06:07.891Z"
    assert (one["created_at"], one["ended_at"], one["state_changed_at"]) == (begun, begun, begun)
    assert (two["created_at"], two["state_changed_at"], two["state"]) == (created, created, "scheduled")
    assert "ended_at" not in two


def test_an_error_of_an_attempt_is_shown_when_the_task_has_failed_and_not_before() -> None:
    world = RunWorld()
    run = world.start(THREE)
    error = ErrorResult(ErrorReason.BACKEND_ERROR, "one", "Not now.")
    for status, shown in ((TaskStatus.RUNNING, False), (TaskStatus.COMPLETED, False), (TaskStatus.FAILED, True)):
        one, *_ = tasks_of(whole_of(world, run, one=TaskRun("one", status, error=error)), world)
        assert ("error" in one) is shown
    assert one["error"] == {
        "type": "stepcall.task/backendError",
        "message": "Not now.",
        "attribution": "platform",
        "data": {"reason": "backendError", "location": "one"},
    }


def test_what_a_run_that_has_ended_left_undone_is_canceled_with_it() -> None:
    world = RunWorld()
    run = world.start(THREE)

    def fail(*_: object) -> object:
        raise PermanentTaskError(ErrorReason.INVALID, "No.")

    world.do_task(run, "one")
    with pytest.raises(PermanentTaskError):
        world.do_task(run, "two", fail)  # type: ignore[arg-type]
    world.finish(run, error="PermanentTaskError")
    whole = read_whole_run(run.run_id, CALLER, world.deps)
    tasks = tasks_of(whole, world)
    assert [task["state"] for task in tasks] == ["succeeded", "failed", "canceled"]
    ended_at = print_overview(whole.run)["ended_at"]
    assert (tasks[2]["ended_at"], tasks[2]["state_changed_at"]) == (ended_at, ended_at)


def test_a_stopped_run_is_canceled_with_all_that_goes_on() -> None:
    world = RunWorld()
    run = world.start(THREE)
    world.do_task(run, "one")
    whole = stop_whole_run(run.run_id, CALLER, world.deps)
    printed = print_whole(whole, world.deps.catalog)
    assert (printed["state"], printed["error"]["type"]) == ("canceled", "stepcall.workflow/cancel")
    assert [task["state"] for task in printed["task_instances"]] == ["succeeded", "canceled", "canceled"]
    assert world.engine.stopped == [run.run_id]


def test_a_page_ends_where_an_answer_does_and_goes_on_there() -> None:
    run = RunWorld().start(workflow())
    long = replace(run, error=ErrorResult(ErrorReason.INVALID, "only", "\0" * MAX_MESSAGE_LENGTH))
    ids = [uuid7(run.created_at, lambda _: bytes(10)).int + number for number in range(1000, 0, -1)]
    runs = tuple(replace(long, run_id=UUID(int=each)) for each in ids)
    printed, last = print_runs(RunPage(runs, None))
    assert 0 < len(printed) < 1000
    assert last == read_run_id(printed[-1]["id"]) == runs[len(printed) - 1].run_id
    page = json_response(200, print_page(printed, "t" * 43, 10**9))
    require_carried(page.body or "")
    short = tuple(replace(each, error=None) for each in runs)
    assert (len(print_runs(RunPage(short, None))[0]), print_runs(RunPage(short, None))[1]) == (1000, None)
    assert print_runs(RunPage(short, run.run_id))[1] == run.run_id


def test_a_run_without_a_word_of_warning_has_none() -> None:
    world = RunWorld()
    assert "warn_after_ms" not in print_started(whole_of(world, world.start(workflow())))
    warned = world.start(workflow() | {"warn_after_ms": 5})
    assert print_started(whole_of(world, warned))["warn_after_ms"] == 5


def test_a_call_that_failed_before_any_task_says_so() -> None:
    world = RunWorld()
    error = ErrorResult(ErrorReason.BACKEND_ERROR, CALL_LOCATION, "Not started.")
    run = replace(world.start(THREE), status=RunStatus.FAILED, completed_at=world.clock.now(), error=error)
    printed = print_whole(whole_of(world, run), world.deps.catalog)
    assert [task["state"] for task in printed["task_instances"]] == ["canceled"] * 3
    assert printed["error"]["data"] == {"reason": "backendError", "location": "query"}


@pytest.mark.parametrize("status", ["200", "201"])
def test_a_deployment_says_what_a_start_is_answered_with(status: str) -> None:
    assert AmperitySettings.from_env({"AMPERITY_START_STATUS": status}).start_status == int(status)


@pytest.mark.parametrize("env", [{}, {"AMPERITY_START_STATUS": "202"}, {"AMPERITY_START_STATUS": "yes"}])
def test_another_status_of_a_start_is_refused_by_its_name(env: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="AMPERITY_START_STATUS"):
        AmperitySettings.from_env(env)
