"""The source's webpage summarisation: a page is downloaded, read and summarised, and followed to its end."""

import json
import textwrap
from pathlib import Path

from local.demo.exchanges import Api, follow
from local.demo.file_server import served_files
from local.stack import LocalStack

EXAMPLES = Path(__file__).parents[2] / "examples"
WORKFLOW = EXAMPLES / "webpage_summary.json"
PAGES = EXAMPLES / "pages"
PAGE = "tide_mills.html"


def run(url: str | None) -> bool:
    """Whether the run COMPLETED. `url` is the page to summarise; by default one that the demo serves itself."""
    with served_files(PAGES) as pages, LocalStack(port=0, allowed_hosts=(pages.address,)) as stack:
        return summarise(Api(stack.url), url or f"http://{pages.address}/{PAGE}")


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
