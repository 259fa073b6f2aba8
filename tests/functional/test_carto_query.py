"""contracts/carto.md, `/query`: SELECT on output tables with the caller's grants, and CALLs that are waited for."""
# ruff: noqa: S608 - the SQL is of the tests' own making

import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.seed import API_KEY
from local.stack import LocalStack
from stepcall.domain.access import Grants, Scope, SourceGrant
from stepcall.use_cases.issue_token import JOB_TOKEN_LIMIT
from tests.functional.carto import (
    CLUSTERS,
    LIGHT,
    Carto,
    Deployed,
    carto_with_key,
    enable,
    held,
    held_pages,
    url_of,
)

ROWS = [{"cluster": n, "reach": n * 500.0, "kind": "Supermarket"} for n in (1, 2)]
ORDERED = "SELECT cluster, CAST(reach AS FLOAT64) AS reach, kind FROM `{}` ORDER BY cluster"
KEYS = ["rows", "schema", "meta"]


@pytest.fixture(scope="module")
def clusters(stack: LocalStack) -> Deployed:
    return enable(stack, CLUSTERS)


@pytest.fixture(scope="module")
def done(clusters: Deployed) -> Any:
    job = clusters.run()
    assert job["status"] == {"state": "DONE"}
    return job


@pytest.fixture(scope="module")
def table(done: Any) -> str:
    name: str = done["jobMetadata"]["workflowOutputTableName"]
    return name


def granted(stack: LocalStack, text: str, *sources: tuple[str, str], **more: Any) -> Carto:
    grants = Grants(sources=tuple(SourceGrant(*source) for source in sources))
    return carto_with_key(stack, text, grants=grants, **more)


def test_a_select_answers_rows_their_schema_and_what_was_read(clusters: Deployed, table: str) -> None:
    answer = clusters.carto.query(ORDERED.format(table))
    assert answer.status == 200, answer.text
    assert list(answer.json) == KEYS
    assert answer.json["rows"] == ROWS
    assert answer.json["schema"] == [
        {"name": "cluster", "type": "bigint"},
        {"name": "reach", "type": "number"},
        {"name": "kind", "type": "string"},
    ]
    meta = answer.json["meta"]
    assert list(meta) == ["cacheHit", "location", "totalBytesProcessed"]
    assert (meta["cacheHit"], meta["location"]) == (False, "US")
    assert meta["totalBytesProcessed"].isdigit()


def test_a_select_is_sent_by_get_too_with_its_parameters(clusters: Deployed, table: str) -> None:
    statement = f"SELECT COUNT(*) AS found FROM `{table}` WHERE cluster >= @least"
    asked = url_of(q=statement, queryParameters='{"least": 2}', access_token=API_KEY, client="sdk", v="3.4")
    for path in ("/v3/sql/carto_dw/query", "/v3/sql/carto_dw/query/"):
        answer = Carto(clusters.carto.url, token=None)("GET", f"{path}?{asked}")
        assert (answer.status, answer.json.get("rows")) == (200, [{"found": 1}]), answer.text
    positional = clusters.carto.query(statement.replace("@least", "?"), [3])
    assert positional.json["rows"] == [{"found": 0}]


def test_a_call_is_waited_for_and_answers_the_rows_of_its_table(stack: LocalStack) -> None:
    deployed = enable(stack, CLUSTERS)
    statement = deployed.call("@n, 500, 'Supermarket'")
    answers = [deployed.carto.query(statement, {"n": 2}) for _ in range(2)]
    for answer in answers:
        assert answer.status == 200, answer.text
        assert sorted(answer.json["rows"], key=lambda row: row["cluster"]) == ROWS
    assert [answer.json["meta"]["cacheHit"] for answer in answers] == [False, True]


def test_a_call_of_a_workflow_without_a_table_answers_no_rows(stack: LocalStack) -> None:
    deployed = enable(stack, LIGHT)
    answer = deployed.carto.query(deployed.call(""))
    assert (answer.status, answer.json["rows"], answer.json["schema"]) == (200, [], [])


