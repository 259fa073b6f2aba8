"""What the process that reads pages may and may not do."""

import subprocess
import sys

import pytest

from run_web_task.web_extract_text import extractor_environment

LIMITED = "from run_web_task.extractor_process import limit_process; limit_process(5, 1 << 30); "


def run_limited(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LIMITED + code]
    return subprocess.run(command, env=extractor_environment(), capture_output=True, text=True, timeout=30, check=False)  # noqa: S603


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')",
        "import trafilatura; trafilatura.fetch_url('http://127.0.0.1:9/') or 1/0",
    ],
)
def test_it_reaches_no_network(code: str) -> None:
    done = run_limited(code)
    assert done.returncode == 1
    assert "PermissionError" in done.stderr or "ZeroDivisionError" in done.stderr


def test_it_gets_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "hidden")
    done = run_limited("import os; print(sorted(os.environ))")
    assert done.returncode == 0
    assert "AWS" not in done.stdout
    assert "hidden" not in done.stdout


def test_it_is_stopped_when_it_takes_too_much_cpu_or_memory() -> None:
    assert (
        run_limited("import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 5))\nwhile True: pass").returncode < 0
    )
    assert "MemoryError" in run_limited("bytearray(2 << 30)").stderr
