"""Workflows of light tasks: each takes what the one before gave."""

from typing import Any


def light_workflow(tasks: int) -> dict[str, Any]:
    return {
        "name": f"{tasks} light tasks",
        "input": [{"name": "number", "type": "integer"}],
        "tasks": [_task(position) for position in range(tasks)],
        "output": [{"name": "result", "type": "number", "value": f"{{{{refs.step_{tasks - 1}.output.result}}}}"}],
    }


def _task(position: int) -> dict[str, Any]:
    before = f"refs.step_{position - 1}.output.result" if position else "input.number"
    data = {"number": f"{{{{{before}}}}}"}
    return {"ref": f"step_{position}", "type": "Data.Transform", "input": {"expression": "number + 1", "data": data}}
