"""Speaks to the stack as a user would, and prints what is said."""

import json
import time
import urllib.error
import urllib.request
from typing import Any

from local.seed import API_KEY

ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
MARKS = {"PENDING": "·", "RUNNING": "▶", "COMPLETED": "✔", "FAILED": "✘", "CANCELLED": "■", "SKIPPED": "-"}
DEADLINE_SECONDS = 120
WIDTH = 110
Json = dict[str, Any]


class Api:
    """Speaks to the stack, and prints what is said."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        print(f"→ {method} {path}")
        if body is not None:
            print_json(body, most=14)
        status, answer = self.send(method, path, body)
        print(f"← {status}")
        print_json(answer)
        print()
        return answer

    def send(self, method: str, path: str, body: Json | None = None) -> tuple[int, Json]:
        """Status and JSON of the answer, without a word."""
        return self.send_bytes(method, path, None if body is None else json.dumps(body).encode(), "application/json")

    def upload(self, method: str, path: str, content: bytes, content_type: str) -> Json:
        """Send a file."""
        print(f"→ {method} {path}   ({len(content):,} bytes of {content_type})")
        status, answer = self.send_bytes(method, path, content, content_type)
        print(f"← {status}")
        print_json(answer, most=24)
        print()
        return answer

    def send_bytes(self, method: str, path: str, content: bytes | None, content_type: str) -> tuple[int, Json]:
        """As `send`; a path that is a whole URL carries its own token."""
        url = path if path.startswith(self._base_url) else self._base_url + path
        headers = {"content-type": content_type} | ({"x-api-key": API_KEY} if url != path else {})
        request = urllib.request.Request(url, content, headers, method=method)  # noqa: S310 - the stack's own address
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.loads(refusal.read())


def print_json(value: Any, most: int = 60) -> None:
    lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    for line in lines[:most]:
        print("    " + (line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"))
    if len(lines) > most:
        print(f"    … and {len(lines) - most} more lines")


def follow(api: Api, path: str) -> Json:
    """Poll until the run has ended, and print the task list whenever it has moved."""
    print(f"→ GET {path}   (polled)")
    shown, deadline = "", time.monotonic() + DEADLINE_SECONDS
    while True:
        _, execution = api.send("GET", path)
        tasks = "   ".join(f"{MARKS[task['status']]} {task['ref']} {task['status']}" for task in execution["tasks"])
        line = f"{execution['status']:<9}  {tasks}"
        if line != shown:
            print(f"    {line}")
            shown = line
        if execution["status"] in ENDED or time.monotonic() > deadline:
            print()
            return execution
        time.sleep(0.02)
