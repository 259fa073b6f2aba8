"""Pairs that a reviewer can read: `X.workflow.json` with `X.asl.json`, `error_X.workflow.json` with `.errors.json`,
and `warning_X.workflow.json` with `.warnings.json`. Queries may read two datasets, and tasks
execute `called_workflows.py`; the connection of
`athena_X.workflow.json` has the engine athena. `X.source.asl.json` and `X.refresh.asl.json` are the machines of the run
modes of a workflow with stages.

`STEPCALL_UPDATE_GOLDEN=1` writes the second of each pair anew; read the difference before you commit it.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stepcall.asl.compiler import compile_workflow
from stepcall.domain.check import check_definition
from stepcall.domain.connection import DEFAULT_CONNECTION, Column, SqlEngine
from stepcall.domain.custom_type import CustomType, contracts_of
from stepcall.domain.errors import InvalidDefinitionError
from stepcall.domain.invokable_functions import InvokableFunctions
from stepcall.domain.json_text import read_json
from stepcall.domain.run_mode import RunMode
from stepcall.domain.sql_check import SqlSetting
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.workflow import WorkflowDefinition
from stepcall.tasks.catalog import CATALOG
from stepcall.use_cases.check_workflow import LateQueryChecker
from tests.golden.called_workflows import CALLS
from tools.compile_workflow import ATHENA_WORK_GROUP, placeholder_arns

FOLDER = Path(__file__).parent
STORES = (
    Column("id", "INT64"),
    Column("city", "STRING"),
    Column("type", "STRING"),
    Column("revenue", "FLOAT64"),
    Column("opened", "DATE"),
)
ENGINES = {DEFAULT_CONNECTION: SqlEngine.DUCKDB, "athena_dw": SqlEngine.ATHENA}
SALES = (Column("city", "STRING"), Column("amount", "FLOAT64"))
FUNCTIONS = InvokableFunctions(
    f"arn:aws:lambda:eu-central-1:123456789012:function:{name}" for name in ("price", "stock:live", "stock:test")
)
OWN_TYPE = CustomType(
    "Acme.Price",
    "arn:aws:lambda:eu-central-1:123456789012:function:price",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string", "maxLength": 20, "description": "Where to."},
            "items": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
        },
        "required": ["city", "items"],
        "additionalProperties": False,
    },
    {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]},
)
WORKFLOWS = sorted(path.name.removesuffix(".workflow.json") for path in FOLDER.glob("*.workflow.json"))
FAULTY = [name for name in WORKFLOWS if name.startswith("error_")]
DOUBTFUL = [name for name in WORKFLOWS if name.startswith("warning_")]
SOUND = [name for name in WORKFLOWS if name not in {*FAULTY, *DOUBTFUL}]


def document(name: str) -> Any:
    return read_json((FOLDER / f"{name}.workflow.json").read_bytes())


def setting(connection: str) -> SqlSetting:
    if connection not in ENGINES:
        return SqlSetting(LateQueryChecker(), exists=False)
    return SqlSetting(LateQueryChecker(), ENGINES[connection], {"stores": STORES, "sales": SALES})


def catalog_of(name: str) -> Mapping[str, TaskContract]:
    """The tenant of some has a task type of its own."""
    return {**CATALOG, **contracts_of([OWN_TYPE])} if "custom_type" in name else CATALOG


def modes_of(definition: WorkflowDefinition) -> list[RunMode]:
    """Without stages there is one mode."""
    return [mode for mode in RunMode if mode is RunMode.FULL or definition.tasks_in(mode)]


def expect(path: Path, value: Any) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("STEPCALL_UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text


@pytest.mark.parametrize("name", SOUND)
def test_a_workflow_compiles_to_its_golden_machine(name: str) -> None:
    checked = check_definition(document(name), catalog_of(name), setting, functions=FUNCTIONS, calls=CALLS)
    assert checked.warnings == ()
    work_group = ATHENA_WORK_GROUP if name.startswith("athena_") else None
    for mode in modes_of(checked.definition):
        compiled = compile_workflow(checked.definition, catalog_of(name), placeholder_arns(), work_group, mode=mode)
        suffix = "" if mode is RunMode.FULL else f".{mode}"
        expect(FOLDER / f"{name}{suffix}.asl.json", json.loads(compiled.definition))


@pytest.mark.parametrize("name", FAULTY)
def test_a_faulty_workflow_has_its_golden_problems(name: str) -> None:
    with pytest.raises(InvalidDefinitionError) as refused:
        check_definition(document(name), catalog_of(name), setting, functions=FUNCTIONS, calls=CALLS)
    expect(FOLDER / f"{name}.errors.json", [problem.to_json() for problem in refused.value.problems])


@pytest.mark.parametrize("name", DOUBTFUL)
def test_a_workflow_with_something_odd_has_its_golden_warnings(name: str) -> None:
    checked = check_definition(document(name), CATALOG, setting, calls=CALLS)
    expect(FOLDER / f"{name}.warnings.json", [warning.to_json() for warning in checked.warnings])


def test_every_golden_answer_has_its_workflow() -> None:
    answers = [path.name for kind in ("asl", "errors", "warnings") for path in FOLDER.glob(f"*.{kind}.json")]
    assert sorted(name.split(".")[0] for name in answers if name.count(".") == 2) == WORKFLOWS
    staged = {name for name in SOUND if len(modes_of(WorkflowDefinition.from_json(document(name)))) > 1}
    assert {name for name in answers if name.count(".") > 2} == {
        f"{name}.{mode}.asl.json" for name in staged for mode in RunMode if mode is not RunMode.FULL
    }
    assert staged


def test_every_problem_code_has_a_golden_pair() -> None:
    """The codes are what programs act on: docs/problems.md names them, and each is shown here."""
    answers = [*FOLDER.glob("*.errors.json"), *FOLDER.glob("*.warnings.json")]
    shown = {problem["code"] for path in answers for problem in read_json(path.read_bytes())}
    documented = {
        line.split("`")[1]
        for line in (FOLDER.parents[1] / "docs" / "problems.md").read_text().splitlines()
        if "| `" in line
    }
    assert documented == shown
