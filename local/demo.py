"""`make demo`: the main job on real input, over real HTTP, with every exchange printed.

Defines the source's webpage summarisation workflow, executes it on a page, follows it to its end and shows the result.
Exits 0 only when the run COMPLETED.
"""

import argparse
import json
import sys
import textwrap
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local.seed import API_KEY
from local.stack import LocalStack

ROOT = Path(__file__).parent.parent
WORKFLOW = ROOT / "examples" / "webpage_summary.json"
PAGES = ROOT / "examples" / "pages"
PAGE = "tide_mills.html"
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
        request = urllib.request.Request(  # noqa: S310 - the address is the stack's own
            self._base_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"x-api-key": API_KEY, "content-type": "application/json"},
        )
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


@contextmanager
def served_pages() -> Iterator[str]:
    """The demo's own web server; gives its `host:port`."""

    class QuietHandler(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """The exchange that matters is printed already."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(PAGES)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


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


def run_demo(api: Api, page_url: str) -> bool:
    """Whether the run COMPLETED."""
    created = api.call("POST", "/workflows", json.loads(WORKFLOW.read_text()))
    started = api.call("POST", f"/workflows/{created['workflow_id']}/execute", {"input": {"webpage_url": page_url}})
    path = f"/workflows/{created['workflow_id']}/executions/{started['execution_id']}"
    execution = follow(api, path)
    if summary := execution.get("output", {}).get("summary_text"):
        print("The summary:")
        print(textwrap.indent(textwrap.fill(summary, 100), "    "), end="\n\n")
    api.call("GET", path)
    api.call("GET", f"/jobs/{started['externalId']}")
    return bool(execution["status"] == "COMPLETED")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="the page to summarise; by default one that the demo serves itself")
    url: str | None = parser.parse_args().url
    with served_pages() as pages, LocalStack(port=0, allowed_hosts=(pages,)) as stack:
        completed = run_demo(Api(stack.url), url or f"http://{pages}/{PAGE}")
    print("The run COMPLETED." if completed else "The run did not complete.")
    return 0 if completed else 1


if __name__ == "__main__":
    sys.exit(main())
