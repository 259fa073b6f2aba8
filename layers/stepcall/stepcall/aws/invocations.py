"""Lambda functions that are none of ours: invoked, and what Lambda says of an invocation that it did not make."""

import base64
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError, TaskError, shorten
from stepcall.domain.json_text import write_json

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

SERVER_ERRORS = 500
THROTTLED = "TooManyRequestsException"
TRANSIENT = frozenset(
    {
        *("ServiceException", "ServiceUnavailableException", "EC2ThrottledException", "EC2UnexpectedException"),
        *("ENILimitReachedException", "SubnetIPAddressLimitReachedException", "EFSMountTimeoutException"),
        *("ResourceNotReadyException", "ResourceConflictException"),
        *("SnapStartNotReadyException", "SnapStartTimeoutException"),
    }
)
"""Lambda's own faults, and functions that are being created, changed or woken."""
PERMANENT: Mapping[str, tuple[ErrorReason, str]] = {
    "ResourceNotFoundException": (ErrorReason.NOT_FOUND, "There is no such function, version or alias any more."),
    "AccessDeniedException": (ErrorReason.ACCESS_DENIED, "Lambda does not let this deployment invoke the function."),
    "RequestTooLargeException": (ErrorReason.RESOURCES_EXCEEDED, "The payload is larger than Lambda takes."),
    "RequestEntityTooLargeException": (ErrorReason.RESOURCES_EXCEEDED, "The payload is larger than Lambda takes."),
}
AT_FAULT = "Lambda could not run the function: {}. Its log, and its configuration, say more."


class Invocation(NamedTuple):
    """What came of it. With `has_failed`, `text` describes what the function raised."""

    text: bytes
    has_failed: bool
    status_code: int
    executed_version: str | None


class LambdaInvocations:
    """`open_client` gives a client of a region that waits so many seconds for an answer, and asks once."""

    def __init__(self, open_client: "Callable[[str, float], LambdaClient]") -> None:
        self._open_client = open_client

    def invoke(self, arn: str, event: bytes, about: Mapping[str, Any], seconds: float) -> Invocation:
        """`about` is what the function finds in `context.client_context.custom`. Raises TaskError."""
        context = base64.b64encode(write_json({"custom": about}).encode()).decode()
        try:
            client = self._open_client(arn.split(":")[3], seconds)
            answer = client.invoke(FunctionName=arn, Payload=event, ClientContext=context)
            text = answer["Payload"].read()
        except ClientError as exc:
            raise error_of_service(exc) from exc
        except BotoCoreError as exc:
            raise error_of_client(exc, seconds) from exc
        return Invocation(text, "FunctionError" in answer, answer["StatusCode"], answer.get("ExecutedVersion"))


def error_of_service(error: ClientError) -> TaskError:
    """Lambda did not run the function."""
    code = error.response["Error"]["Code"]
    if code == THROTTLED:
        return RetryableTaskError(
            ErrorReason.RATE_LIMIT_EXCEEDED, "Too many invocations of the function are under way."
        )
    status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in PERMANENT:
        return PermanentTaskError(*PERMANENT[code])
    if code in TRANSIENT:
        return RetryableTaskError(ErrorReason.BACKEND_ERROR, AT_FAULT.format(shorten(code)))
    kind = PermanentTaskError if status < SERVER_ERRORS or code.startswith(("KMS", "Invalid")) else RetryableTaskError
    return kind(ErrorReason.BACKEND_ERROR, AT_FAULT.format(shorten(code)))


def error_of_client(error: BotoCoreError, seconds: float) -> TaskError:
    """Nobody knows what became of it: the function may have done its work, or does it still."""
    if isinstance(error, ReadTimeoutError):
        return RetryableTaskError(ErrorReason.TIMEOUT, f"The function did not answer within {seconds:.0f} seconds.")
    return RetryableTaskError(ErrorReason.BACKEND_ERROR, "The connection to Lambda was lost.")
