"""contracts/carto.md, row by row: enabling, creating, following, cancelling and listing jobs; tables and the cache."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import pytest

from local.seed import PRINCIPAL, TENANT
from local.stack import LocalStack
from stepcall.domain.connection import default_connection
from stepcall.domain.procedure import output_table_name
from tests.functional.carto import (
    ARGUMENTS,
    CLUSTERS,
    LIGHT,
    PARAMETERS,
    Carto,
    Deployed,
    carto_with_key,
    enable,
    executions_of,
    held,
    held_pages,
    url_of,
)
from tests.functional.conftest import Api

CREATED_KEYS = [
    *("externalId", "accountId", "userId", "connectionId", "metadata", "createdAt", "query", "jobMetadata", "token"),
]
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture(scope="module")
def clusters(stack: LocalStack) -> Deployed:
    """One for the tests that do not mind what others compute with it."""
    return enable(stack, CLUSTERS)


@pytest.fixture
def fresh(stack: LocalStack) -> Deployed:
    """With nothing computed yet."""
    return enable(stack, CLUSTERS)


@pytest.fixture(scope="module")
def light(stack: LocalStack) -> Deployed:
    """Without inputs and without a table."""
    return enable(stack, LIGHT)


# --- Job created


def test_a_job_is_created_by_post_in_the_shape_of_the_source(clusters: Deployed) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    answer = clusters.create()
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    job = answer.json
    assert list(job) == CREATED_KEYS
    assert re.fullmatch(r"job_[0-9A-Za-z]{28}", job["externalId"])
    assert re.fullmatch(r"ac_[0-9a-z]{8}", job["accountId"])
    assert job["userId"] == PRINCIPAL
    assert job["connectionId"] == str(default_connection(TENANT).connection_id)
    assert job["metadata"] == {}
    assert re.fullmatch(TIME, job["createdAt"])
    assert before < datetime.fromisoformat(job["createdAt"]) < datetime.now(UTC) + timedelta(seconds=2)
    assert job["query"] == clusters.call()
    assert list(job["jobMetadata"]) == ["location", "workflowOutputTableName"]
    assert job["jobMetadata"]["location"] == "US"


def test_a_job_is_created_by_get_with_the_token_in_the_url(clusters: Deployed) -> None:
    carto = Carto(clusters.carto.url, token=None)
    asked = url_of(
        query=clusters.call(), queryParameters='{"number_of_clusters":2,"buffer_radius":500,"store_type":"x"}'
    )
    answer = carto.create_by_url(f"{asked}&access_token={clusters.carto.token}")
    assert answer.status == 200, answer.text
    assert list(answer.json) == CREATED_KEYS
    assert answer.json["query"] == clusters.call()
    assert answer.headers["cache-control"] == "no-store"


def test_spaces_of_a_url_are_one_whether_they_are_written_as_percent_plus_or_themselves(clusters: Deployed) -> None:
    query, parameters = clusters.call("2, 500, @kind"), '{"kind": "Corner shop"}'
    by_percent = url_of(query=query, queryParameters=parameters)
    by_plus = f"query={quote_plus(query)}&queryParameters={quote_plus(parameters)}"
    jobs = [clusters.carto.create_by_url(text).json for text in (by_percent, by_plus)]
    assert {job["query"] for job in jobs} == {query}
    table = output_table_name(clusters.procedure, PARAMETERS | {"store_type": "Corner shop"})
    assert {job["jobMetadata"]["workflowOutputTableName"] for job in jobs} == {table}


def test_unknown_parameters_are_ignored_and_a_slash_at_the_end_makes_no_difference(clusters: Deployed) -> None:
    body = {"query": clusters.call(), "queryParameters": PARAMETERS, "v": "3.4", "client": "sdk", "metadata": {"a": 1}}
    for path in ("/v3/sql/carto_dw/job", "/v3/sql/carto_dw/job/", "/v3/sql/carto_dw/job?v=3.4&client=sdk"):
        assert clusters.carto("POST", path, body).status == 200
    asked = url_of(query=clusters.call(), queryParameters='{"number_of_clusters":2,"buffer_radius":1,"store_type":"y"}')
    created = clusters.carto.create_by_url(f"{asked}&v=3.4&client=sdk")
    assert created.status == 200, created.text
    for path in (f"/v3/sql/carto_dw/job/{created.json['externalId']}/", "/v3/sql/jobs/?client=sdk"):
        assert clusters.carto("GET", path).status == 200


def test_query_parameters_are_named_by_an_object_and_positional_by_an_array(clusters: Deployed) -> None:
    named = clusters.create().json["jobMetadata"]
    positional = clusters.create("?,?,?", [2, 500, "Supermarket"]).json["jobMetadata"]
    literal = clusters.create("2, 5e2, 'Supermarket'", {}).json["jobMetadata"]
    assert named == positional == literal


def test_a_null_is_the_default(clusters: Deployed) -> None:
    by_null = clusters.create(parameters=PARAMETERS | {"buffer_radius": None}).json["jobMetadata"]
    assert by_null == clusters.create().json["jobMetadata"]


@pytest.mark.parametrize("parameters", [None, {}, []])
def test_a_procedure_without_parameters_is_called_with_none(light: Deployed, parameters: Any) -> None:
    created = light.carto.create(light.call(""), parameters)
    assert created.status == 200, created.text
    assert created.json["jobMetadata"] == {"location": "US"}
    assert light.carto.ended(created.json["externalId"])["status"] == {"state": "DONE"}


def test_a_name_may_be_quoted_by_part_keywords_be_in_any_case_and_a_semicolon_end_the_call(light: Deployed) -> None:
    project, dataset, name = light.procedure.split(".")
    for query in (
        f"call {project}.{dataset}.{name} ( ) ;",
        f"CALL `{project}`.`{dataset}`.`{name}`()",
        f"\n/* mine */ Call\t`{project}.{dataset}`.{name}() -- end",
    ):
        created = light.carto.create(query)
        assert (created.status, created.json["query"]) == (200, query)


# --- Job status


def test_the_status_is_the_created_job_with_its_state(clusters: Deployed) -> None:
    created = clusters.create().json
    job = clusters.carto.ended(created["externalId"])
    assert list(job) == [*CREATED_KEYS, "status"]
    assert job["status"] == {"state": "DONE"}
    assert {**job, "token": ""} == {**created, "token": "", "status": {"state": "DONE"}}


def test_a_job_is_pending_then_running_then_done(
    stack: LocalStack, page_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_pages(monkeypatch) as gate:
        deployed = enable(stack, held(page_host))
        external_id = deployed.create().json["externalId"]
        states = {deployed.carto.job(external_id).json["status"]["state"]}
        while "RUNNING" not in states:
            states.add(deployed.carto.job(external_id).json["status"]["state"])
        assert states <= {"PENDING", "RUNNING"}
        gate.set()
        assert deployed.carto.ended(external_id)["status"] == {"state": "DONE"}


NAMES = "number_of_clusters, buffer_radius, store_type"
REFUSED = [
    (
        ARGUMENTS,
        PARAMETERS | {"number_of_clusters": "two"},
        "Cannot coerce expression @number_of_clusters to type INT64",
        0,
    ),
    (ARGUMENTS, {"number_of_clusters": 2, "buffer_radius": 500}, "Query parameter 'store_type' not found", 35),
    (ARGUMENTS, PARAMETERS | {"extra": 1}, "Query parameter 'extra' is never used", 46),
    ("1, 2", {}, f"The procedure takes 3 arguments ({NAMES}) and is called with 2", 4),
    ("1, 2, 'x', 4", {}, f"The procedure takes 3 arguments ({NAMES}) and is called with 4", 11),
]


@pytest.mark.parametrize(("arguments", "parameters", "message", "column"), REFUSED)
def test_parameters_that_do_not_fit_are_no_http_error_but_a_job_that_failed(
    clusters: Deployed, arguments: str, parameters: Any, message: str, column: int
) -> None:
    executed = executions_of(clusters)
    created = clusters.create(arguments, parameters)
    assert created.status == 200, created.text
    assert "status" not in created.json
    job = clusters.carto.job(created.json["externalId"]).json
    place = f"[1:{len('CALL ``(') + len(clusters.procedure) + 1 + column}]"
    assert job["status"] == {
        "state": "DONE",
        "errorResult": {"reason": "invalidQuery", "location": "query", "message": f"Query error: {message} at {place}"},
    }
    assert "error" not in created.json | job
    assert executions_of(clusters) == executed


def test_a_job_whose_task_fails_names_the_task(stack: LocalStack) -> None:
    failing = {"ref": "bad", "type": "Data.Transform", "input": {"expression": "$error('no')"}}
    deployed = enable(stack, {"name": "failing", "tasks": [failing]})
    status = deployed.run("", {})["status"]
    assert status["state"] == "DONE"
    assert list(status["errorResult"]) == ["reason", "location", "message"]
    assert status["errorResult"]["location"] == "bad"


# --- Output table


def test_the_output_table_is_named_by_the_values_in_alphabetical_order(clusters: Deployed) -> None:
    def table(**changes: Any) -> str:
        name: str = clusters.create(parameters=PARAMETERS | changes).json["jobMetadata"]["workflowOutputTableName"]
        return name

    assert table() == output_table_name(clusters.procedure, PARAMETERS)
    assert re.fullmatch(rf"{re.escape(clusters.procedure)}_out_[0-9a-f]{{16}}", table())
    assert table(buffer_radius=500.0) == table() == table(number_of_clusters=2.0)
    assert len({table(), table(number_of_clusters=3), table(store_type="Kiosk"), table(buffer_radius=500.5)}) == 4


# --- Cache


def test_an_equal_call_later_is_a_new_job_that_is_done_at_once(fresh: Deployed) -> None:
    first = fresh.run()
    assert first["status"] == {"state": "DONE"}
    second = fresh.create().json
    assert second["externalId"] != first["externalId"]
    assert second["jobMetadata"] == first["jobMetadata"]
    assert fresh.carto.job(second["externalId"]).json["status"] == {"state": "DONE"}
    assert executions_of(fresh) == 1
    tasks = Api(fresh.carto.url)("GET", f"/workflows/{fresh.workflow_id}/executions/{second['externalId']}").json[
        "tasks"
    ]
    assert [task["status"] for task in tasks] == ["SKIPPED", "SKIPPED"]


def test_other_parameters_are_another_table_and_another_execution(fresh: Deployed) -> None:
    first = fresh.run()
    second = fresh.run(parameters=PARAMETERS | {"number_of_clusters": 3})
    assert first["jobMetadata"] != second["jobMetadata"]
    assert executions_of(fresh) == 2


def test_of_twenty_equal_calls_at_once_one_executes_and_the_others_join_it(
    stack: LocalStack, page_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_pages(monkeypatch) as gate:
        deployed = enable(stack, held(page_host))
        start = threading.Barrier(20)

        def call(_: int) -> Any:
            start.wait()
            return deployed.create()

        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(call, range(20)))
        assert {answer.status for answer in answers} == {200}
        assert len({answer.json["externalId"] for answer in answers}) == 1
        gate.set()
        assert deployed.carto.ended(answers[0].json["externalId"])["status"] == {"state": "DONE"}
    assert executions_of(deployed) == 1


def test_with_the_cache_off_equal_calls_are_executed_each(stack: LocalStack) -> None:
    deployed = enable(stack, CLUSTERS, cache=False)
    jobs = [deployed.run() for _ in range(2)]
    assert jobs[0]["externalId"] != jobs[1]["externalId"]
    assert jobs[0]["jobMetadata"] == jobs[1]["jobMetadata"]
    assert executions_of(deployed) == 2


# --- Cancel


def test_a_job_that_is_under_way_is_cancelled_and_an_ended_one_is_not(
    stack: LocalStack, page_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_pages(monkeypatch):
        deployed = enable(stack, held(page_host, LIGHT))
        external_id = deployed.create("", {}).json["externalId"]
        cancelled = deployed.carto.cancel(external_id)
        assert cancelled.status == 200, cancelled.text
        assert list(cancelled.json) == [*CREATED_KEYS, "status"]
        assert cancelled.json["status"]["state"] == "DONE"
        assert cancelled.json["status"]["errorResult"]["reason"] == "stopped"
        again = deployed.carto.cancel(external_id)
        assert (again.status, again.json["status"]) == (400, 400)
        shown = deployed.carto.job(external_id).json
        assert shown | {"token": ""} == cancelled.json | {"token": ""}  # each answer has one of its own
    unknown = deployed.carto.cancel(f"job_{'0' * 28}")
    assert (unknown.status, unknown.json["status"]) == (404, 404)


# --- List


def test_jobs_are_listed_newest_first_page_by_page(stack: LocalStack) -> None:
    carto = carto_with_key(stack, "sc_lists", tenant="lists")
    api = Api(stack.url, "sc_lists")
    workflow_id = api.define(**LIGHT)
    started = [api("POST", f"/workflows/{workflow_id}/execute").json["externalId"] for _ in range(5)]

    def page(query: str) -> tuple[list[str], Any]:
        answer = carto("GET", f"/v3/sql/jobs{query}")
        assert answer.status == 200, answer.text
        assert list(answer.json) == ["result", "page"]
        return [job["externalId"] for job in answer.json["result"]], answer.json["page"]

    newest = started[::-1]
    assert page("") == (newest, {"total": 5, "current": 1, "size": 50})
    assert page("?page_size=2") == (newest[:2], {"total": 5, "current": 1, "size": 2})
    assert page("?page=3&page_size=2") == (newest[4:], {"total": 5, "current": 3, "size": 2})
    assert page("?page=4&page_size=2") == ([], {"total": 5, "current": 4, "size": 2})
    for bad in ("?page=0", "?page=x", "?page_size=101", "?page_size=-1", f"?page={'9' * 30}"):
        assert carto("GET", f"/v3/sql/jobs{bad}").status == 400
    listed = carto("GET", "/v3/sql/jobs").json["result"][0]
    assert list(listed) == [key for key in [*CREATED_KEYS, "status"] if key != "token"]


# --- Enabling


def test_a_workflow_that_was_disabled_is_called_no_more_and_its_jobs_stay(fresh: Deployed) -> None:
    job = fresh.run()
    api = Api(fresh.carto.url)
    path = f"/workflows/{fresh.workflow_id}/api-access"
    assert api("DELETE", path).status == 204
    refused = fresh.create()
    assert (refused.status, refused.json["status"]) == (404, 404)
    assert fresh.carto.job(job["externalId"]).status == 200
    assert api("POST", path, {}).json["procedure"] == fresh.procedure
    assert fresh.create().status == 200


def test_a_procedure_runs_the_version_that_it_was_last_synced_to(fresh: Deployed) -> None:
    fresh.run()
    api, path = Api(fresh.carto.url), f"/workflows/{fresh.workflow_id}"
    changed = {**CLUSTERS, "description": "changed"}
    assert api("PUT", path, changed).status == 200
    assert api("GET", f"{path}/api-access").json["in_sync"] is False
    fresh.run()
    assert executions_of(fresh) == 1
    assert api("PUT", f"{path}/api-access", {}).json["in_sync"] is True
    assert fresh.run()["status"] == {"state": "DONE"}
    assert executions_of(fresh) == 2


def test_the_examples_of_the_enabling_answer_work_as_they_stand(stack: LocalStack) -> None:
    api = Api(stack.url)
    workflow_id = api.define(**CLUSTERS)
    examples = api("POST", f"/workflows/{workflow_id}/api-access", {}).json["examples"]
    url = examples["get"].replace("YOUR_TOKEN", Carto(stack.url).token or "")
    assert url.startswith(stack.url)
    answer = Carto(stack.url, token=None)("GET", url.removeprefix(stack.url))
    assert answer.status == 200, answer.text
    assert "status" in Carto(stack.url).ended(answer.json["externalId"])


# --- Runs that other faces started


def test_a_run_of_the_native_face_is_a_job_and_a_job_is_a_native_run(clusters: Deployed) -> None:
    api = Api(clusters.carto.url)
    started = api("POST", f"/workflows/{clusters.workflow_id}/execute", {"input": PARAMETERS}).json
    job = clusters.carto.ended(started["externalId"])
    assert job["query"] == clusters.call()
    assert job["jobMetadata"] == {"location": "US"}
    called = clusters.run(parameters=PARAMETERS | {"number_of_clusters": 7})
    native = api("GET", f"/workflows/{clusters.workflow_id}/executions/{called['externalId']}")
    assert native.json["input"] == PARAMETERS | {"number_of_clusters": 7}
    assert api("GET", f"/jobs/{called['externalId']}").json["status"] == called["status"]
