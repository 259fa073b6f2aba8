"""Web.ExtractText: the main content of a page.

A page is a stranger's: within 20 MB it can keep a parser busy for minutes or fill gigabytes (a megabyte of `<p>a` takes
9 s and 390 MB). So it is read in a process of its own, with limits, without credentials and without network.
"""

import json
import math
import os
import signal
import subprocess
import sys
from typing import Any

from run_web_task.extractor_protocol import EXIT_MEMORY, EXIT_UNREADABLE, MODULE
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError
from stepcall.domain.task_contract import TaskContext
from stepcall.guarded_http.limits import MEGABYTE
from stepcall.tasks.web import ExtractTextInput, ExtractTextOutput

MAX_SECONDS = 45.0
MARGIN_SECONDS = 5.0
"""Kept for storing the task's output."""

_ENVIRONMENT_KEPT = ("LD_LIBRARY_PATH", "PATH", "LANG", "LC_ALL", "TZ")
_STDERR_KEPT = 2000


class ExtractorFailedError(Exception):
    """What the process wrote before it ended: for the log, never for an answer."""


def extract_text(task_input: ExtractTextInput, context: TaskContext, memory_bytes: int) -> ExtractTextOutput:
    """Raises PermanentTaskError when the page holds no text, cannot be read, or takes too much to read."""
    seconds = min(MAX_SECONDS, context.remaining_seconds() - MARGIN_SECONDS)
    if seconds <= 0:
        raise RetryableTaskError(ErrorReason.TIMEOUT, "The worker had no time left to read the page.")
    page = _read_page(task_input.html_content, seconds, memory_bytes)
    if not page["text"]:
        raise PermanentTaskError(
            ErrorReason.INVALID,
            "No text was found in the page. It may be empty, no HTML, nested too deeply, or filled in by scripts.",
        )
    return ExtractTextOutput(**page)


def _read_page(html: str, seconds: float, memory_bytes: int) -> dict[str, Any]:
    command = [sys.executable, "-m", MODULE, str(math.ceil(seconds)), str(memory_bytes)]
    page = html.encode("utf-8", "replace")
    try:
        done = subprocess.run(  # noqa: S603 - our own module; the page goes in by standard input
            command, input=page, capture_output=True, timeout=seconds, env=extractor_environment(), check=False
        )
    except subprocess.TimeoutExpired as exc:
        raise _too_slow(seconds) from exc
    if done.returncode != 0:
        _raise_failure(done.returncode, done.stderr, seconds, memory_bytes)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def extractor_environment() -> dict[str, str]:
    """What Python needs to start, and nothing else: the worker's credentials stay out of the process."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT_KEPT if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"}


def _raise_failure(code: int, stderr: bytes, seconds: float, memory_bytes: int) -> None:
    cause = ExtractorFailedError(f"exit code {code}: {stderr[-_STDERR_KEPT:].decode('utf-8', 'replace')}")
    if code == -signal.SIGXCPU:
        raise _too_slow(seconds) from cause
    if code in (EXIT_MEMORY, -signal.SIGKILL):
        raise PermanentTaskError(
            ErrorReason.RESOURCES_EXCEEDED,
            f"Reading the page takes more than {memory_bytes // MEGABYTE} MB of memory: it has too many elements.",
        ) from cause
    if code == EXIT_UNREADABLE or code < 0:
        raise PermanentTaskError(ErrorReason.INVALID, "The page's HTML could not be read.") from cause
    raise cause


def _too_slow(seconds: float) -> PermanentTaskError:
    return PermanentTaskError(
        ErrorReason.RESOURCES_EXCEEDED,
        f"Reading the page takes longer than {seconds:.0f} seconds: it is too large or too deeply nested.",
    )
