"""Speaks to the stack as a user would, and prints what is said."""

import json
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from local.seed import API_KEY

ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
MARKS = {"PENDING": "·", "RUNNING": "▶", "COMPLETED": "✔", "FAILED": "✘", "CANCELLED": "■", "SKIPPED": "-"}
DEADLINE_SECONDS = 120
WIDTH = 110
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
WITH_KEY: Mapping[str, str] = {"x-api-key": API_KEY}
SENT_LINES, TOLD_LINES = 14, 60
"""Of what is printed of a request and of an answer."""
Json = dict[str, Any]


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: Any


class Api:
    """Speaks to the stack, and prints what is said.

    `sent` are the headers of every request, as a rule a key; `shown` are those of an answer that are printed with it.
    """

    def __init__(self, base_url: str, sent: Mapping[str, str] = WITH_KEY, shown: Collection[str] = ()) -> None:
        self._base_url = base_url
        self._sent = dict(sent)
        self._shown = shown

    def call(
        self, method: str, path: str, body: Json | None = None, *, sent: int = SENT_LINES, told: int = TOLD_LINES
    ) -> Any:
        """JSON of the answer."""
        return self.exchange(method, path, body, sent=sent, told=told).body

    def exchange(
        self, method: str, path: str, body: Json | None = None, *, sent: int = SENT_LINES, told: int = TOLD_LINES
    ) -> Reply:
        """The answer, with its headers; `sent` and `told` are how many lines are printed of either at most."""
        print(f"→ {method} {path}")
        if body is not None:
            print_json(body, sent)
        content = None if body is None else json.dumps(body).encode()
        return self._tell(self._request(method, path, content, JSON), told)

    def submit(self, path: str, fields: Mapping[str, str]) -> Reply:
        """POST fields as a form does."""
        content = urlencode(fields)
        print(f"→ POST {path}   ({FORM})")
        print(f"    {content}")
        return self._tell(self._request("POST", path, content.encode(), FORM))

    def upload(self, method: str, path: str, content: bytes, content_type: str) -> Json:
        """Send a file."""
        print(f"→ {method} {path}   ({len(content):,} bytes of {content_type})")
        body: Json = self._tell(self._request(method, path, content, content_type), most=24).body
        return body

    def get(self, path: str) -> Reply:
        """Without a word."""
        return self._request("GET", path, None, JSON)

    def _tell(self, reply: Reply, most: int = TOLD_LINES) -> Reply:
        print(f"← {reply.status}")
        for name in self._shown:
            if name in reply.headers:
                print(f"    {name}: {reply.headers[name]}")
        print_json(reply.body, most)
        print()
        return reply

    def _request(self, method: str, path: str, content: bytes | None, content_type: str) -> Reply:
        """A path that is a whole URL carries its own token."""
        url = path if path.startswith(self._base_url) else self._base_url + path
        headers = {"content-type": content_type} | (self._sent if url != path else {})
        request = urllib.request.Request(url, content, headers, method=method)  # noqa: S310 - the stack's own address
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return _reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return _reply(refusal.code, refusal.headers, refusal.read())


def _reply(status: int, headers: Any, content: bytes) -> Reply:
    return Reply(status, {name.lower(): value for name, value in headers.items()}, json.loads(content))


def print_json(value: Any, most: int = TOLD_LINES) -> None:
    lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    for line in lines[:most]:
        print("    " + (line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"))
    if len(lines) > most:
        print(f"    … and {len(lines) - most} more lines")


def print_file(file: Path) -> None:
    """As it is written."""
    print(textwrap.indent(file.read_text(), "    "))


def poll(
    api: Api, path: str, line_of: Callable[[Json], str], *, until: Callable[[Json], bool], pause: float = 0.02
) -> Json:
    """Ask until it has come to that, or the deadline has; its line is printed whenever it has changed."""
    print(f"→ GET {path}   (polled)")
    shown, deadline = "", time.monotonic() + DEADLINE_SECONDS
    while True:
        found: Json = api.get(path).body
        if (line := line_of(found)) != shown:
            print(f"    {line}")
            shown = line
        if until(found) or time.monotonic() > deadline:
            print()
            return found
        time.sleep(pause)


def follow(api: Api, path: str) -> Json:
    """Poll until the run has ended, and print the task list whenever it has moved."""
    return poll(api, path, _print_tasks, until=lambda execution: execution["status"] in ENDED)


def _print_tasks(execution: Json) -> str:
    tasks = "   ".join(f"{MARKS[task['status']]} {task['ref']} {task['status']}" for task in execution["tasks"])
    return f"{execution['status']:<9}  {tasks}"
