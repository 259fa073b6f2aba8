"""Workflows whose tasks run as soon as they can, on the interpreter: what waits for what, and what a failure stops."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from stepcall.domain.ids import read_run_id
from tests.functional.carto import held_pages
from tests.functional.conftest import Api, PageServer
from tests.functional.missed_runs import ended
from tests.random_graphs import random_needs
from tests.sample_workflows import Document, transform

SEEDS = range(8)


def page(ref: str, host: str, path: str) -> Document:
    return {"ref": ref, "type": "Web.Download", "input": {"url": f"http://{host}{path}"}}


def graph(needs: list[list[int]]) -> list[Document]:
    """In the document backwards: where a task stands has no say in a graph. Some depend on a task without using it."""
    tasks = []
    for number, before in enumerate(needs):
        used, awaited = before[::2], before[1::2]
        data = [f"{{{{refs.t{other}.output.result}}}}" for other in used]
        tasks.append(transform(f"t{number}", [number, *data]) | {"depends_on": [f"t{other}" for other in awaited]})
    return tasks[::-1]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_task_of_a_random_graph_begins_when_all_that_it_waits_for_is_done(api: Api, seed: int) -> None:
    needs = random_needs(seed, most=12)
    done = api.run(api.define(order="graph", tasks=graph(needs)))
    assert done["status"] == "COMPLETED"
    tasks = {task["ref"]: task for task in done["tasks"]}
    for number, before in enumerate(needs):
        for other in before:
            assert tasks[f"t{other}"]["completed_at"] <= tasks[f"t{number}"]["started_at"]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    with held_pages(monkeypatch) as opened:
        yield opened


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Released once for each page that is asked for."""
    seen, serve = threading.Semaphore(0), PageServer.do_GET

    def count(handler: PageServer) -> None:
        seen.release()
        serve(handler)

    monkeypatch.setattr(PageServer, "do_GET", count)
    return seen


def test_tasks_that_do_not_wait_for_each_other_are_under_way_at_once(
    api: Api, page_host: str, gate: threading.Event, asked: threading.Semaphore
) -> None:
    tasks = [page(ref, page_host, "/held") for ref in ("one", "two", "three")]
    path = start(api, api.define(order="graph", tasks=tasks))
    for _ in tasks:
        assert asked.acquire(timeout=10)  # none is answered before all have asked
    assert {task["status"] for task in api("GET", path).json["tasks"]} == {"RUNNING"}
    gate.set()
    assert end_of(api, path)["status"] == "COMPLETED"


def test_a_branch_that_fails_stops_the_others_and_the_run_says_which_it_was(
    api: Api, page_host: str, gate: threading.Event, asked: threading.Semaphore
) -> None:
    slow, bad = page("slow", page_host, "/held"), transform("bad", expression="$error('no such luck')")
    later = transform("later", "{{refs.slow.output.html_content}}")
    before = page("before", page_host, "/held") | {"input": {"url": f"http://{page_host}/nowhere"}}
    tasks = [slow, later, bad | {"depends_on": ["fine"]}, transform("fine"), before | {"depends_on": ["bad"]}]
    path = start(api, api.define(order="graph", tasks=tasks))
    assert asked.acquire(timeout=10)
    done = end_of(api, path)
    gate.set()
    assert (done["error"]["location"], done["error"]["reason"]) == ("bad", "invalid")
    assert statuses(done) == {
        "slow": "CANCELLED",
        "later": "PENDING",
        "bad": "FAILED",
        "fine": "COMPLETED",
        "before": "PENDING",
    }
    assert statuses(api("GET", path).json) == statuses(done)  # whatever the stopped one's worker comes to


def statuses(execution: Any) -> dict[str, str]:
    return {task["ref"]: task["status"] for task in execution["tasks"]}


def start(api: Api, workflow_id: str, given: Document | None = None) -> str:
    """Where the execution is."""
    answer = api("POST", f"/workflows/{workflow_id}/execute", {"input": given or {}})
    assert answer.status == 202, answer.text
    return f"/workflows/{workflow_id}/executions/{answer.json['execution_id']}"


def end_of(api: Api, path: str) -> Any:
    ended(read_run_id(path.rpartition("/")[2]))
    return api("GET", path).json
