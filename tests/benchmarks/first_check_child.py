"""CPU time, in milliseconds, as JSON: a face's imports, then two checks of one definition with every task type."""

import json
import time
from importlib import import_module

from tests.benchmarks.check_workflows import workflow_of_references


def cpu_ms() -> float:
    return time.process_time() * 1000


def measure() -> dict[str, float]:
    document = workflow_of_references(10)
    page = {"ref": "page", "type": "Web.Download", "input": {"url": "{{input.site.host}}"}}
    text = {"ref": "text", "type": "Web.ExtractText", "input": {"html_content": "{{refs.page.output.html_content}}"}}
    document["tasks"] += [page, text]
    start = cpu_ms()
    import_module("workflows_api.app")
    taken = {"imports": cpu_ms() - start}
    for name in ("first", "second"):
        start = cpu_ms()
        check, catalog = import_module("stepcall.domain.check"), import_module("stepcall.tasks.catalog")
        check.check_definition(document, catalog.CATALOG)
        taken[name] = cpu_ms() - start
    return taken


if __name__ == "__main__":
    print(json.dumps(measure()))