def test_a_call_that_fails_is_refused_with_the_jobs_message(clusters: Deployed) -> None:
    answer = clusters.carto.query(clusters.call("'two', 500, 'x'"))
    assert answer.status == 400
    assert answer.json["error"].startswith("Query error: Cannot coerce literal to type INT64 at [1:")
    assert re.search(r"\] \(job job_[0-9A-Za-z]{28}\)$", answer.json["error"])


def test_a_call_whose_task_fails_says_which_of_which_job(stack: LocalStack) -> None:
    task = {"ref": "broken", "type": "Sql.Query", "input": {"query": "SELECT CAST('x' AS INT64) AS n"}}
    deployed = enable(stack, {"name": "broken", "tasks": [task]})
    answer = deployed.carto.query(deployed.call(""))
    assert answer.status == 400, answer.text
    [external_id] = re.findall(r"\(in `broken` of job (job_[0-9A-Za-z]{28})\)$", answer.json["error"])
    failed = deployed.carto.job(external_id).json["status"]["errorResult"]
    assert (failed["location"], answer.json["error"].startswith(failed["message"])) == ("broken", True)


def test_a_call_that_outlasts_the_request_is_408_and_its_job_goes_on(
    stack: LocalStack, page_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_pages(monkeypatch) as gate:
        deployed = enable(stack, held(page_host))
        answer = invoke(stack, "POST", "/v3/sql/carto_dw/query", {"q": deployed.call("1, 2, 'x'")}, seconds=4)
        assert answer["statusCode"] == 408, answer
        assert answer["headers"]["Retry-After"] == "2"
        told = json.loads(answer["body"])
        assert told["status"] == 408
        [external_id] = [word for word in told["error"].split() if word.startswith("job_")]
        assert deployed.carto.job(external_id).json["status"]["state"] in {"PENDING", "RUNNING"}
        gate.set()
        assert deployed.carto.ended(external_id)["status"] == {"state": "DONE"}


class Impatient:
    """A Lambda context with few seconds left."""

    function_name = "carto-api"
    memory_limit_in_mb = "1024"
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:carto-api"
    aws_request_id = "request"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


def invoke(stack: LocalStack, method: str, path: str, body: Mapping[str, Any], *, seconds: float) -> Any:
    """The handler as Lambda calls it, with that much time."""
    from carto_api.app import lambda_handler  # noqa: PLC0415 - importable while the stack runs

    assert stack.url
    event = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"authorization": f"Bearer {API_KEY}", "content-type": "application/json"},
        "requestContext": {"http": {"method": method, "path": path}, "requestId": "request", "stage": "$default"},
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }
    return lambda_handler(event, Impatient(seconds))  # type: ignore[arg-type]


# --- What may be read, and by whom


def test_a_table_is_read_by_who_is_granted_it_and_by_nobody_else(
    stack: LocalStack, clusters: Deployed, table: str
) -> None:
    for number, source in enumerate((table, clusters.procedure, f"{clusters.procedure}*", "*")):
        reader = granted(stack, f"sc_reads_{number}", ("carto_dw", source))
        assert reader.query(ORDERED.format(table)).status == 200
    for number, grant in enumerate((("other", clusters.procedure), ("other", "*"), ("carto_dw", table[:-1]))):
        answer = granted(stack, f"sc_reads_not_{number}", grant).query(ORDERED.format(table))
        assert answer.status == 403
        assert answer.json == {"error": "403 You don't have permissions to read this resource", "status": 403}


