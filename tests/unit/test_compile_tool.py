"""`make compile`: the machine on stdout, or what is wrong on stderr."""

import json
import sys
from pathlib import Path

import pytest

from tools.compile_workflow import main

GOLDEN = Path(__file__).parents[1] / "golden"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["compile_workflow", *arguments])
    return main()


@pytest.mark.parametrize(("mode", "suffix"), [("source", ".source"), ("refresh", ".refresh"), ("full", "")])
def test_the_machine_of_each_run_mode_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mode: str, suffix: str
) -> None:
    assert run(monkeypatch, str(GOLDEN / "staged.workflow.json"), "--run-mode", mode) == 0
    machine = json.loads((GOLDEN / f"staged{suffix}.asl.json").read_text())
    assert json.loads(capsys.readouterr().out) == machine


def test_a_run_mode_that_leaves_nothing_to_run_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, str(GOLDEN / "chain_of_three.workflow.json"), "--run-mode", "source") == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "The run mode `source` leaves nothing to run" in printed.err
