"""contracts/amperity.md, row by row: starting in all encodings, run modes and ranges, the run, its tasks, its stop."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from local.seed import TENANT
from local.stack import LocalStack
from stepcall.domain.access import Grants, Scope
from stepcall.domain.ids import read_run_id, read_workflow_id, spell_execution
from stepcall.domain.run import TimeRange
from stepcall.domain.run_mode import RunMode
from stepcall.runtime.wiring import face_dependencies
from tests.functional.amperity import (
    COURIER,
    RUNS,
    Amperity,
    amperity_with_key,
    configure,
    staged,
    states_of,
    type_of,
)
from tests.functional.carto import held, held_pages
from tests.functional.conftest import Api

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
OVERVIEW = {"created_at", "ended_at", "id", "name", "state", "tenant", "type"}
STARTED = (OVERVIEW - {"ended_at"}) | {
    *("principal_id", "principal_name", "launched_version", "current_version", "warn_after_ms", "task_instances"),
}
TASK = {
    *("id", "label", "state", "tenant", "created_at", "ended_at", "state_changed_at", "execution_type", "run_id"),
    *("task_definition_id", "task_definition_type", "timeout_ms", "workflow_id"),
}


@pytest.fixture
def amperity(stack: LocalStack) -> Amperity:
    return Amperity(stack.url)


@pytest.fixture(scope="module")
def courier(stack: LocalStack) -> str:
    """The `config_id` of a workflow with a task of each stage."""
    return configure(Api(stack.url))


def stored(run: Any) -> Any:
    """The run as its record has it."""
    return face_dependencies().runs.get_for_end(read_run_id(run["id"])).run


# --- Start


def test_curl_of_the_source_starts_a_run_by_pairs_of_data(amperity: Amperity, courier: str) -> None:
    answer = amperity.post_form(f"config_id={courier}", "run_mode=source")
    assert answer.status == 200, answer.text
    assert stored(answer.json).run_mode is RunMode.SOURCE


def test_python_of_the_source_starts_a_run_by_json(amperity: Amperity, courier: str) -> None:
    answer = amperity.post({"config_id": courier, "run_mode": "source"})
    assert answer.status == 200, answer.text
    assert stored(answer.json).run_mode is RunMode.SOURCE


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "application/json"])
def test_json_starts_a_run_whatever_it_is_labelled_as(amperity: Amperity, courier: str, content_type: str) -> None:
    text = f'\n {{"config_id": "{courier}", "run_mode": "refresh", "range_from": null}} '
    answer = amperity.post_form(text, content_type=content_type)
    assert answer.status == 200, answer.text
    assert (stored(answer.json).run_mode, stored(answer.json).time_range) == (RunMode.REFRESH, None)


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded; charset=utf-8", "application/json"])
def test_a_form_is_a_form_whatever_it_is_labelled_as(amperity: Amperity, courier: str, content_type: str) -> None:
    answer = amperity.post_form(f"config_id={courier}", "run_mode=full", content_type=content_type)
    assert answer.status == 200, answer.text


def test_the_answer_to_a_start_has_the_shape_of_the_source(amperity: Amperity, courier: str) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    answer = amperity.post({"config_id": courier})
    run = answer.json
    assert run.keys() == STARTED
    assert re.fullmatch(r"wf-\d{8}-\d{5}-[0-9A-Za-z]{15}", run["id"])
    assert re.fullmatch(TIME, run["created_at"])
    assert before < datetime.fromisoformat(run["created_at"]) < datetime.now(UTC) + timedelta(seconds=2)
    assert (run["state"], run["name"], run["tenant"], run["task_instances"]) == ("scheduled", "Daily", TENANT, [])
    assert (run["type"], run["warn_after_ms"]) == (type_of(courier), 60_000)
    assert run["launched_version"] == run["current_version"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["amperity-request-id"]


def test_an_empty_field_of_a_form_is_left_out(amperity: Amperity, courier: str) -> None:
    answer = amperity.post_form(f"config_id={courier}", "run_mode=", "range_from=", "range_to=", "api_version=")
    assert answer.status == 200, answer.text
    assert (stored(answer.json).run_mode, stored(answer.json).time_range) == (RunMode.FULL, None)


def test_config_id_is_an_alias_or_any_spelling_of_the_workflows_id(amperity: Amperity, api: Api) -> None:
    spelled = api.define(**COURIER)
    workflow_id = read_workflow_id(spelled)
    for config_id in (spelled, str(workflow_id), str(workflow_id).upper()):
        assert stored(amperity.start(config_id)).workflow_id == workflow_id
    assert stored(amperity.start(configure(api))).workflow_id != workflow_id


@pytest.mark.parametrize(
    ("mode", "states"),
    [
        ("source", ["succeeded", "skipped", "skipped", "skipped"]),
        ("refresh", ["succeeded", "succeeded", "skipped", "skipped"]),
        ("full", ["succeeded"] * 4),
        (None, ["succeeded"] * 4),
    ],
)
def test_a_run_mode_runs_its_part_and_skips_the_rest(
    amperity: Amperity, courier: str, mode: str | None, states: list[str]
) -> None:
    run = amperity.ended(amperity.start(courier, **({"run_mode": mode} if mode else {}))["id"])
    assert (run["state"], states_of(run["task_instances"])) == ("succeeded", states)


def test_range_from_alone_means_that_one_day(amperity: Amperity, courier: str) -> None:
    run = stored(amperity.start(courier, range_from="2025-04-18"))
    assert run.time_range == TimeRange(datetime(2025, 4, 18, tzinfo=UTC), datetime(2025, 4, 19, tzinfo=UTC))


@pytest.mark.parametrize("sent", ["2025-04-18T02:00:00%2B02:00", "2025-04-18T02:00:00+02:00", "2025-04-18"])
def test_a_range_is_from_the_one_up_to_the_other_with_offsets(amperity: Amperity, courier: str, sent: str) -> None:
    answer = amperity.post_form(f"config_id={courier}", f"range_from={sent}", "range_to=2025-05")
    assert answer.status == 200, answer.text
    expected = TimeRange(datetime(2025, 4, 18, tzinfo=UTC), datetime(2025, 5, 1, tzinfo=UTC))
    assert stored(answer.json).time_range == expected


def test_the_range_is_readable_in_templates(amperity: Amperity, api: Api) -> None:
    data = {"from": "{{run.range_from}}", "to": "{{run.range_to}}"}
    task = {"ref": "a", "type": "Data.Transform", "input": {"expression": "$", "data": data}}
    given = {"name": "range", "type": "object", "value": "{{refs.a.output.result}}"}
    config_id = configure(api, tasks=[task], output=[given])
    expected = {"from": "2025-04-18T00:00:00.000Z", "to": "2025-04-19T00:00:00.000Z"}
    for sent, told in (({"range_from": "2025-04-18"}, expected), ({}, {"from": None, "to": None})):
        run = amperity.ended(amperity.start(config_id, **sent)["id"])
        assert run["state"] == "succeeded", run
        record = stored(run)
        path = f"/workflows/{record.workflow_id}/executions/{spell_execution(record.run_id)}"
        assert api("GET", path).json["output"] == {"range": told}


# --- The run


def test_the_overview_is_the_default_and_has_its_fields_and_no_others(amperity: Amperity, courier: str) -> None:
    started = amperity.start(courier)
    whole = amperity.ended(started["id"])
    by_default = amperity("GET", f"{RUNS}/{started['id']}").json
    assert by_default.keys() == OVERVIEW
    assert by_default == amperity.run(started["id"], "overview")
    assert {name: whole[name] for name in OVERVIEW} == by_default
    assert whole.keys() == STARTED | {"ended_at"}


def test_a_run_is_read_by_every_spelling_of_its_id(amperity: Amperity, courier: str) -> None:
    run = amperity.start(courier)
    run_id = read_run_id(run["id"])
    for spelled in (run["id"], str(run_id), spell_execution(run_id)):
        assert amperity.run(spelled)["id"] == run["id"]


def test_task_instances_have_true_times_states_workers_and_labels(amperity: Amperity, courier: str) -> None:
    run = amperity.ended(amperity.start(courier, run_mode="source")["id"])
    pulled, loaded, *_ = run["task_instances"]
    record, number = stored(run), [task["id"].rsplit("-", 1)[1] for task in run["task_instances"]]
    assert (pulled.keys(), loaded.keys()) == (TASK, TASK - {"ended_at"})
    assert number == ["1", "2", "3", "4"]
    assert (pulled["label"], loaded["label"]) == ("Pulling files", "Data.Transform")
    assert run["created_at"] <= pulled["created_at"] <= pulled["ended_at"] <= run["ended_at"]
    assert pulled["state_changed_at"] == pulled["ended_at"]
    assert pulled["execution_type"] == "run_data_task"
    assert pulled["timeout_ms"] == 1000 * face_dependencies().catalog["Data.Transform"].timeout_seconds
    assert (pulled["run_id"], pulled["workflow_id"]) == (str(record.run_id), run["id"])
    assert pulled["task_definition_id"].endswith("/pull")
    assert read_workflow_id(pulled["task_definition_id"].partition("/")[0]) == record.workflow_id


def test_versions_are_those_of_the_start_and_of_now(amperity: Amperity, api: Api) -> None:
    spelled = api.define(**COURIER)
    run = amperity.start(spelled)
    assert run["launched_version"] == run["current_version"] == f"{spelled}.1"
    assert api("PUT", f"/workflows/{spelled}", {**COURIER, "name": "Weekly"}).status == 200
    whole = amperity.run(run["id"])
    assert (whole["name"], whole["launched_version"], whole["current_version"]) == (
        "Daily",
        f"{spelled}.1",
        f"{spelled}.2",
    )
    assert api("DELETE", f"/workflows/{spelled}").status == 204
    assert "current_version" not in amperity.run(run["id"])


def test_a_failed_run_says_why_and_so_does_its_task(amperity: Amperity, api: Api) -> None:
    tasks = [staged("bad", None, "$error('no such luck')"), staged("after", None, "2")]
    run = amperity.ended(amperity.start(configure(api, tasks=tasks))["id"])
    bad, after = run["task_instances"]
    assert (run["state"], bad["state"], after["state"]) == ("failed", "failed", "canceled")
    assert run["error"]["type"].startswith("stepcall.workflow/")
    assert bad["error"]["type"].startswith("stepcall.task/")
    assert run["error"]["data"]["location"] == "bad"
    assert "no such luck" in run["error"]["message"]
    assert (run["error"]["attribution"], "error" in after) == ("customer", False)
    assert after["ended_at"] == after["state_changed_at"] == run["ended_at"]


# --- Stop


@pytest.fixture
def waiting(api: Api, page_host: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The `config_id` of a workflow whose first task takes until the test is over."""
    with held_pages(monkeypatch):
        yield configure(api, held(page_host, COURIER))


