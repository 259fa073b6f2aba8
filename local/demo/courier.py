"""A workflow that runs in parts, as Amperity's clients start, follow, stop and list their runs."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

from local.demo.exchanges import DEADLINE_SECONDS, Api, Json, poll, print_json
from local.demo.file_server import SLOW, FileServer, served_files
from local.seed import API_KEY, KEY_ID, TENANT
from local.stack import LocalStack

COURIER = Path(__file__).parents[2] / "examples" / "courier"
RUNS = "/api/workflow/runs"
DAILY, SLOW_ONE = "cg-123ABc4DE", "cg-456SLow7FG"
STAGES = {"file": "source", "visits": "source", "in_range": "refresh", "customers": "refresh", "audience": "activation"}
RUN_BY_MODE = {
    "source": {"source"},
    "refresh": {"source", "refresh"},
    "full": {"source", "refresh", "activation"},
}
MARKS = {"scheduled": "·", "running": "▶", "succeeded": "✔", "failed": "✘", "canceled": "■", "skipped": "-"}
SECONDS_BETWEEN_POLLS = 0.25  # the face takes 10 requests a second
SPENT_ON_THAT_DAY = {"Ada Brandt": 49.75, "Eva Lindqvist": 44.4, "Dan Whitlock": 9.9, "Finn Aldous": 2.6}
AUDIENCE = ["Eva Lindqvist", "Ada Brandt", "Finn Aldous", "Cleo Varga"]


def run(_: str | None) -> bool:
    """Whether each mode ran its tasks and skipped the others, the stopped run was stopped, and the lists are right."""
    with (
        served_files(COURIER / "files") as files,
        LocalStack(port=0, allowed_hosts=(files.address,)) as stack,
    ):
        native = Api(stack.url)
        workflow_id = define(native, files)
        courier = Api(stack.url, sent=authorise(stack.url))
        runs = [run_mode(courier, mode) for mode in RUN_BY_MODE]
        outputs = read_outputs(native, workflow_id, runs)
        is_stopped = stop(courier, files)
        return (
            all(ran_as_it_should(mode, told) for mode, told in zip(RUN_BY_MODE, runs, strict=True))
            and {each["customer"]: each["spent"] for each in outputs["refresh"]["customers"]} == SPENT_ON_THAT_DAY
            and (outputs["refresh"]["audience"], outputs["full"]["audience"]) == (None, AUDIENCE)
            and is_stopped
            and list_runs(courier, runs)
        )


def define(native: Api, files: FileServer) -> str:
    """The workflow, and the same again under another configuration whose file takes its time."""
    print("Two workflows are defined by the native API; they differ in `config_id` and in where their file lies:\n")
    definition = json.loads((COURIER / "workflow.json").read_text())
    definition["input"][0]["default"] = f"http://{files.address}/visits.csv"
    created = native.call("POST", "/workflows", definition)
    definition["input"][0]["default"] = f"http://{files.address}{SLOW}/visits.csv"
    native.call("POST", "/workflows", definition | {"name": "Slow visits", "config_id": SLOW_ONE})
    return str(created["workflow_id"])


def authorise(url: str) -> Mapping[str, str]:
    """The headers of every request from here on, with an access token for a key's id and the key."""
    from stepcall.domain.ids import spell_api_key  # noqa: PLC0415 - importable while the stack runs

    print("From here on everything is Amperity's. An access token, good for an hour:\n")
    client = {"client_id": spell_api_key(KEY_ID), "client_secret": API_KEY}
    answer = Api(url, sent={}).submit("/api/v0/oauth2/token", {"grant_type": "client_credentials", **client})
    token = answer.body["access_token"]
    return {"authorization": f"Bearer {token}", "amperity-tenant": TENANT, "api-version": "2024-04-01"}


def run_mode(courier: Api, mode: str) -> Json:
    """The run once it has ended."""
    if mode == "source":
        print("A source run, started by a form, as the vendor's curl does: the other tasks are skipped.\n")
        started = courier.submit(RUNS, {"config_id": DAILY, "run_mode": mode}).body
    elif mode == "refresh":
        print("A refresh run, started by JSON, over one day: `range_from` alone is that day.\n")
        body = {"config_id": DAILY, "run_mode": mode, "range_from": "2025-04-18"}
        started = courier.call("POST", RUNS, body)
    else:
        print("A full run, which needs no word for it:\n")
        started = courier.call("POST", RUNS, {"config_id": DAILY})
    return follow_run(courier, started["id"])


