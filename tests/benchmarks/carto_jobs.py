"""A job that finds its table, beside one that computes it: `make serve` in one process, the client in this one."""

import time
from itertools import count
from typing import Any

from tests.benchmarks.figures import Figure, interleave, median
from tests.benchmarks.http_client import Client, client_of
from tests.benchmarks.local_stack import served

ROUNDS = 30
WARM_UP = 3
PAUSE = 0.01
JOBS = "/v3/sql/carto_dw/job"
WORKFLOW = {
    "name": "One table",
    "input": [{"name": "number", "type": "integer"}],
    "tasks": [
        {
            "ref": "rows",
            "type": "Sql.Query",
            "input": {
                "query": "SELECT n, n * n AS square FROM UNNEST(GENERATE_ARRAY(1, @number)) AS n",
                "parameters": {"number": "{{input.number}}"},
            },
        },
        {"ref": "result", "type": "Workflow.Output", "input": {"table": "{{refs.rows.output.table}}"}},
    ],
}


def measure_carto_jobs() -> tuple[list[Figure], dict[str, Any]]:
    with served() as (url, _), client_of(url) as client:
        workflow_id = client.send("POST", "/workflows", WORKFLOW)["workflow_id"]
        procedure = client.send("POST", f"/workflows/{workflow_id}/api-access", {})["procedure"]
        numbers = count(1)
        for _ in range(WARM_UP):
            job_milliseconds(client, procedure, next(numbers))
        computed: list[int] = []

        def compute(_: int) -> float:
            computed.append(next(numbers))
            return job_milliseconds(client, procedure, computed[-1])

        samples = interleave(
            {"computed": compute, "reused": lambda _: job_milliseconds(client, procedure, computed[-1])}, ROUNDS
        )
    row = Figure("job that reuses its table, until DONE", median(samples["reused"]), "ms", median(samples["computed"]))
    return [row], samples


def job_milliseconds(client: Client, procedure: str, number: int) -> float:
    """From sending the call until the job is told to be DONE, and has not failed."""
    began = time.perf_counter()
    call = {"query": f"CALL `{procedure}`(@number)", "queryParameters": {"number": number}}
    created = client.send("POST", JOBS, call)
    while (status := client.send("GET", f"{JOBS}/{created['externalId']}")["status"])["state"] != "DONE":
        time.sleep(PAUSE)
    if "errorResult" in status:
        raise RuntimeError(f"the job failed: {status['errorResult']['message']}")
    return (time.perf_counter() - began) * 1000
