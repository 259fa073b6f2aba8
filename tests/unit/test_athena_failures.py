"""Athena's reasons in words for the workflow's author."""

import json

import pytest

from run_sql_task.athena_failures import clean, execution_in, failure_of, failure_to_start
from stepcall.domain.errors import ErrorReason
from stepcall.domain.task_phases import QueryEnd
from stepcall.use_cases.query_service import QueryOutcome

ERRORS = [
    ("SYNTAX_ERROR: line 1:164: Column 'town' cannot be resolved", ErrorReason.INVALID_QUERY),
    ("DIVISION_BY_ZERO: / by zero", ErrorReason.INVALID_QUERY),
    ("INVALID_CAST_ARGUMENT: Cannot cast 'abc' to BIGINT", ErrorReason.INVALID_QUERY),
    ("NOT_SUPPORTED: Unsupported Hive type: timestamp(3) with time zone", ErrorReason.INVALID_QUERY),
    ("Query exhausted resources at this scale factor", ErrorReason.RESOURCES_EXCEEDED),
    ("EXCEEDED_LOCAL_MEMORY_LIMIT: Query exceeded per-node memory limit", ErrorReason.RESOURCES_EXCEEDED),
    ("Query cancelled! : Bytes scanned limit was exceeded", ErrorReason.RESOURCES_EXCEEDED),
    ("Query timeout", ErrorReason.TIMEOUT),
    ("GENERIC_INTERNAL_ERROR: io.trino.spi.TrinoException", ErrorReason.BACKEND_ERROR),
    ("HIVE_PATH_ALREADY_EXISTS: Target directory already exists", ErrorReason.BACKEND_ERROR),
    ("HIVE_BAD_DATA: Field amount's type INT32 is incompatible with type varchar", ErrorReason.BACKEND_ERROR),
    ("PERMISSION_DENIED: not authorized", ErrorReason.BACKEND_ERROR),
    ("", ErrorReason.BACKEND_ERROR),
]


@pytest.mark.parametrize(("text", "reason"), ERRORS, ids=[text[:24] for text, _ in ERRORS])
def test_a_failed_query_has_one_of_bigquerys_reasons(text: str, reason: ErrorReason) -> None:
    assert failure_of(QueryOutcome(succeeded=False, reason=text)).reason is reason


def test_what_athena_calls_a_users_fault_is_one_whatever_it_says() -> None:
    failure = failure_of(QueryOutcome(succeeded=False, reason="It cannot be.", is_users_fault=True))
    assert (failure.reason, failure.message) == (ErrorReason.INVALID_QUERY, "Query error: It cannot be.")


def test_a_query_that_somebody_stopped_says_so() -> None:
    failure = failure_of(QueryOutcome(succeeded=False, reason="Query cancelled by user", was_stopped=True))
    assert failure.reason is ErrorReason.STOPPED


def test_a_query_that_is_stopped_for_what_it_reads_tells_of_the_limit() -> None:
    outcome = QueryOutcome(succeeded=False, reason="Bytes scanned limit was exceeded", was_stopped=True)
    assert failure_of(outcome).reason is ErrorReason.RESOURCES_EXCEEDED


PLACES = [
    "Access Denied for s3://stepcall-data/datasets/acme/x.parquet (code 403)",
    "User: arn:aws:sts::123456789012:assumed-role/r/s is not authorized",
    "HIVE_CURSOR_ERROR: Failed to read Parquet file: s3://b/k [Execution ID: 11111111-2222]",
    'No column x. This query ran against the "stepcall_tables" database, unless qualified by the query.',
    "TOO_MANY: no. If a data manifest file was generated at 's3://b/athena/x-manifest.csv', you may need to remove it",
]


@pytest.mark.parametrize("text", PLACES)
def test_no_place_of_athenas_is_told(text: str) -> None:
    told = failure_of(QueryOutcome(succeeded=False, reason=text)).message
    for place in ("s3:", "arn:", "stepcall_tables", "11111111", "manifest"):
        assert place not in told


def test_positions_in_the_statement_that_was_made_of_the_query_are_left_out() -> None:
    assert clean("SYNTAX_ERROR: line 1:164: Column 'town' cannot be resolved") == (
        "SYNTAX_ERROR: Column '…' cannot be resolved"
    )


def test_values_of_the_data_are_left_out() -> None:
    told = clean("INVALID_CAST_ARGUMENT: Cannot cast 'it''s 7 o'clock' to BIGINT, nor 8.25")
    assert told == "INVALID_CAST_ARGUMENT: Cannot cast '…' to BIGINT, nor …"
    assert clean("NUMERIC_VALUE_OUT_OF_RANGE: bigint addition overflow: 9223372036854775807 + 1") == (
        "NUMERIC_VALUE_OUT_OF_RANGE: bigint addition overflow: … + …"
    )


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("States.Timeout", ErrorReason.TIMEOUT),
        ("Athena.TooManyRequestsException", ErrorReason.RATE_LIMIT_EXCEEDED),
        ("Athena.InvalidRequestException", ErrorReason.BACKEND_ERROR),
        ("States.Permissions", ErrorReason.BACKEND_ERROR),
    ],
)
def test_a_query_that_never_began_says_why(error: str, reason: ErrorReason) -> None:
    assert failure_to_start(QueryEnd("s", None, error, "arn:aws:x")).reason is reason


def test_the_execution_is_found_in_what_step_functions_caught() -> None:
    execution = {"QueryExecutionId": "e-1", "Status": {"State": "FAILED"}}
    assert execution_in(json.dumps({"QueryExecution": execution})) == "e-1"
    assert execution_in(json.dumps(execution)) == "e-1"
    for cause in ("", "no JSON", "[]", "{}", '{"QueryExecution": 1}'):
        assert execution_in(cause) is None
