"""The Wave face's words: statuses, times, ids, what an answer says of the face's end."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from stepcall.domain.errors import ErrorReason, InvalidDefinitionError, Problem
from stepcall.domain.ids import spell_execution, spell_workflow
from stepcall.domain.run import CALL_LOCATION, OUTPUT_LOCATION, ErrorResult, RunStatus
from stepcall.runtime.answer_room import ROOM
from stepcall.runtime.http import AnswerTooLargeError
from stepcall.runtime.settings import SettingsError
from stepcall.stores.memory_payload_store import MemoryPayloadStore
from stepcall.stores.workflow_store import WorkflowPage, WorkflowSummary
from stepcall.use_cases.cancel_run import WHILE_PENDING, cancel_run
from stepcall.use_cases.read_run import RunView, ShownValue, read_run, view_new_run
from tests.sample_workflows import give, transform, workflow
from tests.unit.run_world import CALLER, RunWorld
from wave_api.answers import (
    STATUSES,
    polling_headers,
    print_run,
    print_start,
    print_workflow,
    print_workflows,
    spell_app,
)
from wave_api.deprecation import link_header, successor_of, successor_of_run
from wave_api.problems import print_error
from wave_api.settings import WaveSettings

WORDS = {"running", "completed", "failed"}
ECHO = workflow(transform("same", 7), outputs=[give("seven", "{{refs.same.output.result}}", "number")])
WORKFLOW_ID = UUID("01a1ff47-1d96-7eb0-a2e1-1296dca3c088")


@pytest.fixture
def world() -> RunWorld:
    return RunWorld()


@pytest.fixture
def view(world: RunWorld) -> RunView:
    """Of a run that has just been started."""
    return view_new_run(world.start(ECHO), {}, world.deps)


@pytest.mark.parametrize("status", RunStatus)
def test_no_status_of_a_run_is_a_fourth_word_and_only_what_goes_on_is_running(status: RunStatus, view: RunView) -> None:
    seen = replace(view, run=replace(view.run, status=status))
    assert print_run(seen)["status"] in WORDS
    assert (print_run(seen)["status"] == "running") is not status.has_ended
    assert polling_headers(seen) == ({} if status.has_ended else {"Retry-After": "10"})
    assert STATUSES.keys() == set(RunStatus)


def test_a_run_is_printed_in_the_order_of_the_source(view: RunView) -> None:
    printed = print_run(view)
    assert list(printed) == ["appId", "id", "params", "startedAt", "status", "workflow"]
    assert list(printed["workflow"]) == ["appId", "createdAt", "description", "id", "name", "updatedAt"]
    assert printed["startedAt"] == "2026-03-04T05:06:07.891234000Z"
    assert printed["workflow"]["createdAt"] == "2026-03-04T05:06:07.891234Z"


def test_a_completed_run_has_a_result_and_a_cancelled_one_a_message(world: RunWorld) -> None:
    completed, cancelled = world.start(ECHO), world.start(ECHO)
    world.do_task(completed, "same")
    world.finish(completed)
    cancel_run(cancelled.run_id, CALLER, world.deps)
    done, stopped = (print_run(read_run(run.run_id, CALLER, world.deps)) for run in (completed, cancelled))
    assert (done["status"], done["result"], "errorMessage" in done) == ("completed", {"seven": 7}, False)
    assert (stopped["status"], stopped["errorMessage"]) == ("failed", WHILE_PENDING)
    assert "result" not in stopped


@pytest.mark.parametrize(
    ("location", "told"), [("same", "Task `same`: No."), (CALL_LOCATION, "No."), (OUTPUT_LOCATION, "No.")]
)
def test_a_failed_run_names_the_task_that_failed(view: RunView, location: str, told: str) -> None:
    failed = replace(view.run, error=ErrorResult(ErrorReason.INVALID, location, "No."))
    assert print_run(replace(view, run=failed))["errorMessage"] == told


def test_a_value_that_is_too_large_or_gone_is_told_under_another_key(view: RunView) -> None:
    far = print_run(replace(view, input=ShownValue(url="https://b/k"), output=ShownValue(has_expired=True)))
    assert (far["paramsUrl"], far["resultExpired"]) == ("https://b/k", True)
    assert not {"params", "result"} & far.keys()


def test_who_may_not_read_runs_is_told_no_parameters(view: RunView) -> None:
    for each in (view, replace(view, input=ShownValue(url="https://b/k"))):
        assert list(print_start(each)) == ["appId", "id", "startedAt", "status", "workflow"]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (InvalidDefinitionError([Problem("/tasks", "too_large", "It is too large.")]), "/tasks: It is too large."),
        (AnswerTooLargeError(), "more than the 6 MB"),
    ],
)
def test_what_seldom_stands_in_a_requests_way_is_400_and_no_bug(error: Exception, says: str) -> None:
    """A workflow that does not compile any more, and an answer that Lambda does not carry."""
    answer = print_error(error, APIGatewayHttpResolver())
    told = json.loads(answer.body or "")
    assert (answer.status_code, list(told)) == (400, ["message"])
    assert says in told["message"]


def test_a_tenant_is_20_hexadecimal_characters_and_always_the_same() -> None:
    assert re.fullmatch("[0-9a-f]{20}", spell_app("acme"))
    assert spell_app("acme") == spell_app("acme") != spell_app("other")


def summary(number: int, description: str | None) -> WorkflowSummary:
    at = datetime(2026, 3, 4, tzinfo=UTC)
    return WorkflowSummary(UUID(int=number), 1, f"Workflow {number}", description, at, at)


def test_a_workflow_without_a_description_has_an_empty_one() -> None:
    assert print_workflow(summary(1, None), "acme")["description"] == ""


def test_a_list_ends_where_an_answer_does_and_goes_on_there() -> None:
    page = WorkflowPage([summary(number, "x" * 4096) for number in range(1000, 0, -1)], UUID(int=1))
    printed, last = print_workflows(page, "acme")
    assert last is not None
    assert str(last) == printed[-1]["id"]
    assert ROOM - 5000 < sum(len(str(each)) for each in printed) < ROOM
    short = WorkflowPage([summary(number, None) for number in range(1000, 0, -1)], None)
    assert (len(print_workflows(short, "acme")[0]), print_workflows(short, "acme")[1]) == (1000, None)
    assert print_workflows(short._replace(next_workflow_id=UUID(int=1)), "acme")[1] == UUID(int=1)


@pytest.mark.parametrize(
    ("path", "successor"),
    [
        ("/wave/workflows", "/workflows"),
        (f"/wave/workflows/{WORKFLOW_ID}", f"/workflows/{spell_workflow(WORKFLOW_ID)}"),
        (f"/wave/workflows/{str(WORKFLOW_ID).upper()}", f"/workflows/{spell_workflow(WORKFLOW_ID)}"),
        (f"/wave/workflows/{spell_workflow(WORKFLOW_ID)}/execute", f"/workflows/{spell_workflow(WORKFLOW_ID)}/execute"),
        (f"/wave/workflows/{WORKFLOW_ID}/nothing", "/workflows"),
        ('/wave/workflows/<x>; rel="next"', "/workflows"),
        ("/wave/workflows/no-id", "/workflows"),
        (f"/wave/runs/{WORKFLOW_ID}", "/workflows"),
        ("/wave", "/workflows"),
        ("", "/workflows"),
    ],
)
def test_the_successor_is_the_native_counterpart_or_the_list_of_workflows(path: str, successor: str) -> None:
    assert successor_of(path) == successor


def test_the_successor_of_a_run_names_its_workflow(view: RunView) -> None:
    run = view.run
    native = f"/workflows/{spell_workflow(run.workflow_id)}/executions/{spell_execution(run.run_id)}"
    assert successor_of_run(run) == native


def test_a_link_names_documentation_successor_and_next_page() -> None:
    assert link_header("/workflows/wf-1", "/wave/workflows?after=x") == {
        "Link": '</docs>; rel="deprecation", </workflows/wf-1>; rel="successor-version", '
        '</wave/workflows?after=x>; rel="next"'
    }


def test_the_sunset_is_the_end_of_the_day_that_the_deployer_named() -> None:
    assert WaveSettings.from_env({"WAVE_SUNSET": "2027-12-31"}).sunset == datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "2027-02-30", "2027-12-31T00:00:00Z", "31.12.2027"])
def test_a_sunset_that_is_no_day_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="WAVE_SUNSET"):
        WaveSettings.from_env({"WAVE_SUNSET": text})


def test_a_run_that_was_just_started_is_shown_without_fetching_what_it_has_stored(world: RunWorld) -> None:
    # else a bucket that fails now would answer 500 to a start that worked, and its caller would start it again
    definition = workflow(transform("same", "{{input.text}}"), inputs=[{"name": "text", "type": "string"}])
    run = world.start(definition, text="x" * 20_000)
    emptied = replace(world.deps, payloads=MemoryPayloadStore())
    assert print_run(view_new_run(run, {"text": "x" * 20_000}, emptied))["params"] == {"text": "x" * 20_000}