def test_a_key_for_one_procedure_does_all_that_a_call_is_for(stack: LocalStack, clusters: Deployed) -> None:
    """docs/access.md, "A key for CARTO"."""
    mine = granted(stack, "sc_one_procedure", ("carto_dw", clusters.procedure))
    job = mine.run(clusters.call("6, 500, 'x'"))
    assert job["status"] == {"state": "DONE"}
    by_table = mine.query(ORDERED.format(job["jobMetadata"]["workflowOutputTableName"]))
    by_call = mine.query(clusters.call("6, 500, 'x'"))
    assert [row["cluster"] for row in by_table.json["rows"]] == [1, 2, 3, 4, 5, 6]
    assert (by_call.status, len(by_call.json["rows"])) == (200, 6)
    other = enable(stack, CLUSTERS)
    others_table = other.run()["jobMetadata"]["workflowOutputTableName"]
    assert {mine.query(ORDERED.format(others_table)).status, mine.create(other.call()).status} == {403}


def test_the_token_of_a_job_reads_the_job_and_its_table_and_nothing_else(
    clusters: Deployed, done: Any, table: str
) -> None:
    other = clusters.run(parameters={"number_of_clusters": 4, "buffer_radius": 1, "store_type": "x"})
    reader = Carto(clusters.carto.url, done["token"])
    job = reader.job(done["externalId"])
    assert (job.status, job.json["token"]) == (200, done["token"])
    assert reader.query(ORDERED.format(table)).json["rows"] == ROWS
    assert [one["externalId"] for one in reader("GET", "/v3/sql/jobs").json["result"]] == [done["externalId"]]
    assert reader.job(other["externalId"]).status == 403
    assert reader.query(ORDERED.format(other["jobMetadata"]["workflowOutputTableName"])).status == 403
    assert reader.create(clusters.call("1, 2, 'x'")).status == 403
    assert reader.query(clusters.call("1, 2, 'x'")).status == 403
    assert reader.cancel(done["externalId"]).status == 403


def test_the_token_of_a_job_selects_within_a_limit_of_its_own(clusters: Deployed) -> None:
    done = clusters.run(parameters={"number_of_clusters": 3, "buffer_radius": 1, "store_type": "shared"})
    reader, select = Carto(clusters.carto.url, done["token"]), "SELECT no_such_column FROM `{}`"
    statement = select.format(done["jobMetadata"]["workflowOutputTableName"])
    answers = [reader.query(statement) for _ in range(JOB_TOKEN_LIMIT.burst)]
    with ThreadPoolExecutor(JOB_TOKEN_LIMIT.burst) as threads:
        answers += threads.map(lambda _: reader.query(statement), range(3 * JOB_TOKEN_LIMIT.burst))
    assert {answer.status for answer in answers} <= {400, 429, 503}
    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert clusters.carto.query(statement).status == 400, "the key that made it has a bucket of its own"


def test_another_tenants_table_job_and_procedure_are_not_found(
    stack: LocalStack, clusters: Deployed, done: Any, table: str
) -> None:
    stranger = carto_with_key(stack, "sc_stranger", tenant="strangers")
    for answer in (
        stranger.query(ORDERED.format(table)),
        stranger.job(done["externalId"]),
        stranger.cancel(done["externalId"]),
        stranger.create(clusters.call("1, 2, 'x'")),
        stranger.query(clusters.call("1, 2, 'x'")),
    ):
        assert (answer.status, answer.json["status"]) == (404, 404)
    assert stranger("GET", "/v3/sql/jobs").json["result"] == []


def test_to_call_a_workflow_a_token_needs_its_procedure_on_that_connection(
    stack: LocalStack, clusters: Deployed
) -> None:
    call, project = clusters.call("9, 2, 'x'"), clusters.procedure.partition(".")[0]
    for number, source in enumerate((clusters.procedure, f"{project}.workflows_temp.*")):
        assert granted(stack, f"sc_calls_{number}", ("carto_dw", source)).create(call).status == 200
    for number, grant in enumerate((("carto_dw", clusters.procedure[:-1]), ("other", clusters.procedure))):
        assert granted(stack, f"sc_calls_not_{number}", grant).create(call).status == 403


