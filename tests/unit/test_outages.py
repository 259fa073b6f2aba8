from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError, ReadTimeoutError

from stepcall.aws.outages import is_outage


def answered(code: str, status: int = 400, **more: Any) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(response, "Query")


@pytest.mark.parametrize(
    "error",
    [
        answered("ProvisionedThroughputExceededException"),
        answered("ThrottlingException"),
        answered("SlowDown", 503),
        answered("InternalServerError", 500),
        answered("TransactionCanceledException", CancellationReasons=[{"Code": "None"}, {"Code": "ThrottlingError"}]),
        EndpointConnectionError(endpoint_url="https://dynamodb"),
        ReadTimeoutError(endpoint_url="https://dynamodb"),
    ],
)
def test_what_passes_is_an_outage(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        answered("AccessDeniedException"),
        answered("ResourceNotFoundException"),
        answered("TransactionCanceledException", CancellationReasons=[{"Code": "ConditionalCheckFailed"}]),
        ClientError({"Error": {"Code": "ValidationException", "Message": ""}}, "Query"),
        ParamValidationError(report="a bug"),
        ZeroDivisionError("a bug"),
    ],
)
def test_what_stays_as_it_is_is_none(error: Exception) -> None:
    assert not is_outage(error)
