"""What a run of 3 tasks writes to DynamoDB."""

import json
import os
import subprocess
import sys
from typing import Any

from tests.benchmarks.figures import Figure, Reach
from tests.benchmarks.machine import ROOT

TASKS = 3
REACH = Reach(4 + 2 * TASKS)  # put, end, and the slot taken and given back


def measure_writes() -> tuple[list[Figure], dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.writes_child"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(["layers/stepcall", "functions", "."])},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the run could not be measured:\n{done.stderr}")
    measured = json.loads(done.stdout.splitlines()[-1])
    rows = [
        Figure(f"writes: requests of a run of {TASKS} tasks", sum(measured["writes"].values()), "", reach=REACH),
        Figure("writes: units of the tables", measured["units"]["table"], "WCU"),
        Figure("writes: units of their indexes", measured["units"]["indexes"], "WCU"),
    ]
    return rows, measured
