"""CPU time of compiling beside `json.dumps` of what comes out, in microseconds per task, as JSON."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from stepcall.asl.compiler import FINISH_RUN, compile_workflow
from stepcall.domain.check import check_definition
from stepcall.domain.task_contract import Worker
from stepcall.tasks.catalog import CATALOG
from tests.benchmarks.figures import interleave, median
from tests.benchmarks.light_workflows import light_workflow

ROUNDS = 15
TASKS_PER_SAMPLE = 1000
ARNS = {
    str(name): f"arn:aws:lambda:eu-central-1:123456789012:function:stepcall-{name}" for name in (*Worker, FINISH_RUN)
}


def microseconds_per_task(work: Callable[[], Any], tasks: int) -> Callable[[int], float]:
    def sample(_round: int) -> float:
        times = max(1, TASKS_PER_SAMPLE // tasks)
        began = time.process_time()
        for _ in range(times):
            work()
        return (time.process_time() - began) / times / tasks * 1e6

    return sample


def measure(tasks: int) -> dict[str, float]:
    definition = check_definition(light_workflow(tasks), CATALOG).definition
    machine = json.loads(compile_workflow(definition, CATALOG, ARNS).definition)
    samples = interleave(
        {
            "compile": microseconds_per_task(lambda: compile_workflow(definition, CATALOG, ARNS), tasks),
            "dumps": microseconds_per_task(lambda: json.dumps(machine), tasks),
        },
        ROUNDS,
    )
    return {name: median(taken) for name, taken in samples.items()} | {"definition_bytes": len(json.dumps(machine))}


if __name__ == "__main__":
    print(json.dumps({tasks: measure(int(tasks)) for tasks in sys.argv[1:]}))