def test_who_may_start_and_not_read_gets_no_token(stack: LocalStack, clusters: Deployed) -> None:
    starter = carto_with_key(stack, "sc_starts_only", scopes=frozenset({Scope.RUNS_START}))
    created = starter.create(clusters.call("1, 2, 'x'"))
    assert created.status == 200
    assert "token" not in created.json
    assert starter.job(created.json["externalId"]).status == 403
    assert starter.query(clusters.call("1, 2, 'x'")).status == 403


def test_who_may_cancel_and_not_read_is_told_the_end_alone(
    stack: LocalStack, page_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    canceller = carto_with_key(stack, "sc_cancels_only", scopes=frozenset({Scope.RUNS_CANCEL}))
    with held_pages(monkeypatch):
        external_id = enable(stack, held(page_host)).create().json["externalId"]
        answer = canceller.cancel(external_id)
    assert (answer.status, list(answer.json)) == (200, ["externalId", "status"])
    assert answer.json["status"]["errorResult"]["reason"] == "stopped"


def test_a_key_is_good_for_as_long_as_it_is_good_for_any_face(stack: LocalStack) -> None:
    expired = carto_with_key(stack, "sc_expired_carto", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert expired("GET", "/v3/sql/jobs").status == 401


# --- What is refused


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE `{}`",
        "SELECT 1; SELECT 2",
        "ATTACH 'x.db'",
        "COPY `{}` TO 'x.csv'",
        "PRAGMA version",
        "INSTALL httpfs",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('http://127.0.0.1/')",
        "SELECT * FROM `/etc/passwd`",
        "SELECT current_setting('home_directory')",
        "SELECT nothing_of_this_name FROM `{}`",
        "this is no SQL",
    ],
)
def test_what_is_no_select_of_output_tables_is_refused(clusters: Deployed, table: str, statement: str) -> None:
    answer = clusters.carto.query(statement.format(table))
    assert answer.status in {400, 404}, answer.text
    assert list(answer.json) == ["error", "status"]
    assert answer.json["status"] == answer.status


def test_refused_sql_says_where(clusters: Deployed, table: str) -> None:
    answer = clusters.carto.query(f"SELECT *\nFROM `{table}`\nWHERE (")
    assert answer.status == 400
    assert answer.json["error"].startswith("Query error: ")
    assert answer.json["error"].endswith("]")


def test_a_table_that_nobody_has_written_is_not_found_and_an_unfinished_one_is_not_complete(
    stack: LocalStack, table: str, page_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = Carto(stack.url).query(ORDERED.format(table[:-16] + "0" * 16))
    assert (unknown.status, "There is no table" in unknown.json["error"]) == (404, True)
    with held_pages(monkeypatch):
        deployed = enable(stack, held(page_host))
        name = deployed.create().json["jobMetadata"]["workflowOutputTableName"]
        unfinished = deployed.carto.query(ORDERED.format(name))
        assert (unfinished.status, "is not complete" in unfinished.json["error"]) == (400, True)


def test_an_answer_over_five_megabytes_points_to_the_table(clusters: Deployed) -> None:
    large = {"number_of_clusters": 80_000, "buffer_radius": 0.125, "store_type": "x" * 60}
    name = clusters.run(parameters=large)["jobMetadata"]["workflowOutputTableName"]
    answer = clusters.carto.query(f"SELECT * FROM `{name}`")
    assert answer.status == 400, answer.text[:200]
    assert "5 MB" in answer.json["error"]
    assert "LIMIT" in answer.json["error"]
    by_call = clusters.carto.query(clusters.call("80000, 0.125, @kind"), {"kind": "x" * 60})
    assert (by_call.status, name in by_call.json["error"]) == (400, True)
    part = clusters.carto.query(f"SELECT * FROM `{name}` ORDER BY cluster LIMIT 3")
    assert [row["cluster"] for row in part.json["rows"]] == [1, 2, 3]
