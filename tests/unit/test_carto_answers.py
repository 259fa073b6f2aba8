"""How rows are answered, and how many of them."""

import json
from dataclasses import replace
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response

from carto_api.answers import MAX_QUERY_LENGTH, MAX_ROWS_BYTES, answer_rows, print_jobs
from carto_api.requests import MAX_CALL_BYTES, MAX_PAGE_SIZE
from stepcall.domain.connection import Column, default_connection
from stepcall.domain.errors import MAX_MESSAGE_LENGTH, ErrorReason
from stepcall.domain.run import ErrorResult, RunStatus
from stepcall.runtime.http import json_response
from stepcall.use_cases.query_table import QueryAnswer, TableTooLargeError
from stepcall.use_cases.read_job import Job, JobPage
from stepcall.use_cases.sql_worker import ResultTooLargeError, TableRows
from tests.unit.job_world import JobWorld

CARRIED = 6_291_556
"""Bytes that Lambda hands to the gateway, by its documentation."""


def carried(response: Response[str]) -> int:
    """Bytes of what Lambda hands on: the body is a string of another JSON document."""
    answer: dict[str, Any] = {"statusCode": 200, "headers": {}, "body": response.body, "isBase64Encoded": False}
    return len(json.dumps(answer, ensure_ascii=False).encode())


def answer_of(text: str) -> QueryAnswer:
    return QueryAnswer(TableRows([{"a": text}], [Column("a", "STRING")], 1234), default_connection("acme").location)


def test_an_answer_has_rows_schema_and_what_was_read() -> None:
    body = answer_rows(answer_of("é")).body or ""
    assert json.loads(body) == {
        "rows": [{"a": "é"}],
        "schema": [{"name": "a", "type": "string"}],
        "meta": {"cacheHit": False, "location": "US", "totalBytesProcessed": "1234"},
    }


def test_an_answer_is_measured_whole_and_in_bytes() -> None:
    around = len((answer_rows(answer_of("")).body or "").encode())
    answer_rows(answer_of("x" * (MAX_ROWS_BYTES - around)))
    for text in ("x" * (MAX_ROWS_BYTES - around + 1), "é" * (MAX_ROWS_BYTES // 2)):
        with pytest.raises(ResultTooLargeError):
            answer_rows(answer_of(text))


@pytest.mark.parametrize(("character", "size"), [('"', 4), ("\\", 4), ("\n", 3)])
def test_rows_that_lambda_would_not_carry_are_refused_though_they_have_less_than_5_mb(
    character: str, size: int
) -> None:
    """`size`: bytes of the character in what Lambda hands on."""
    fits, too_many = 5_900_000 // size, CARRIED // size
    assert carried(answer_rows(answer_of(character * fits))) <= CARRIED
    rows = answer_of(character * too_many)
    assert len((json_response(200, rows.rows.rows).body or "").encode()) < MAX_ROWS_BYTES
    with pytest.raises(ResultTooLargeError):
        answer_rows(rows)


def test_who_called_is_told_the_table_of_rows_that_are_too_large() -> None:
    answer = answer_of("x" * MAX_ROWS_BYTES)._replace(table="a_table")
    with pytest.raises(TableTooLargeError) as refused:
        answer_rows(answer)
    assert refused.value.table == "a_table"


@pytest.mark.parametrize("character", ['"', "\x01", "\U0001f600"])
def test_a_page_of_the_longest_jobs_can_be_answered(character: str) -> None:
    run = JobWorld().call()
    assert run.job
    call = replace(run.job, query=character * MAX_CALL_BYTES)
    error = ErrorResult(ErrorReason.INVALID_QUERY, "query", character * MAX_MESSAGE_LENGTH)
    failed = replace(run, status=RunStatus.FAILED, completed_at=run.created_at, error=error)
    page = JobPage((Job(failed, call),) * MAX_PAGE_SIZE, MAX_PAGE_SIZE)
    answer = print_jobs(page, number=1, size=MAX_PAGE_SIZE)
    assert len(answer["result"]) == MAX_PAGE_SIZE
    assert carried(json_response(200, answer)) < CARRIED


def test_a_list_shortens_a_long_query_and_no_other() -> None:
    run = JobWorld().call()
    assert run.job
    long, short = "x" * (MAX_QUERY_LENGTH + 1), "x" * MAX_QUERY_LENGTH
    page = JobPage(tuple(Job(run, replace(run.job, query=query)) for query in (long, short)), 2)
    assert [each["query"] for each in print_jobs(page, number=1, size=2)["result"]] == [
        "x" * (MAX_QUERY_LENGTH - 1) + "…",
        short,
    ]
