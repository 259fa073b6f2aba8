"""Flow.Approval: a run asks whether to pay; the demo first answers what does not fit, then pays a little less."""

import json
import time
from pathlib import Path
from typing import Any

from local.demo.exchanges import Api, follow
from local.stack import LocalStack

WORKFLOW = Path(__file__).parents[2] / "examples" / "approval" / "workflow.json"
PATIENCE_SECONDS = 30


def run(_: str | None) -> bool:
    """Whether the run has waited for the decision, refused what does not fit, and used what was decided."""
    with LocalStack(port=0) as stack:
        api = Api(stack.url)
        created = api.call("POST", "/workflows", json.loads(WORKFLOW.read_text()))
        asked = {"input": {"invoice": "R-17", "amount": 300}}
        started = api.call("POST", f"/workflows/{created['workflow_id']}/execute", asked)
        path = f"/workflows/{created['workflow_id']}/executions/{started['execution_id']}"
        task = wait_until_asked(api, path)
        print(f"\nSomebody is asked: {task['awaiting']['message']}\n")
        refused = api.call("POST", f"{path}/tasks/ask/complete", {"data": {"amount": "all of it"}})
        decided = api.call("POST", f"{path}/tasks/ask/complete", {"data": {"amount": 250}})
        again = api.call("POST", f"{path}/tasks/ask/complete", {"data": {"amount": 250}})
        follow(api, path)
        output = api.call("GET", path).get("output")
    fits = refused["status"] == 400 and decided == again and decided["status"] == "COMPLETED"
    return bool(fits and output == {"text": "Paid 250 € for R-17", "decided_by": decided["decided_by"]})


def wait_until_asked(api: Api, path: str) -> Any:
    """The task that awaits a decision. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        task = api.call("GET", path)["tasks"][0]
        if "awaiting" in task:
            return task
        time.sleep(0.2)
    raise TimeoutError("Nobody was asked.")
