"""A workflow called as CARTO's clients call theirs: enabled, run, read back, reused, and refused."""

import json
from pathlib import Path

from examples.stores.generate import write_csv
from local.demo.exchanges import Api, Json, poll, print_json
from local.seed import API_KEY
from local.stack import LocalStack

WORKFLOW = Path(__file__).parents[2] / "examples" / "stores" / "workflow.json"
CONNECTION = "carto_dw"
PARAMETERS = {"number_of_clusters": 5, "buffer_radius": 500, "store_type": "Supermarket"}


def run(_: str | None) -> bool:
    """Whether the first call was computed, the second reused it, and the third was refused where its fault is."""
    with LocalStack(port=0) as stack:
        api = Api(stack.url)
        enabled = enable(api)
        return call(api, enabled)


def enable(api: Api) -> Json:
    """The data, the workflow, and how it is called."""
    print("The stores are put where queries find them:\n")
    dataset = f"/connections/{CONNECTION}/datasets/stores"
    api.upload("PUT", dataset, write_csv().encode(), "text/csv")
    print("The workflow is defined, and made callable as a procedure:\n")
    created = api.call("POST", "/workflows", json.loads(WORKFLOW.read_text()))
    enabled: Json = api.call("POST", f"/workflows/{created['workflow_id']}/api-access", {"connection": CONNECTION})
    print("Ready to paste, while the stack runs (`make serve` keeps it running):\n")
    print(enabled["examples"]["get"], enabled["examples"]["post"], "", sep="\n\n")
    return enabled


def follow_job(api: Api, created: Json) -> Json:
    """Poll until the job is DONE."""
    path = f"/v3/sql/{CONNECTION}/job/{created['externalId']}"
    job = poll(api, path, lambda job: str(job["status"]["state"]), until=lambda job: job["status"]["state"] == "DONE")
    print_json(job)
    print()
    return job


def call(api: Api, enabled: Json) -> bool:
    query = f"CALL `{enabled['procedure']}`(@number_of_clusters,@buffer_radius,@store_type)"
    jobs = f"/v3/sql/{CONNECTION}/job"
    print("The first call computes:\n")
    first = follow_job(api, api.call("POST", jobs, {"query": query, "queryParameters": PARAMETERS}))
    table = first["jobMetadata"]["workflowOutputTableName"]
    select = f"SELECT * FROM `{table}` ORDER BY cluster"  # noqa: S608 - the table is the answer's own
    rows = api.call("POST", f"/v3/sql/{CONNECTION}/query", {"q": select})["rows"]
    print("The same call as the GET example has it is DONE at once, with the same table and without an execution:\n")
    again = api.call("GET", enabled["examples"]["get"].replace("YOUR_TOKEN", API_KEY))
    second = api.call("GET", f"{jobs}/{again['externalId']}")
    print("And once more, for its rows: `cacheHit` says that they were there.\n")
    reused = api.call("POST", f"/v3/sql/{CONNECTION}/query", {"q": query, "queryParameters": PARAMETERS})
    print("A parameter of the wrong type fails the job, and says where:\n")
    wrong = api.call("POST", jobs, {"query": query, "queryParameters": PARAMETERS | {"number_of_clusters": "two"}})
    refused = api.call("GET", f"{jobs}/{wrong['externalId']}")["status"]
    return (
        first["status"] == {"state": "DONE"}
        and [row["cluster"] for row in rows] == [1, 2, 3, 4, 5]
        and (second["status"], second["jobMetadata"]) == ({"state": "DONE"}, first["jobMetadata"])
        and (reused["rows"], reused["meta"]["cacheHit"]) == (rows, True)
        and "@number_of_clusters to type INT64 at [1:" in refused["errorResult"]["message"]
    )
