"""How often the native face calls AWS when it knows the key and the workflow: what a call costs most of."""

import json
import subprocess
import sys

from tests.benchmarks.lambda_python import ENVIRONMENT
from tests.benchmarks.machine import ROOT
from tests.benchmarks.warm_requests import EVENT


def test_execute_calls_aws_twice_or_with_a_limit_three_times_and_status_once() -> None:
    paths = ":".join(str(ROOT / folder) for folder in ("functions", "layers/stepcall", "."))
    command = [sys.executable, "-m", "tests.benchmarks.warm_requests_child", str(EVENT), "1"]
    env = ENVIRONMENT | {"PYTHONPATH": paths}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["calls"] == {
        "execute": {"PutItem": 1, "StartExecution": 1},
        "execute, limited": {"UpdateItem": 1, "PutItem": 1, "StartExecution": 1},
        "status": {"Query": 1},
    }
