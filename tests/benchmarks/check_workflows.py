"""Definitions to check: light tasks, and a thousand tasks with five references each, of every kind."""

from typing import Any

from tests.benchmarks.light_workflows import light_workflow

SITE = {
    "name": "site",
    "type": "object",
    "schema": {
        "properties": {"host": {"type": "string"}, "port": {"type": "integer"}, "model": {"type": "string"}},
        "required": ["host", "port", "model"],
    },
}
REFERENCES_PER_TASK = 5


def workflow_of_references(tasks: int) -> dict[str, Any]:
    document = light_workflow(tasks)
    steps = [_transform(position) if position % 2 == 0 else _summarize(position) for position in range(tasks)]
    output = {"name": "result", "type": "object", "value": {"last": f"{{{{refs.step_{tasks - 1}.output}}}}"}}
    return document | {"input": [*document["input"], SITE], "tasks": steps, "output": [output]}


def _transform(position: int) -> dict[str, Any]:
    before = f"refs.step_{position - 1}.output.summary" if position else "input.site.host"
    data = {
        "before": f"{{{{{before}}}}}",
        "site": "{{input.site}}",
        "elements": ["{{input.number}}", "{{input.site.port}} of {{input.site.host}}"],
    }
    return {"ref": f"step_{position}", "type": "Data.Transform", "input": {"expression": "$", "data": data}}


def _summarize(position: int) -> dict[str, Any]:
    before = f"refs.step_{position - 1}.output.result"
    fields = {
        "text": f"{{{{{before}.rows[0].text}}}}, by {{{{input.site.host}}}}",
        "model": "{{input.site.model}}",
        "parameters": {"max_tokens": "{{input.number}}", "seed": f"{{{{{before}.seed}}}}"},
    }
    return {"ref": f"step_{position}", "type": "OpenAI.Text.Summarize", "input": fields}
