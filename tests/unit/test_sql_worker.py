"""The faces' side of the SQL worker: what it sends to the function, and what it makes of the answers."""

import io
import json
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from stepcall.aws.sql_worker import LambdaSqlWorker, SqlWorkerBrokeDownError
from stepcall.domain.connection import Column
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.sql_worker import (
    ImportedTable,
    ResultTooLargeError,
    SqlRefusedError,
    SqlTimeoutError,
    SqlWorkerBusyError,
    TableRows,
)

ARN = "arn:aws:lambda:us-east-1:123456789012:function:run-sql-task"


class FakeLambda:
    """Answers every call with one payload, or raises."""

    def __init__(self, payload: Any, *, failed: bool = False) -> None:
        self._payload = payload
        self._failed = failed
        self.calls: list[dict[str, Any]] = []

    def invoke(self, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        if isinstance(self._payload, Exception):
            raise self._payload
        answer = {"Payload": io.BytesIO(json.dumps(self._payload).encode())}
        return answer | ({"FunctionError": "Unhandled"} if self._failed else {})


def worker(client: FakeLambda) -> LambdaSqlWorker:
    return LambdaSqlWorker(lambda: cast("Any", client), ARN)


def select(client: FakeLambda) -> TableRows:
    return worker(client).select("SELECT @a", {"t": "datasets/x"}, {"a": "ü"})


def test_a_select_is_sent_and_its_rows_come_back() -> None:
    client = FakeLambda({"rows": [{"a": "ü"}], "columns": [["a", "STRING"]], "bytes_processed": 7})
    assert select(client) == TableRows([{"a": "ü"}], (Column("a", "STRING"),), 7)
    [call] = client.calls
    assert call["FunctionName"] == ARN
    sent = {"statement": "SELECT @a", "tables": {"t": "datasets/x"}, "parameters": {"a": "ü"}, "seconds": 20}
    assert json.loads(call["Payload"]) == {"select": sent}


def test_a_file_is_named_and_its_table_described() -> None:
    client = FakeLambda({"columns": [["id", "INT64"]], "row_count": 3, "size": 99})
    table = worker(client).import_file("uploads/x", "csv", "datasets/y.parquet")
    assert table == ImportedTable((Column("id", "INT64"),), 3, 99)
    sent = {"source": "uploads/x", "file_format": "csv", "target": "datasets/y.parquet"}
    assert json.loads(client.calls[0]["Payload"]) == {"import": sent}


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("refused", SqlRefusedError),
        ("too_large", ResultTooLargeError),
        ("timeout", SqlTimeoutError),
        ("busy", SqlWorkerBusyError),
    ],
)
def test_a_refusal_is_an_error_with_its_message(kind: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="because"):
        select(FakeLambda({"error": kind, "message": "because"}))


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 300.00 seconds"}, SqlTimeoutError),
        ({"errorMessage": "2026-11-21T10:00:00Z x Task timed out after 300.00 seconds"}, SqlTimeoutError),
        ({"errorType": "KeyError", "errorMessage": "'hidden'", "stackTrace": []}, SqlWorkerBrokeDownError),
    ],
)
def test_a_function_that_ends_without_an_answer_tells_nothing_of_itself(told: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        select(FakeLambda(told, failed=True))
    assert "hidden" not in str(caught.value)


def refused_by_lambda(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Invoke")


@pytest.mark.parametrize(
    "raised", [refused_by_lambda("TooManyRequestsException"), ReadTimeoutError(endpoint_url="https://lambda")]
)
def test_a_call_that_lambda_does_not_take_may_be_tried_again(raised: Exception) -> None:
    with pytest.raises(EngineUnavailableError):
        select(FakeLambda(raised))


def test_a_call_that_may_not_be_made_is_a_fault_of_ours() -> None:
    with pytest.raises(ClientError):
        select(FakeLambda(refused_by_lambda("AccessDeniedException")))


@pytest.mark.parametrize("value", ["x" * 6_000_000, float("nan")])
def test_what_cannot_be_sent_is_refused_before(value: Any) -> None:
    client = FakeLambda({})
    with pytest.raises(SqlRefusedError):
        worker(client).select("SELECT @a", {}, {"a": value})
    assert client.calls == []
