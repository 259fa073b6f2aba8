"""The SQL worker as the faces call it: its Lambda function, and they wait for what it says."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from stepcall.domain.connection import Column
from stepcall.domain.errors import StepcallError
from stepcall.domain.json_text import NotJsonError, read_json, write_json
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.sql_worker import (
    MAX_SECONDS,
    ImportedTable,
    ResultTooLargeError,
    SqlRefusedError,
    SqlTimeoutError,
    SqlWorkerBusyError,
    TableRows,
)

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

MAX_EVENT_BYTES = 6_000_000  # of Lambda's 6,291,556
ERRORS: Mapping[str, type[StepcallError]] = {
    "refused": SqlRefusedError,
    "too_large": ResultTooLargeError,
    "timeout": SqlTimeoutError,
    "busy": SqlWorkerBusyError,
}
RETRY_LATER = frozenset(
    {"TooManyRequestsException", "ServiceException", "EC2ThrottledException", "ENILimitReachedException"}
)
TIMED_OUT = ("Sandbox.Timedout", "Task timed out")


class SqlWorkerBrokeDownError(StepcallError):
    """The function ended without an answer: its log says why."""


class LambdaSqlWorker:
    """See SqlWorker. Raises EngineUnavailableError besides, when Lambda does not take the call now."""

    def __init__(self, make_client: "Callable[[], LambdaClient]", function_arn: str) -> None:
        self._make_client = make_client
        self._function_arn = function_arn

    def select(
        self,
        statement: str,
        tables: Mapping[str, str],
        parameters: Mapping[str, Any] | Sequence[Any],
        *,
        seconds: float = MAX_SECONDS,
    ) -> TableRows:
        event = {"statement": statement, "tables": dict(tables), "parameters": parameters, "seconds": seconds}
        answer = self._ask({"select": event})
        return TableRows(answer["rows"], _columns(answer), answer["bytes_processed"])

    def import_file(self, source: str, file_format: str, target_key: str) -> ImportedTable:
        answer = self._ask({"import": {"source": source, "file_format": file_format, "target": target_key}})
        return ImportedTable(_columns(answer), answer["row_count"], answer["size"])

    def _ask(self, event: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = read_json(self._invoke(_write(event)))
        if "error" in answer:
            raise ERRORS[answer["error"]](answer["message"])
        return answer

    def _invoke(self, payload: bytes) -> bytes:
        try:
            answer = self._make_client().invoke(FunctionName=self._function_arn, Payload=payload)
        except ClientError as exc:
            if exc.response["Error"]["Code"] not in RETRY_LATER:
                raise
            raise EngineUnavailableError("The SQL worker is too busy.") from exc
        except BotoCoreError as exc:
            raise EngineUnavailableError("The SQL worker could not be reached.") from exc
        text = answer["Payload"].read()
        if "FunctionError" in answer:
            raise _breakdown(text)
        return text


def _write(event: dict[str, Any]) -> bytes:
    try:
        payload = write_json(event).encode()
    except NotJsonError as exc:
        raise SqlRefusedError("The parameters hold what JSON cannot say.") from exc
    if len(payload) > MAX_EVENT_BYTES:
        raise SqlRefusedError(f"The query and its parameters have more than {MAX_EVENT_BYTES:,} bytes.")
    return payload


def _columns(answer: dict[str, Any]) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name, kind in answer["columns"])


def _breakdown(text: bytes) -> StepcallError:
    """What Lambda says of a function that raised, or ran into its time limit: the caller learns no more than this."""
    told = read_json(text)
    if any(sign in str(told.get(key, "")) for key in ("errorType", "errorMessage") for sign in TIMED_OUT):
        return SqlTimeoutError("The query takes longer than somebody waits for.")
    return SqlWorkerBrokeDownError("The SQL worker ended without an answer.")
