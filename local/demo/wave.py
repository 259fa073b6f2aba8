"""A workflow called as programs of the deprecated Wave API call theirs: listed, executed, polled, and failed."""

import json
from pathlib import Path

from local.demo.exchanges import Api, Json, Reply, poll, print_json
from local.stack import LocalStack

WORKFLOW = Path(__file__).parents[2] / "examples" / "wave" / "workflow.json"
DEPRECATION = ("deprecation", "sunset", "link")
ORDER: Json = {
    "lines": [
        {"article": "Lighthouse lamp", "price": 90, "quantity": 1},
        {"article": "Ship's biscuit", "price": 2.25, "quantity": 12},
    ]
}
RESULT = {"sum": 117, "total": 111.15, "discounted": True}


def run(_: str | None) -> bool:
    """Whether the order was priced, the empty one failed with its message, and every answer said that it is old."""
    with LocalStack(port=0) as stack:
        workflow_id = define(Api(stack.url))
        wave = Api(stack.url, shown=(*DEPRECATION, "retry-after"))
        return call(wave, workflow_id)


def define(native: Api) -> str:
    """Wave cannot make workflows; any other face can."""
    print("The workflow is defined by the native API:\n")
    created: Json = native.call("POST", "/workflows", json.loads(WORKFLOW.read_text()))
    return str(created["workflow_id"])


def call(wave: Api, workflow_id: str) -> bool:
    print("From here on everything is Wave's. The list says what the workflow is called there:\n")
    listed = wave.exchange("GET", "/wave/workflows")
    path = f"/wave/workflows/{listed.body[0]['id']}"
    print("It is executed with a flat map of parameters, and answers at once:\n")
    started = wave.exchange("POST", f"{path}/execute", ORDER)
    completed = follow_run(wave, started)
    print("An order without lines is one that the workflow itself refuses:\n")
    empty = wave.exchange("POST", f"{path}/execute", {"lines": []})
    failed = follow_run(wave, empty)
    print("Parameters that do not fit start nothing:\n")
    refused = wave.exchange("POST", f"{path}/execute", {"line": [], "discount": "some"})
    return (
        f"</workflows/{workflow_id}/execute>" in started.headers["link"]
        and (started.body["status"], started.headers["retry-after"]) == ("running", "10")
        and (completed["status"], completed["result"]) == ("completed", RESULT)
        and (failed["status"], "An order needs one line at least." in failed["errorMessage"]) == ("failed", True)
        and (refused.status, refused.body.keys()) == (400, {"message"})
        and all(name in reply.headers for reply in (listed, started, empty, refused) for name in DEPRECATION)
    )


def follow_run(wave: Api, started: Reply) -> Json:
    """Poll until the status is not `running` any more, as the source says; here more often than every 10 seconds."""
    path = f"/wave/runs/{started.body['id']}"
    run = poll(wave, path, lambda run: str(run["status"]), until=lambda run: run["status"] != "running")
    print_json(run)
    print()
    return run
