"""The source's webpage summarisation: a page is downloaded, read and summarised, and followed to its end."""

import json
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local.demo.exchanges import Api, follow
from local.stack import LocalStack

EXAMPLES = Path(__file__).parents[2] / "examples"
WORKFLOW = EXAMPLES / "webpage_summary.json"
PAGES = EXAMPLES / "pages"
PAGE = "tide_mills.html"


def run(url: str | None) -> bool:
    """Whether the run COMPLETED. `url` is the page to summarise; by default one that the demo serves itself."""
    with served_pages() as pages, LocalStack(port=0, allowed_hosts=(pages,)) as stack:
        return summarise(Api(stack.url), url or f"http://{pages}/{PAGE}")


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


def summarise(api: Api, page_url: str) -> bool:
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
