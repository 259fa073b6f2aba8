"""CPU time of checking definitions of so many tasks, in microseconds per task, as JSON."""

import json
import sys
from typing import Any

from stepcall.domain.check import check_definition
from stepcall.domain.workflow import WorkflowDefinition
from stepcall.tasks.catalog import CATALOG
from tests.benchmarks.check_workflows import workflow_of_references
from tests.benchmarks.compiling_child import microseconds_per_task
from tests.benchmarks.figures import interleave, median
from tests.benchmarks.light_workflows import light_workflow

ROUNDS = 15


def measure(document: dict[str, Any]) -> dict[str, float]:
    """`read` makes the same models of the document, and looks at no template, reference or schema."""
    tasks = len(document["tasks"])
    samples = interleave(
        {
            "check": microseconds_per_task(lambda: check_definition(document, CATALOG), tasks),
            "read": microseconds_per_task(lambda: WorkflowDefinition.from_json(document), tasks),
        },
        ROUNDS,
    )
    return {name: median(taken) for name, taken in samples.items()}


if __name__ == "__main__":
    light = {tasks: measure(light_workflow(int(tasks))) for tasks in sys.argv[1:]}
    print(json.dumps({"light": light, "references": measure(workflow_of_references(1000))}))
