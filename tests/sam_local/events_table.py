"""Every payload of `events/` sent by the real `sam local invoke`, in a world where what it names is there."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import boto3

from local.http_server import bind, served
from local.sam_local.docker import own_network
from local.sam_local.invoke import Invoked, invoke
from local.sam_local.world import SamWorld, sam_world
from stepcall.domain.run_with_tasks import RunWithTasks
from tests.event_world import (
    PAGE,
    begin_rotation,
    define_configuration,
    enable_procedure,
    event,
    event_names,
    function_of,
    put_delivery,
    put_parent_run,
    put_run,
    put_triggers,
    put_workflow,
    remove_run,
    started_by,
)
from tests.functional.missed_runs import ended, found

SHOWN = 60
PAGE_IN_EVENTS = "https://example.com/"


class Row(NamedTuple):
    """`run`: what the event has made of the run that it is about, or that it starts; empty where there is none."""

    name: str
    invoked: Invoked
    run: str = ""

    def __str__(self) -> str:
        told = self.invoked.payload[:SHOWN].replace("|", "\\|")
        state = "error" if self.invoked.has_failed else "ok"
        return f"| {function_of(self.name)} | events/{self.name}.json | `{told}` | {state} | {self.run} |"


class EventWorld(NamedTuple):
    sam: SamWorld
    page: str
    """Of a server that containers reach: it stands for the page that events name."""
    workflow_id: UUID


@contextmanager
def event_world() -> Iterator[EventWorld]:
    with own_network() as network:
        bound = bind(0, network.gateway)
        host = f"{network.gateway}:{bound.getsockname()[1]}"
        with served(_page, bound), sam_world([host], network) as sam:
            # whether a run is swept is for the event to say
            boto3.client("events").disable_rule(Name=sam.stack.deployment.names["SweepRunsFunctionEveryMinute"])
            workflow_id = put_workflow().workflow_id
            enable_procedure(workflow_id)
            define_configuration()
            put_triggers(workflow_id, f"http://{host}/")
            yield EventWorld(sam, f"http://{host}/", workflow_id)


def _page(environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("content-type", "text/html"), ("content-length", str(len(PAGE)))])
    return [PAGE]


def _with_done_task(world: EventWorld) -> Mapping[str, Any]:
    stack = world.sam.stack
    stack.functions.invoke(stack.deployment.names["RunAiTaskFunction"], json.dumps(event("run_ai_task")))
    return {}


def _with_delivery(world: EventWorld) -> Mapping[str, Any]:
    put_delivery(found(UUID(event("deliver_webhook")["run_id"])).run, f"{world.page}hook")
    return {}


def _with_secret(world: EventWorld) -> Mapping[str, Any]:
    return {"SecretId": begin_rotation(world.sam.stack)}


def _with_parent(_: EventWorld) -> Mapping[str, Any]:
    put_parent_run()
    return {}


Prepare = Callable[[EventWorld], Mapping[str, Any]]
PREPARED: Mapping[str, Prepare] = {
    "run_workflow_task": _with_parent,
    "finish_run": _with_done_task,
    "deliver_webhook": _with_delivery,
    "rotate_token_key": _with_secret,
}
"""What more than the run and its workflow an event needs; gives fields of the event that only this world can know."""
ABOUT_A_RUN = ("deliver_webhook", "finish_run", "record_execution_status", "run_", "sweep_runs")
"""In this order: the sweep has the run executed, which must not go on beneath the next event."""
STARTS_A_RUN = "start_triggered_run"


def send_events(world: EventWorld, folder: Path) -> list[Row]:
    """Two at a time; those about the one run of the events after one another, each with the run as it was before."""
    about_a_run = [name for name in event_names() if name.startswith(ABOUT_A_RUN)]
    others = [name for name in event_names() if not name.startswith(ABOUT_A_RUN)]
    with ThreadPoolExecutor() as two:
        begun = [two.submit(_send_in_turn, world, names, folder) for names in (about_a_run, others)]
    return sorted(row for rows in begun for row in rows.result())


def _send_in_turn(world: EventWorld, names: list[str], folder: Path) -> list[Row]:
    return [_send(world, name, folder) for name in names]


def _send(world: EventWorld, name: str, folder: Path) -> Row:
    if name.startswith(STARTS_A_RUN):
        row = _invoke(world, name, {}, folder)
        return row._replace(run=_told(found(ended(started_by(name, world.workflow_id)).run_id)))
    if not name.startswith(ABOUT_A_RUN):
        return _invoke(world, name, _prepare(world, name), folder)
    run_id = put_run(world.workflow_id, world.page)
    try:
        return _invoke(world, name, _prepare(world, name), folder)._replace(run=_told(found(run_id)))
    finally:
        remove_run(world.sam.stack, run_id)


def _prepare(world: EventWorld, name: str) -> Mapping[str, Any]:
    return PREPARED[name](world) if name in PREPARED else {}


def _told(whole: RunWithTasks) -> str:
    done = [f"{ref} {task.status.value}" for ref, task in sorted(whole.tasks.items())]
    return ", ".join([whole.run.status.value, *done])


def _invoke(world: EventWorld, name: str, changed: Mapping[str, Any], folder: Path) -> Row:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(event(name) | changed).replace(PAGE_IN_EVENTS, world.page))
    return Row(name, invoke(world.sam, function_of(name), path))


def table(rows: Iterable[Row]) -> str:
    head = "| function | event file | answer | | its run |\n|---|---|---|---|---|\n"
    return head + "\n".join(str(row) for row in rows)
