"""npm's asl-validator says of compiled machines what our own check says: a second opinion, where node is present.

`make check` installs it when there is npm. It knows less than `asl/check.py` (tests/unit/test_asl_check.py).
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from stepcall.asl.compiler import compile_workflow
from stepcall.domain.check import check_definition
from stepcall.domain.run_mode import RunMode
from tests.unit.test_asl_check import PLANTED, big_machine
from tests.unit.valid_workflows import WIDE_CATALOG, ValidWorkflow, valid_workflows
from tools.compile_workflow import placeholder_arns

FOLDER = Path(__file__).parent
GOLDEN = sorted((FOLDER.parent / "golden").glob("*.asl.json"))
BY_HAND = FOLDER.parents[1] / "statemachine" / "webhook_delivery.asl.json"
GENERATED = 50
REFUSED = (
    "no StartAt",
    "States is missing",
    "Next leads nowhere",
    "a Catch leads nowhere",
    "a state nothing leads to",
    "a name of 81 characters",
    "neither Next nor End",
    "a Type that is none",
    "a misspelled field",
    "no Resource",
    "a handler without errors",
    "an interval as text",
    "a timeout of 0",
    "a path that is a number",
)
"""Faults planted in tests/unit/test_asl_check.py that it finds; there are others that only our own check does."""


def generated_machines() -> list[Any]:
    machines: list[Any] = []

    @settings(max_examples=GENERATED, suppress_health_check=[HealthCheck.too_slow])
    @given(valid_workflows(is_staged=True))
    def compile_one(workflow: ValidWorkflow) -> None:
        definition = check_definition(workflow.document, WIDE_CATALOG).definition
        for mode in RunMode:
            if definition.tasks_in(mode):
                compiled = compile_workflow(definition, WIDE_CATALOG, placeholder_arns(), mode=mode)
                machines.append(json.loads(compiled.definition))

    compile_one()
    return machines


def planted(name: str) -> Any:
    machine = big_machine()
    next(change for known, change, _ in PLANTED if known == name)(machine)
    return machine


@pytest.fixture(scope="module")
def faults() -> dict[str, list[str]]:
    """What it says of each machine, by a name for it. Starting node costs more than all of them together."""
    if not shutil.which("node"):
        pytest.skip("node is not installed: nothing here but our own check looks at compiled machines.")
    if not (FOLDER / "node_modules" / "asl-validator").is_dir():
        pytest.skip("asl-validator is not installed: `make check` does it where there is npm and a network.")
    machines = {path.name: json.loads(path.read_text()) for path in (*GOLDEN, BY_HAND)}
    machines |= {f"generated {number}": machine for number, machine in enumerate(generated_machines())}
    machines |= {"written by hand": big_machine()} | {name: planted(name) for name in REFUSED}
    done = subprocess.run(  # noqa: S603
        ["node", str(FOLDER / "validate.cjs")],  # noqa: S607
        input=json.dumps([*machines.values()]),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(machines, json.loads(done.stdout), strict=True))


def test_it_finds_nothing_wrong_with_the_golden_machines(faults: dict[str, list[str]]) -> None:
    assert {path.name: faults[path.name] for path in GOLDEN} == {path.name: [] for path in GOLDEN}
    assert faults["written by hand"] == []
    assert faults[BY_HAND.name] == []


def test_it_finds_nothing_wrong_with_generated_machines(faults: dict[str, list[str]]) -> None:
    generated = {name: found for name, found in faults.items() if name.startswith("generated ")}
    assert len(generated) >= GENERATED
    assert {name: found for name, found in generated.items() if found} == {}


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses_a_planted_fault(faults: dict[str, list[str]], name: str) -> None:
    assert faults[name]