def test_a_stopped_run_is_canceled_and_has_ended(amperity: Amperity, waiting: str) -> None:
    run = amperity.start(waiting)
    amperity.until(run["id"], lambda run: run["state"] == "running")
    answer = amperity.stop(run["id"])
    assert answer.status == 200, answer.text
    stopped = answer.json
    assert (stopped["state"], stopped["id"]) == ("canceled", run["id"])
    assert re.fullmatch(TIME, stopped["ended_at"])
    assert stopped["error"] == {
        "attribution": "customer",
        "type": "stepcall.workflow/cancel",
        "message": "Workflow manually stopped",
    }
    assert states_of(stopped["task_instances"]) == ["canceled"] * 5
    assert amperity.run(run["id"])["error"] == stopped["error"]


def test_what_is_stopped_is_told_by_an_overview_to_who_may_read_nothing(
    stack: LocalStack, amperity: Amperity, waiting: str
) -> None:
    run = amperity.start(waiting)
    stopper = amperity_with_key(stack, "sc_amperity_stops", scopes=frozenset({Scope.RUNS_CANCEL}))
    answer = stopper.stop(run["id"])
    assert (answer.status, answer.json.keys()) == (200, OVERVIEW)
    starter = amperity_with_key(stack, "sc_amperity_starts", scopes=frozenset({Scope.RUNS_START}))
    assert starter.start(waiting).keys() == OVERVIEW - {"ended_at"}


def test_a_narrowed_key_starts_and_reads_its_own_workflows_and_no_others(
    stack: LocalStack, amperity: Amperity, courier: str, waiting: str
) -> None:
    workflow_id: UUID = stored(amperity.start(courier)).workflow_id
    narrow = amperity_with_key(stack, "sc_amperity_narrow", grants=Grants(frozenset({workflow_id})))
    own, other = narrow.start(courier), amperity.start(waiting)
    assert narrow.run(own["id"])["id"] == own["id"]
    assert narrow.post({"config_id": waiting}).status == 403
    assert narrow("GET", f"{RUNS}/{other['id']}").status == narrow.stop(other["id"]).status == 403
