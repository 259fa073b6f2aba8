"""How the CARTO face prints jobs and rows: contracts/carto.md."""

import hashlib
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from stepcall.domain.ids import spell_job
from stepcall.domain.times import print_time
from stepcall.runtime.http import AnswerTooLargeError, json_response, require_carried
from stepcall.runtime.idempotency import replay_headers
from stepcall.runtime.job_shape import print_status
from stepcall.use_cases.query_table import QueryAnswer, TableTooLargeError
from stepcall.use_cases.read_job import Job, JobPage
from stepcall.use_cases.sql_worker import ResultTooLargeError

Json = dict[str, Any]
MAX_ROWS_BYTES = 5 * 1024 * 1024
MAX_QUERY_LENGTH = 2048
"""Of a job's query in lists: 100 jobs with all of their 16 KB would not fit into an answer."""
TYPES: Mapping[str, str] = {
    "INT64": "bigint",
    "FLOAT64": "number",
    "NUMERIC": "number",
    "BIGNUMERIC": "number",
    "STRING": "string",
    "BYTES": "string",
    "TIME": "string",
    "INTERVAL": "string",
    "BOOL": "boolean",
    "DATE": "timestamp",
    "DATETIME": "timestamp",
    "TIMESTAMP": "timestamp",
    "GEOGRAPHY": "geometry",
    "JSON": "object",
    "STRUCT": "object",
    "ARRAY": "array",
}
"""CARTO's words for BigQuery's types; `NUMERIC(10, 2)` and `ARRAY<INT64>` count by what they begin with."""


def print_created(job: Job, token: str | None) -> Json:
    """A job that was just made: how far it is, is not told."""
    run, call = job
    table = {"workflowOutputTableName": call.output_table} if call.output_table else {}
    return {
        "externalId": spell_job(run.run_id),
        "accountId": spell_account(run.tenant),
        "userId": run.principal,
        "connectionId": str(call.connection_id),
        "metadata": {},
        "createdAt": print_time(run.created_at),
        "query": call.query,
        "jobMetadata": {"location": call.location, **table},
        **({"token": token} if token else {}),
    }


def print_job(job: Job, token: str | None = None) -> Json:
    return print_created(job, token) | {"status": print_status(job.run)}


def print_end(job: Job) -> Json:
    """For who may cancel jobs and not read any."""
    return {"externalId": spell_job(job.run.run_id), "status": print_status(job.run)}


def print_jobs(page: JobPage, *, number: int, size: int) -> Json:
    return {
        "result": [print_job(job) | {"query": _shorten(job.call.query)} for job in page.jobs],
        "page": {"total": page.total, "current": number, "size": size},
    }


def _shorten(query: str) -> str:
    return query if len(query) <= MAX_QUERY_LENGTH else f"{query[: MAX_QUERY_LENGTH - 1]}…"


def spell_account(tenant: str) -> str:
    """The same for all that a tenant has; it says nothing of the tenant."""
    return f"ac_{hashlib.sha256(tenant.encode()).hexdigest()[:8]}"


def answer_rows(answer: QueryAnswer) -> Response[str]:
    """Raises ResultTooLargeError, or TableTooLargeError for the rows of a CALL."""
    rows, columns, processed = answer.rows
    response = json_response(
        200,
        {
            "rows": rows,
            "schema": [{"name": column.name, "type": carto_type(column.type)} for column in columns],
            "meta": {
                "cacheHit": answer.is_reused,
                "location": answer.location,
                "totalBytesProcessed": str(processed),
            },
        },
        replay_headers(is_replayed=answer.is_replayed),
    )
    if not _is_carried(response.body or ""):
        refusal = "The rows do not fit into one answer."
        raise TableTooLargeError(answer.table) if answer.table else ResultTooLargeError(refusal)
    return response


def _is_carried(body: str) -> bool:
    try:
        require_carried(body)
    except AnswerTooLargeError:
        return False
    return len(body.encode()) <= MAX_ROWS_BYTES


def carto_type(bigquery_type: str) -> str:
    return TYPES.get(bigquery_type.partition("<")[0].partition("(")[0], "unknown")
