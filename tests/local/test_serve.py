"""`python -m local.serve` as a developer runs it, with the real template."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.errors import UnknownLogLevelError
from local.seed import API_KEY
from local.stack import log_level
from tests.local.http_client import Client

ROOT = Path(__file__).parents[2]
TASKS = 20


@contextmanager
def serving(*arguments: str) -> "Iterator[subprocess.Popen[str]]":
    command = [sys.executable, "-m", "local.serve", *arguments]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LOG_LEVEL"))}
    with subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_it_serves_the_whole_service_and_ends_at_once_with_runs_in_flight() -> None:
    with serving("--port", "0") as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready.startswith("ready http://127.0.0.1:")
        client = Client(ready.split()[1])
        assert process.stdout.readline() == f"events {ready.split()[1]}/_local/events\n"
        # When a workflow is defined and executed over HTTP with the local key
        headers = {"x_api_key": API_KEY}
        assert client("GET", "/health").status == 200
        assert client("POST", "/workflows", chain_of_tasks()).status == 401
        workflow = client("POST", "/workflows", chain_of_tasks(), **headers).json["workflow_id"]
        path = f"/workflows/{workflow}/execute"
        finished = client("POST", path, {"input": {"n": 1}}, prefer="wait=20", **headers).json
        # Then its machine was interpreted, task by task
        assert (finished["status"], finished["output"]) == ("COMPLETED", {"n": TASKS + 1})
        # And when more are on their way, a signal ends the process: cleanly, and having said nothing else
        for _ in range(3):
            assert client("POST", path, {"input": {"n": 1}}, **headers).status == 202
        client.close()
        assert end(process, signal.SIGTERM) == (0, "", "")


def test_it_can_be_interrupted_while_it_starts() -> None:
    with serving("--port", "0") as process:
        time.sleep(1)
        assert end(process, signal.SIGINT) == (0, "", "")


def test_a_port_in_use_is_said_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving("--port", str(port)) as process:
            out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (1, "")
    assert err == f"The local stack cannot start: Port {port} of 127.0.0.1 cannot be used: Address already in use.\n"


def test_a_function_of_ones_own_that_is_not_there_is_said_before_anything_is_ready() -> None:
    own = Path("examples/lambda_invoke/function.py")
    with serving("--port", "0", "--function", f"quote={own}:handle") as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert err == f"The local stack cannot start: `{own}` has no `handle`; it has `handler`.\n"


@pytest.mark.parametrize("wrong", [["--port", "many"], ["--unknown"]])
def test_wrong_arguments_are_refused(wrong: list[str]) -> None:
    with serving(*wrong) as process:
        _, err = process.communicate(timeout=10)
    assert process.returncode == 2
    assert "usage: python -m local.serve" in err


def test_a_log_level_that_is_none_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "chatty")
    with pytest.raises(UnknownLogLevelError, match="LOG_LEVEL is CHATTY, and may be DEBUG, INFO, WARN, ERROR"):
        log_level()


def end(process: "subprocess.Popen[str]", how: signal.Signals) -> tuple[int, str, str]:
    """Exit code and what was still said. It takes a second at most, if nothing else keeps the machine busy."""
    process.send_signal(how)
    code = process.wait(timeout=5)
    out, err = process.communicate(timeout=10)  # until the last child that a worker had started is gone, too
    return code, out, err


def chain_of_tasks() -> dict[str, Any]:
    """Adds one to `n`, again and again."""
    before = ["{{input.n}}", *(f"{{{{refs.add{number}.output.result}}}}" for number in range(TASKS - 1))]
    return {
        "name": "a chain",
        "input": [{"name": "n", "type": "number"}],
        "tasks": [
            {"ref": f"add{number}", "type": "Data.Transform", "input": {"expression": "n + 1", "data": {"n": given}}}
            for number, given in enumerate(before)
        ],
        "output": [{"name": "n", "type": "number", "value": f"{{{{refs.add{TASKS - 1}.output.result}}}}"}],
    }
