"""Requests to the native face in a warm process, beside a bare Powertools resolver with validation."""

from typing import Any

from tests.benchmarks.figures import Figure, Reach
from tests.benchmarks.lambda_python import LambdaPython
from tests.benchmarks.machine import ROOT

ROUNDS = 25
EVENT = ROOT / "events" / "workflows_api.json"
REACH = Reach(1.5, of_ratio=True)
CALLS = {"execute": Reach(3), "execute, limited": Reach(4), "status": Reach(1)}  # put, slot, start; one to count it


def measure_warm_requests(python: LambdaPython) -> tuple[list[Figure], dict[str, Any]]:
    measured = python.run("warm_requests_child", "workflows_api", str(EVENT), str(ROUNDS))
    in_botocore = python.run("aws_calls_child", "workflows_api", str(ROUNDS))
    rows = [Figure(f"warm {name}", measured[name], "µs", measured["bare"], REACH) for name in CALLS]
    for name, reach in CALLS.items():
        calls: dict[str, int] = measured["calls"][name]
        rows.append(Figure(f"AWS calls of {name}", sum(calls.values()), "", reach=reach))
        spent = sum(in_botocore[call] * times for call, times in calls.items())
        rows.append(Figure(f"AWS calls of {name}, in botocore", spent, "µs"))
    return rows, measured | {"in_botocore": in_botocore}
