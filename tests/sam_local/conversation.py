"""What a client asks of each of the four faces: what they do, and how they refuse."""

from typing import Any

from local.seed import API_KEY, TENANT
from tests.sam_local.exchanges import Conversation

CONFIG_ID = "cg-samLocal1"
WORKFLOW = {
    "name": "Doubled",
    "config_id": CONFIG_ID,
    "input": [{"name": "number", "type": "integer", "default": 21}],
    "tasks": [
        {"ref": "double", "type": "Data.Transform", "input": {"expression": "$ * 2", "data": "{{input.number}}"}},
        {
            "ref": "text",
            "type": "Data.Transform",
            "input": {"expression": "'Größe: ' & $string($)", "data": "{{refs.double.output.result}}"},
        },
        {"ref": "rows", "type": "Sql.Query", "input": {"query": "SELECT n FROM UNNEST(GENERATE_ARRAY(1, 3)) AS n"}},
        {"ref": "result", "type": "Workflow.Output", "input": {"table": "{{refs.rows.output.table}}"}},
    ],
    "output": [{"name": "text", "type": "string", "value": "{{refs.text.output.result}}"}],
}
INVALID = {"name": "", "tasks": [{"ref": "a", "type": "No.Such", "input": {}}, {"ref": "a", "type": "Data.Transform"}]}
NOBODY = "01a1fd63-b6c9-7b32-a1d4-5f0c6e7a8b90"
BEARER = {"authorization": f"Bearer {API_KEY}"}


def talk(say: Conversation) -> None:
    describe(say)
    workflow_id = native(say)
    wave(say)
    carto(say, workflow_id)
    amperity(say)
    remove(say, workflow_id)


def describe(say: Conversation) -> None:
    say("GET", "/health")
    say("GET", "/openapi.json")
    say("GET", "/docs")
    say("GET", "/task-types", x_api_key=API_KEY)
    say("GET", "/no/such/route", x_api_key=API_KEY)


def native(say: Conversation) -> str:
    """The id of the workflow that the other faces call, too."""
    say("POST", "/workflows", WORKFLOW)
    say("POST", "/workflows", WORKFLOW, x_api_key="sc_wrong")
    say("POST", "/workflows", INVALID, x_api_key=API_KEY)
    say("POST", "/workflows", b'{"name"', x_api_key=API_KEY)
    workflow_id: str = say("POST", "/workflows", WORKFLOW, x_api_key=API_KEY)["workflow_id"]
    path = f"/workflows/{workflow_id}"
    say("GET", path, x_api_key=API_KEY)
    say("GET", f"/workflows/{NOBODY}", x_api_key=API_KEY)
    say("POST", f"{path}/execute", {"input": {"number": "many", "more": 1}}, x_api_key=API_KEY)
    started = say("POST", f"{path}/execute", {"input": {"number": 4}}, x_api_key=API_KEY, idempotency_key="once")
    say("POST", f"{path}/execute", {"input": {"number": 5}}, x_api_key=API_KEY, idempotency_key="once")
    execution = f"{path}/executions/{started['execution_id']}"
    ended = say.poll(execution, lambda told: told["status"] not in {"PENDING", "RUNNING"}, x_api_key=API_KEY)
    assert (ended["status"], ended["output"]) == ("COMPLETED", {"text": "Größe: 8"})
    say("POST", f"{execution}/cancel", x_api_key=API_KEY)
    say("GET", f"{path}/executions?limit=5", x_api_key=API_KEY)
    say("GET", f"{path}/graph?format=svg", x_api_key=API_KEY)
    say("GET", f"/jobs/{started['externalId']}", x_api_key=API_KEY)
    return workflow_id


def wave(say: Conversation) -> None:
    say("GET", "/wave/workflows")
    [workflow] = say("GET", "/wave/workflows", x_api_key=API_KEY)
    path = f"/wave/workflows/{workflow['id']}"
    say("POST", f"{path}/execute", {"number": "many"}, x_api_key=API_KEY)
    run = say("POST", f"{path}/execute", {"number": 1}, x_api_key=API_KEY)
    ended = say.poll(f"/wave/runs/{run['id']}", lambda told: told["status"] != "running", x_api_key=API_KEY)
    assert ended["status"] == "completed"
    say("GET", f"/wave/runs/{NOBODY}", x_api_key=API_KEY)


def carto(say: Conversation, workflow_id: str) -> None:
    enabled = say("POST", f"/workflows/{workflow_id}/api-access", {"cache": False}, x_api_key=API_KEY)
    call = {"query": f"CALL `{enabled['procedure']}`(@number)", "queryParameters": {"number": 3}}
    say("POST", "/v3/sql/carto_dw/job", call)
    say("POST", "/v3/sql/carto_dw/job", {"query": "DROP TABLE a"}, **BEARER)
    job = say("POST", "/v3/sql/carto_dw/job", call, **BEARER)
    path = f"/v3/sql/carto_dw/job/{job['externalId']}"
    ended = say.poll(path, lambda told: told["status"]["state"] == "DONE", **BEARER)
    assert "errorResult" not in ended["status"]
    say("GET", "/v3/sql/carto_dw/job/job_nobody", **BEARER)
    say("GET", "/v3/sql/jobs?page_size=5", **BEARER)
    say("GET", f"/v3/sql/carto_dw/query?q=SELECT%20n%20FROM%20{table_of(ended)}", **BEARER)


def table_of(job: dict[str, Any]) -> str:
    return f"`{job['workflowOutputTableName']}`" if "workflowOutputTableName" in job else "nothing"


def amperity(say: Conversation) -> None:
    headers = {**BEARER, "amperity_tenant": TENANT, "api_version": "2024-04-01"}
    say("POST", "/api/workflow/runs", {"config_id": CONFIG_ID})
    say("POST", "/api/workflow/runs", {"config_id": "cg-0"}, **headers)
    run = say("POST", "/api/workflow/runs", {"config_id": CONFIG_ID}, **headers)
    path = f"/api/workflow/runs/{run['id']}?view=verbose"
    ended = say.poll(path, lambda told: "ended_at" in told, **headers)
    assert ended["state"] == "succeeded"
    say("GET", "/api/workflow/runs?limit=5", **headers)


def remove(say: Conversation, workflow_id: str) -> None:
    say("DELETE", f"/workflows/{workflow_id}", x_api_key=API_KEY)
    say("GET", f"/workflows/{workflow_id}", x_api_key=API_KEY)
