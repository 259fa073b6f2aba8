"""CPU time of a request to the native face, and to a bare resolver, in microseconds; and its AWS calls; as JSON.

`python -m tests.benchmarks.warm_requests_child EVENT_FILE ROUNDS`
"""

import copy
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from stepcall.domain.access import RateLimit
from stepcall.domain.ids import read_run_id
from stepcall.runtime import client_wiring
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from stepcall.stores.dynamo_items import run_key, task_key, write_values
from tests.api_keys import api_key
from tests.benchmarks import bare_resolver
from tests.benchmarks.fake_aws import FakeDynamoDb, FakeStepFunctions
from tests.benchmarks.figures import interleave, median
from tests.benchmarks.light_workflows import light_workflow
from workflows_api import app as face

WARM_UP_ROUNDS = 2
REQUESTS_PER_SAMPLE = 60
KEY = "sc_key_of_the_benchmark"
LIMITED_KEY = "sc_limited_key_of_the_benchmark"
ENOUGH = RateLimit(per_second=1000, burst=1_000_000)
TIME = "2026-11-21T09:15:32.532233Z"
Event = dict[str, Any]
Values = dict[str, str | int | None]


class Context:
    """As much of Lambda's context as the face and Powertools read."""

    function_name = "stepcall-workflows-api"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:stepcall-workflows-api"
    memory_limit_in_mb = 1024
    aws_request_id = "8a3f1c52-52f5-4b0c-9c62-0c1f2f5c9d11"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


def event_of(recorded: Event, method: str, path: str, body: Any = None, *, key: str = KEY) -> Event:
    """The recorded event, for another request."""
    event = copy.deepcopy(recorded)
    event["headers"]["x-api-key"] = key
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    event["requestContext"]["http"]["method"] = method
    event["body"] = None if body is None else json.dumps(body)
    return event


def answer_to(event: Event) -> Any:
    response = face.lambda_handler(event, Context())  # type: ignore[arg-type]
    if response["statusCode"] >= 300:
        raise RuntimeError(f"{event['rawPath']}: {response}")
    return json.loads(response["body"])


def complete(dynamodb: FakeDynamoDb, run_id: UUID) -> None:
    """The run as its workers leave it."""
    run = dynamodb.get_item(TableName="runs", Key=run_key(run_id))["Item"]
    ended: Values = {"status": "COMPLETED", "completed_at": TIME}
    output: Values = {"output": '{"result":4}', "output_size": 12}
    dynamodb.put_item(TableName="runs", Item=run | write_values(ended | output | {"started_at": TIME}))
    for position in range(3):
        done = ended | output | {"attempts": 1, "started_at": TIME, "expires_at": 1795252532}
        dynamodb.put_item(TableName="runs", Item=task_key(run_id, f"step_{position}") | write_values(done))


def microseconds_of(handler: Callable[[Event, Any], Any], event: Event) -> Callable[[int], float]:
    context = Context()

    def sample(_round: int) -> float:
        events = [copy.deepcopy(event) for _ in range(REQUESTS_PER_SAMPLE)]
        began = time.process_time()
        for each in events:
            handler(each, context)
        return (time.process_time() - began) / REQUESTS_PER_SAMPLE * 1e6

    return sample


def calls_of(calls: Counter[str], before: Event, event: Event) -> dict[str, int]:
    """Of a request after another one: keys and versions are in memory."""
    answer_to(copy.deepcopy(before))
    calls.clear()
    answer_to(copy.deepcopy(event))
    return dict(calls)


def main(recorded: Event, rounds: int) -> None:
    calls: Counter[str] = Counter()
    dynamodb = FakeDynamoDb(calls)
    clients = {"dynamodb": dynamodb, "stepfunctions": FakeStepFunctions(calls)}
    client_wiring.session().create_client = lambda service, **_: clients[service]  # type: ignore[assignment]
    for text, limit in ((KEY, None), (LIMITED_KEY, ENOUGH)):
        key = api_key(text, last_used_at=datetime.now(UTC), rate_limit=limit)
        DynamoApiKeyStore(dynamodb, "workflows").put(key)  # type: ignore[arg-type]

    workflow = answer_to(event_of(recorded, "POST", "/workflows", light_workflow(3)))
    path = f"/workflows/{workflow['workflow_id']}"
    run = answer_to(event_of(recorded, "POST", f"{path}/execute", {"input": {"number": 1}}))
    complete(dynamodb, read_run_id(run["execution_id"]))

    execute, limited = (
        event_of(recorded, "POST", f"{path}/execute", {"input": {"number": 1}}, key=key) for key in (KEY, LIMITED_KEY)
    )
    status = event_of(recorded, "GET", f"{path}/executions/{run['execution_id']}")
    bare = event_of(recorded, "POST", f"{path}/execute", {"input": {"identity": run["execution_id"]}})
    samples = interleave(
        {
            "bare": microseconds_of(bare_resolver.lambda_handler, bare),
            "execute": microseconds_of(face.lambda_handler, execute),
            "execute, limited": microseconds_of(face.lambda_handler, limited),
            "status": microseconds_of(face.lambda_handler, status),
        },
        WARM_UP_ROUNDS + rounds,
    )
    figures: dict[str, Any] = {name: median(taken[WARM_UP_ROUNDS:]) for name, taken in samples.items()}
    keyed = copy.deepcopy(limited)
    keyed["headers"]["idempotency-key"] = "a-key-of-the-benchmark"
    requests = {
        "execute": (execute, execute),
        "execute, limited": (limited, limited),
        "execute, limited, with a key": (limited, keyed),
        "execute, with a key that was sent": (keyed, keyed),
        "status": (status, status),
    }
    print(json.dumps(figures | {"calls": {name: calls_of(calls, *events) for name, events in requests.items()}}))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2]))
