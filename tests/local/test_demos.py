"""Demos as `make demo` starts them: each in a process of its own, which exits 0 only when all came out as it should.

Those of control flow do the same with other workflows: one of them is started so, the others share a stack.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.demo import control_flow, courier, wave
from local.demo.__main__ import EXAMPLES
from local.demo.exchanges import Api
from local.stack import LocalStack

FIRST, *SHARING = control_flow.NAMES
POINTS = {
    "for_each": "/tasks/add_up/instances\n",
    "child_workflow": '"parent": {',
    "approval": '"awaiting": {',
    "lambda_invoke": "    def handler(event",
    "custom_type": "    def handler(event",
}
"""What an example is about, and has to be seen."""
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with LocalStack(port=0) as stack:
        yield Api(stack.url)


@pytest.mark.parametrize("name", SHARING)
def test_a_workflow_gives_the_output_that_is_written_beside_it(
    api: Api, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert control_flow.show(api, name)
    printed = capfd.readouterr()
    assert printed.err == ""
    assert POINTS.get(name, "") in printed.out


@pytest.mark.parametrize("example", [example for example in EXAMPLES if example not in SHARING])
def test_a_demo_comes_out_as_it_should(example: str) -> None:
    command = [sys.executable, "-m", "local.demo", "--example", example]
    done = subprocess.run(  # noqa: S603 - our own
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout[-2000:]
    assert done.stdout.endswith("The demo came out as it should.\n")
    assert POINTS.get(example, "") in done.stdout


@pytest.mark.parametrize(
    ("states", "mode"),
    [
        (["succeeded"] * 3 + ["skipped"] * 2, "source"),
        (["succeeded"] * 5, "source"),
        (["succeeded"] * 4 + ["failed"], "full"),
    ],
)
def test_a_courier_run_that_did_other_tasks_than_its_mode_is_none_that_it_should(states: list[str], mode: str) -> None:
    tasks = [
        {"task_definition_id": f"wf-1/{ref}", "state": state} for ref, state in zip(courier.STAGES, states, strict=True)
    ]
    told = {"state": "succeeded", "type": "courier.group/run", "task_instances": tasks}
    assert not courier.ran_as_it_should(mode, told)


def test_the_result_of_the_wave_demo_is_the_order_less_its_discount() -> None:
    total = sum(line["price"] * line["quantity"] for line in wave.ORDER["lines"])
    assert {"sum": total, "total": round(total * 0.95, 2), "discounted": True} == wave.RESULT
