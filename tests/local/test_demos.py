"""Each demo in a process of its own, as `make demo` starts it: it exits 0 only when all came out as it should."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.demo import courier, wave
from local.demo.__main__ import EXAMPLES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_demo_comes_out_as_it_should(example: str) -> None:
    command = [sys.executable, "-m", "local.demo", "--example", example]
    done = subprocess.run(  # noqa: S603 - our own
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout[-2000:]
    assert done.stdout.endswith("The demo came out as it should.\n")


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
