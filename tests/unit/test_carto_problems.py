"""The CARTO face's words for what was raised: contracts/carto.md, "Errors"."""

import json
from dataclasses import replace
from http import HTTPStatus

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from carto_api.problems import TOO_SLOW, print_error
from stepcall.domain.errors import ErrorReason, InvalidDefinitionError, Problem
from stepcall.domain.ids import spell_job
from stepcall.domain.run import CALL_LOCATION, ErrorResult, RunStatus
from stepcall.use_cases.query_table import JobFailedError, TableTimeoutError
from stepcall.use_cases.sql_worker import SqlTimeoutError, SqlWorkerBusyError
from tests.unit.job_world import JobWorld


def told(error: Exception) -> tuple[int, str, dict[str, object]]:
    """Status, words and headers."""
    response = print_error(error, APIGatewayHttpResolver())
    body = json.loads(response.body or "")
    assert body["status"] == response.status_code
    return response.status_code, body["error"], dict(response.headers)


def test_a_query_that_could_not_begin_is_sent_again_and_a_slow_one_reads_less() -> None:
    status, words, headers = told(SqlWorkerBusyError("Every engine is at work."))
    assert (status, headers.get("Retry-After"), "Send it again" in words) == (503, "2", True)
    assert "Read less" not in words
    status, words, headers = told(SqlTimeoutError("slow"))
    assert (status, words, headers.get("Retry-After")) == (HTTPStatus.REQUEST_TIMEOUT, TOO_SLOW, "2")


def test_a_call_whose_rows_came_too_late_is_told_where_they_are() -> None:
    status, words, headers = told(TableTimeoutError("p.t"))
    assert (status, words, headers.get("Retry-After")) == (408, f"{TOO_SLOW} The rows are in `p.t`.", "2")


def test_a_definition_that_does_not_compile_any_more_is_refused_with_its_problems() -> None:
    error = InvalidDefinitionError([Problem("/connection", "no_athena", "This deployment has no Athena.")])
    status, words, _ = told(error)
    assert (status, "This deployment has no Athena." in words) == (400, True)


@pytest.mark.parametrize(
    ("location", "place"), [(CALL_LOCATION, ""), ("rows", "in `rows` of "), ("output", "in `output` of ")]
)
def test_a_job_that_failed_is_named_with_what_of_it_has_failed(location: str, place: str) -> None:
    run = JobWorld().call()
    reason = ErrorResult(ErrorReason.INVALID_QUERY, location, "Division by zero")
    failed = replace(run, status=RunStatus.FAILED, completed_at=run.created_at, error=reason)
    assert told(JobFailedError(failed))[:2] == (400, f"Division by zero ({place}job {spell_job(run.run_id)})")
