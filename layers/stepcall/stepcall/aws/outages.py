"""Which errors of AWS pass: a service that throttles, fails or cannot be reached takes the same call later."""

from http import HTTPStatus

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's own name

THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


def is_outage(error: Exception) -> bool:
    """Whether AWS did not take the call, or may not have, for no fault of ours or of the caller's."""
    if not isinstance(error, ClientError):
        return isinstance(error, ConnectionError | HTTPClientError)
    reasons = error.response.get("CancellationReasons", [])
    codes = {error.response["Error"]["Code"], *(str(reason.get("Code")) for reason in reasons)}
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return bool(codes & THROTTLED) or status >= HTTPStatus.INTERNAL_SERVER_ERROR
