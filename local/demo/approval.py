"""Flow.Approval: a run asks whether to pay; the demo first answers what does not fit, then pays a little less."""

import json
from pathlib import Path
from typing import Any

from local.demo.exchanges import Api, Json, follow, poll, print_file, print_json
from local.stack import LocalStack

WORKFLOW = Path(__file__).parents[2] / "examples" / "approval" / "workflow.json"


def run(_: str | None) -> bool:
    """Whether the run has waited for the decision, refused what does not fit, and used what was decided."""
    with LocalStack(port=0) as stack:
        api = Api(stack.url)
        print("examples/approval/workflow.json:\n")
        print_file(WORKFLOW)
        created = api.call("POST", "/workflows", json.loads(WORKFLOW.read_text()), sent=3)
        asked = {"input": {"invoice": "R-17", "amount": 300}}
        started = api.call("POST", f"/workflows/{created['workflow_id']}/execute", asked)
        path = f"/workflows/{created['workflow_id']}/executions/{started['execution_id']}"
        asked_for = wait_until_asked(api, path)["awaiting"]
        print("Somebody is asked, and answers what does not fit. Nothing is decided by that:\n")
        refused = api.call("POST", f"{path}/tasks/ask/complete", {"data": {"amount": "all of it"}})
        print("Then the decision:\n")
        decided = api.call("POST", f"{path}/tasks/ask/complete", {"data": {"amount": 250}})
        print("Sent again it is the same one:\n")
        again = api.call("POST", f"{path}/tasks/ask/complete", {"data": {"amount": 250}})
        follow(api, path)
        output = api.call("GET", path).get("output")
    fits = (
        asked_for["message"] == "Pay 300 € for R-17?"
        and refused["status"] == 400
        and decided == again
        and decided["status"] == "COMPLETED"
    )
    return bool(fits and output == {"text": "Paid 250 € for R-17", "decided_by": decided["decided_by"]})


def wait_until_asked(api: Api, path: str) -> Any:
    """The task that awaits a decision, printed."""
    execution = poll(api, path, _line_of, until=lambda execution: "awaiting" in execution["tasks"][0])
    print_json(execution["tasks"][0])
    print()
    return execution["tasks"][0]


def _line_of(execution: Json) -> str:
    return f"{execution['status']:<9}  {execution['tasks'][0]['status']}"