def follow_run(courier: Api, run_id: str, state: str | None = None) -> Json:
    """Poll until the run has ended, or has a task in that state, and show it."""
    told = poll(
        courier,
        f"{RUNS}/{run_id}?view=verbose",
        lambda run: f"{run['state']:<9}  " + "   ".join(_print_task(task) for task in run["task_instances"]),
        until=lambda run: "ended_at" in run or any(task["state"] == state for task in run["task_instances"]),
        pause=SECONDS_BETWEEN_POLLS,
    )
    print_json(told, most=46)
    print()
    return told


def _print_task(task: Json) -> str:
    return f"{MARKS[task['state']]} {_ref_of(task)} {task['state']}"


def _ref_of(task: Json) -> str:
    return str(task["task_definition_id"]).rpartition("/")[2]


def ran_as_it_should(mode: str, told: Json) -> bool:
    states = {_ref_of(task): task["state"] for task in told["task_instances"]}
    ran = {ref: "succeeded" if stage in RUN_BY_MODE[mode] else "skipped" for ref, stage in STAGES.items()}
    return (told["state"], told["type"], states) == ("succeeded", "courier.group/run", ran)


def read_outputs(native: Api, workflow_id: str, runs: list[Json]) -> dict[str, Json]:
    """What came of each run, by its mode: Amperity's API does not tell, the native one does by the same id."""
    print("What came of the runs Amperity's API does not tell. The native one does, under the same ids: an output that")
    print("needs a skipped task is null. Of the list of all visits in the file only its length is printed here:\n")
    paths = [f"/workflows/{workflow_id}/executions/{told['id']}" for told in runs]
    outputs = {mode: native.get(path).body["output"] for mode, path in zip(RUN_BY_MODE, paths, strict=True)}
    for mode, path in zip(RUN_BY_MODE, paths, strict=True):
        print(f"→ GET {path}   ({mode})")
        shown = {name: value for name, value in outputs[mode].items() if name != "visits"}
        print_json(shown | {"visits": f"[… {len(outputs[mode]['visits'])} visits, not printed …]"}, most=16)
        print()
    return outputs


def stop(courier: Api, files: FileServer) -> bool:
    """Whether a run that is under way is stopped, and stays so when its file arrives after all."""
    print("A run that is stopped while it waits for its file:\n")
    run_id = courier.call("POST", RUNS, {"config_id": SLOW_ONE})["id"]
    is_under_way = files.asked.wait(DEADLINE_SECONDS)
    before = follow_run(courier, run_id, state="running")
    stopped = courier.exchange("POST", f"{RUNS}/{run_id}/stop")
    files.let_go.set()
    has_arrived = files.answered.wait(DEADLINE_SECONDS)
    time.sleep(SECONDS_BETWEEN_POLLS)  # for whoever got it to do something with it
    after = follow_run(courier, run_id)
    again = courier.exchange("POST", f"{RUNS}/{run_id}/stop")
    return (
        (is_under_way, has_arrived) == (True, True)
        and (before["state"], before["task_instances"][0]["state"]) == ("running", "running")
        and (stopped.status, stopped.body["state"]) == (200, "canceled")
        and stopped.body["error"]["message"] == "Workflow manually stopped"
        and {task["state"] for task in stopped.body["task_instances"]} == {"canceled"}
        and after == stopped.body
        and (again.status, again.body.keys()) == (409, {"status", "message"})
    )


def list_runs(courier: Api, runs: list[Json]) -> bool:
    """Whether the list has the ended runs newest first, in pages, and the stopped one by its state."""
    print("The runs that succeeded, newest first, two on a page, with how many there are on all pages:\n")
    asked = f"{RUNS}?type=courier.group%2Frun&state=succeeded&limit=2&with_total=true"
    first = courier.call("GET", asked)
    second = courier.call("GET", f"{asked}&next_token={first['next_token']}")
    print("And what was stopped:\n")
    stopped = courier.call("GET", f"{RUNS}?state=Stopped&created_from={runs[0]['created_at']}")
    ids = [each["id"] for each in first["data"] + second["data"]]
    return (
        ids == [told["id"] for told in reversed(runs)]
        and (first["total"], second["total"], "next_token" in second) == (3, 3, False)
        and [each["name"] for each in stopped["data"]] == ["Slow visits"]
    )
