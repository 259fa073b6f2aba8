"""A workflow of `examples/`, with an input and the output that it should give: checked, drawn, executed, followed."""

import json
from pathlib import Path
from typing import Any

from local.demo.exchanges import TOLD_LINES, Api, Json, follow, print_file
from local.stack import LocalStack

EXAMPLES = Path(__file__).parents[2] / "examples"
SEEN_IN_THE_MACHINE = ("graph", "patience", "conditions", "best_effort", "fallback", "waiting")
NAMES = (*SEEN_IN_THE_MACHINE, "for_each", "child_workflow")
CHECK_LINES = 12
"""Of an answer of the check: what it says before it comes to the machine."""


def run(name: str) -> bool:
    """Whether all came out as it should."""
    with LocalStack(port=0) as stack:
        return show(Api(stack.url), name)


def show(api: Api, name: str) -> bool:
    """Whether its output is as it should be, and so is what the example is about."""
    child = define(api, name, "child") if name == "child_workflow" else ""
    workflow = define(api, name, "workflow")
    started = api.call("POST", f"{workflow}/execute", {"input": read(name, "input")})
    path = f"{workflow}/executions/{started['execution_id']}"
    follow(api, path)
    execution = api.call("GET", path)
    if execution.get("output") != read(name, "output"):
        return False
    if name == "for_each":
        return show_instances(api, path, execution)
    return show_child(api, child, execution) if child else True


def define(api: Api, name: str, what: str) -> str:
    """The path of the workflow."""
    print(f"examples/{name}/{what}.json:\n")
    print_file(EXAMPLES / name / f"{what}.json")
    definition = read(name, what)
    with_machine = name in SEEN_IN_THE_MACHINE
    print(f"What the check says of it{', with the machine that it becomes' if with_machine else ''}:\n")
    api.call("POST", "/workflows/validate", definition, sent=3, told=TOLD_LINES if with_machine else CHECK_LINES)
    return f"/workflows/{api.call('POST', '/workflows', definition, sent=3)['workflow_id']}"


def show_instances(api: Api, path: str, execution: Json) -> bool:
    """Whether each element has been done, in the order of the array."""
    print("What became of each element:\n")
    told = api.call("GET", f"{path}/tasks/add_up/instances")["instances"]
    done = [(each["index"], each["status"]) for each in told]
    return done == [(index, "COMPLETED") for index in range(len(execution["input"]["orders"]))]


def show_child(api: Api, child: str, execution: Json) -> bool:
    """Whether the execution that a task names is its child, and says so."""
    task = next(task for task in execution["tasks"] if task["ref"] == "tea")
    print("The execution that `tea` has started, which says whose child it is:\n")
    told = api.call("GET", f"{child}/executions/{task['execution_id']}")
    parent = {name: execution[name] for name in ("execution_id", "workflow_id")}
    return bool(told["parent"] == parent | {"task": "tea"} and told["output"]["total"] == execution["output"]["tea"])


def read(name: str, what: str) -> Any:
    return json.loads((EXAMPLES / name / f"{what}.json").read_text())
