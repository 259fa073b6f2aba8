"""What every face answers while DynamoDB throttles: 503 with when to ask again, never a fault of ours."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from local.seed import API_KEY
from local.stack import LocalStack
from stepcall.runtime import client_wiring
from tests.functional.conftest import Api, faults, send

THROTTLED = ClientError(
    {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "of a table"}}, "operation"
)
SILENT = ReadTimeoutError(endpoint_url="https://dynamodb")
RUN = "01a1ff6b-0000-7000-8000-000000000000"


@pytest.fixture(params=[THROTTLED, SILENT], ids=["throttled", "silent"])
def outage(stack: LocalStack, api: Api, request: pytest.FixtureRequest) -> Iterator[None]:
    def fail(**_: object) -> None:
        raise request.param

    api("GET", "/workflows")  # the key is known before
    events = client_wiring.dynamodb().meta.events
    events.register("before-call.dynamodb.Query", fail)
    yield
    events.unregister("before-call.dynamodb.Query", fail)


@pytest.mark.usefixtures("outage")
@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/workflows", "detail"),
        (f"/jobs/{RUN}", "detail"),
        ("/v3/sql/jobs", "error"),
        ("/wave/workflows", "message"),
        (f"/wave/runs/{RUN}", "message"),
        ("/api/workflow/runs", "message"),
        (f"/api/workflow/runs/{RUN}", "message"),
    ],
)
def test_an_outage_of_dynamodb_is_503_on_every_face(api: Api, path: str, key: str) -> None:
    answer = send(api.url, "GET", path, headers={"authorization": f"Bearer {API_KEY}"})
    assert faults("GET", path, answer) == [] or path.startswith(("/v3/", "/wave/"))  # these have no description
    assert answer.status == 503
    assert answer.headers["retry-after"] == "2"
    assert answer.json[key].endswith("send the request again.")
    assert "dynamodb" not in answer.text.lower()
