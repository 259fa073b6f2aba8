"""CPU time of the AWS calls of a request, in microseconds, as JSON: botocore's own work, with answers that wait for it.

`python -m tests.benchmarks.aws_calls_child ROUNDS`
"""

import io
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from stepcall.domain.access import RateLimit
from stepcall.domain.rate_limit import microseconds_of as since_1970
from stepcall.domain.run import Run, RunStatus, StoredPayload
from stepcall.runtime import client_wiring, wiring
from stepcall.stores.dynamo_items import run_values, task_key, write_values
from tests.benchmarks.figures import interleave, median

CALLS_PER_SAMPLE = 20
WARM_UP_ROUNDS = 2
TENANT = "benchmark"


class Body(io.BytesIO):
    """As much of urllib3's response as botocore reads."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def answer(client: Any, event: str, value: Any) -> None:
    """Every request of this kind gets this answer, before it would be sent."""
    headers = HTTPHeaders.from_dict({"content-type": "application/x-amz-json-1.0"})
    body = json.dumps(value).encode()
    client.meta.events.register(
        f"before-send.{event}", lambda request, **_: AWSResponse(request.url, 200, headers, Body(body))
    )


def new_run() -> Run:
    return Run(
        run_id=wiring.new_id(),
        tenant=TENANT,
        principal=TENANT,
        workflow_id=wiring.new_id(),
        workflow_version=1,
        content_hash="0" * 32,
        status=RunStatus.PENDING,
        created_at=wiring.now(),
        input=StoredPayload(12, inline='{"number":1}'),
    )


def microseconds_of(call: Callable[[], Any]) -> Callable[[int], float]:
    def sample(_round: int) -> float:
        began = time.process_time()
        for _ in range(CALLS_PER_SAMPLE):
            call()
        return (time.process_time() - began) / CALLS_PER_SAMPLE * 1e6

    return sample


def main(rounds: int) -> None:
    deps, run = wiring.face_dependencies(), new_run()
    tasks = [task_key(run.run_id, f"step_{position}") | {"status": {"S": "RUNNING"}} for position in range(3)]
    answer(client_wiring.dynamodb(), "dynamodb.PutItem", {})
    answer(client_wiring.dynamodb(), "dynamodb.Query", {"Items": [write_values(run_values(run)), *tasks]})
    answer(client_wiring.dynamodb(), "dynamodb.UpdateItem", {"Attributes": {"tat": {"N": "1"}}})
    start = {
        "stateMachineArn": "arn:aws:states:eu-central-1:123456789012:stateMachine:stepcall-0a1b",
        "name": str(run.run_id),
        "input": "{}",
    }
    answer(
        client_wiring.stepfunctions(),
        "sfn.StartExecution",
        {"executionArn": start["stateMachineArn"], "startDate": 1.0},
    )
    now = since_1970(deps.now())
    subjects = {
        "PutItem": microseconds_of(lambda: deps.runs.put(run)),
        "UpdateItem": microseconds_of(lambda: deps.rate_limits.take(TENANT, TENANT, RateLimit(), now)),
        "StartExecution": microseconds_of(lambda: client_wiring.stepfunctions().start_execution(**start)),
        "Query": microseconds_of(lambda: deps.runs.get(TENANT, run.run_id)),
    }
    samples = interleave(subjects, WARM_UP_ROUNDS + rounds)
    print(json.dumps({name: median(taken[WARM_UP_ROUNDS:]) for name, taken in samples.items()}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
