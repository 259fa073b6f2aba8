"""How often a face calls AWS when it knows the key and the workflow: what a call costs most of."""

import json
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from stepcall.runtime import client_wiring
from stepcall.stores.workflow_store import LATEST_LEASE_SECONDS
from tests.benchmarks.lambda_python import ENVIRONMENT
from tests.benchmarks.machine import ROOT
from tests.benchmarks.warm_requests import EVENT
from tests.functional.conftest import Api
from tests.functional.test_workflow_versions import definition


def test_execute_calls_aws_three_times_with_a_limit_or_a_key_once_more_each_and_status_once() -> None:
    paths = ":".join(str(ROOT / folder) for folder in ("functions", "layers/stepcall", "."))
    command = [sys.executable, "-m", "tests.benchmarks.warm_requests_child", str(EVENT), "1"]
    env = ENVIRONMENT | {"PYTHONPATH": paths}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["calls"] == {
        # of the UpdateItems one takes the tenant's slot
        "execute": {"PutItem": 1, "UpdateItem": 1, "StartExecution": 1},
        "execute, limited": {"UpdateItem": 2, "PutItem": 1, "StartExecution": 1},
        "execute, limited, with a key": {"GetItem": 1, "UpdateItem": 2, "TransactWriteItems": 1, "StartExecution": 1},
        "execute, with a key that was sent": {"GetItem": 1, "Query": 1},
        "status": {"Query": 1},
    }


READS = {"GetItem", "Query"}


@pytest.fixture
def workflow_reads(api: Api) -> Iterator[Counter[tuple[str, str]]]:
    """What is read of workflows and of their other names, by operation and kind of partition."""
    api("GET", "/health")
    reads: Counter[tuple[str, str]] = Counter()

    def note(**call: Any) -> None:
        sent = call["params"]
        key = sent.get("Key", {}).get("pk") or sent.get("ExpressionAttributeValues", {}).get(":pk") or {"S": ""}
        if call["model"].name in READS and (kind := key["S"].partition("#")[0]) in {"CONFIG", "WORKFLOW"}:
            reads[call["model"].name, kind] += 1

    events = client_wiring.dynamodb().meta.events
    events.register("provide-client-params.dynamodb", note)
    yield reads
    events.unregister("provide-client-params.dynamodb", note)


def test_a_start_by_config_id_reads_once_more_and_within_a_second_nothing(
    api: Api, workflow_reads: Counter[tuple[str, str]]
) -> None:
    config_id = f"cg-{uuid.uuid4().hex}"
    path = api("POST", "/workflows", definition(config_id=config_id)).headers["location"]
    by_id, by_config_id = path.removeprefix("/workflows/"), config_id

    def start(name: str) -> dict[tuple[str, str], int]:
        workflow_reads.clear()
        started = api("POST", "/api/workflow/runs", {"config_id": name}, headers={"authorization": f"Bearer {api.key}"})
        assert started.status in {200, 201}, started.text
        return dict(workflow_reads)

    start(by_config_id)  # its face knows the version from now on
    newest, whose = {("Query", "WORKFLOW"): 1}, {("GetItem", "CONFIG"): 1}
    for name, reads in ((by_id, newest), (by_config_id, newest | whose)):
        time.sleep(LATEST_LEASE_SECONDS + 0.1)
        assert start(name) == reads
        assert any(start(name) == {} for _ in range(5))  # some start within the second
