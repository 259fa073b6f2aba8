"""The workflows that definitions of these pairs may execute, by `config_id`: `level-6` nests six deep,
and there are 100 `one-of-many-…`."""

from typing import Any
from uuid import UUID

from stepcall.domain.called_check import CallSetting
from stepcall.domain.called_workflow import CalledWorkflow
from stepcall.domain.check import check_definition
from stepcall.tasks.catalog import CATALOG


def _calls(name: str) -> dict[str, Any]:
    return {"name": "calls", "tasks": [{"ref": "a", "type": "Workflow.Execute", "input": {"workflow_id": name}}]}


STORES: dict[str, Any] = {
    "name": "Stores of a city",
    "input": [{"name": "city", "type": "string"}, {"name": "least", "type": "number", "required": False}],
    "tasks": [{"ref": "find", "type": "Data.Transform", "input": {"expression": "$", "data": "{{input.city}}"}}],
    "output": [
        {"name": "names", "type": "array", "schema": {"items": {"type": "string"}}, "value": ["{{input.city}}"]},
        {"name": "total", "type": "number", "value": "{{input.least}}"},
    ],
}
DOCUMENTS = {
    "stores-of-a-city": STORES,
    "calls-this-one": _calls("between"),
    "between": _calls("this-one"),
    "level-1": STORES | {"input": [], "output": [], "tasks": [STORES["tasks"][0] | {"input": {"expression": "1"}}]},
    **{f"level-{level}": _calls(f"level-{level - 1}") for level in range(2, 7)},
}
DOCUMENTS |= {f"one-of-many-{number}": DOCUMENTS["level-1"] for number in range(1, 101)}
NEWEST = 2


def find(name: str, version: int | None) -> CalledWorkflow | None:
    if name not in DOCUMENTS or (version or NEWEST) > NEWEST:
        return None
    definition = check_definition(DOCUMENTS[name], CATALOG).definition
    return CalledWorkflow(UUID(int=[*DOCUMENTS].index(name)), version or NEWEST, definition, CATALOG)


CALLS = CallSetting(find)
