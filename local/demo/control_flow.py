"""A workflow of `examples/`, with an input and the output that it should give: checked, drawn, executed, followed."""

import json
from pathlib import Path
from typing import Any

from local.demo.exchanges import Api, follow
from local.stack import LocalStack

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("graph", "patience", "conditions", "best_effort", "fallback", "waiting", "for_each", "child_workflow")


def run(name: str) -> bool:
    """Whether its output is as it should be."""
    with LocalStack(port=0) as stack:
        return show(Api(stack.url), name)


def show(api: Api, name: str) -> bool:
    """Whether its output is as it should be."""
    if (EXAMPLES / name / "child.json").exists():
        print("The workflow that it executes:\n")
        api.call("POST", "/workflows", read(name, "child"))
    definition = read(name, "workflow")
    print("What the check says of it, with the machine that it becomes:\n")
    api.call("POST", "/workflows/validate", definition)
    created = api.call("POST", "/workflows", definition)
    workflow = f"/workflows/{created['workflow_id']}"
    started = api.call("POST", f"{workflow}/execute", {"input": read(name, "input")})
    path = f"{workflow}/executions/{started['execution_id']}"
    follow(api, path)
    return bool(api.call("GET", path).get("output") == read(name, "output"))


def read(name: str, what: str) -> Any:
    return json.loads((EXAMPLES / name / f"{what}.json").read_text())
