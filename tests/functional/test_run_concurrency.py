"""A tenant that has two slots left: face, table, stream, start_waiting_runs, state machine, sweep."""

import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

from local.stack import LocalStack
from stepcall.domain.ids import read_run_id
from stepcall.domain.run import RunStatus
from stepcall.runtime import wiring
from stepcall.stores.dynamo_items import run_key, write_time, write_values
from stepcall.stores.dynamo_slot_store import slots_key
from tests.functional.carto import held, held_pages
from tests.functional.conftest import Api, put_key
from tests.functional.missed_runs import ended, found, make_older, sweep

LIMIT = 500
"""What template.yaml gives a tenant."""
SLOTS_LEFT = 2
RUNS = 8
SAME = {"name": "Wait", "input": [], "tasks": [{"ref": "a", "type": "Data.Transform", "input": {"expression": "1"}}]}


@pytest.fixture
def tenant() -> str:
    return f"t-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def crowded(stack: LocalStack, tenant: str) -> Api:
    """A client of a tenant most of whose slots are held by runs that nobody knows."""
    boto3.client("dynamodb").update_item(
        TableName=stack.deployment.names["RunsTable"],
        Key=slots_key(tenant),
        UpdateExpression="ADD slots :places",
        ExpressionAttributeValues={":places": {"BS": [uuid.uuid4().bytes for _ in range(LIMIT - SLOTS_LEFT)]}},
    )
    return Api(stack.url, put_key(stack, f"sc_{tenant}", tenant))


@pytest.fixture
def at_a_gate(crowded: Api, page_host: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[Any], Any]]:
    """Eight executions whose first tasks take until the gate is opened."""
    workflow_id = crowded.define(**held(page_host, SAME))
    with held_pages(monkeypatch) as gate:
        yield [crowded("POST", f"/workflows/{workflow_id}/execute", {}).json for _ in range(RUNS)], gate


def once(is_so: Any) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_of_eight_runs_two_are_under_way_and_the_others_follow_in_order(
    at_a_gate: tuple[list[Any], Any], crowded: Api, tenant: str
) -> None:
    started, gate = at_a_gate
    assert [execution["status"] for execution in started] == ["PENDING"] * RUNS
    ids = [read_run_id(execution["execution_id"]) for execution in started]
    once(lambda: all(found(run_id).run.status is RunStatus.RUNNING for run_id in ids[:SLOTS_LEFT]))
    slots = wiring.start_dependencies().slots
    assert [place.run_id for place in slots.list_waiting(tenant, limit=RUNS)] == ids[SLOTS_LEFT:]
    path = f"/workflows/{started[-1]['workflow_id']}/executions/{started[-1]['execution_id']}"
    assert crowded("GET", path).json["status"] == "PENDING"
    assert crowded("POST", f"{path}/cancel").json["status"] == "CANCELLED"
    once(lambda: len(slots.list_waiting(tenant, limit=RUNS)) == RUNS - SLOTS_LEFT - 1)
    gate.set()
    runs = [ended(run_id) for run_id in ids]
    assert [run.status for run in runs] == [RunStatus.COMPLETED] * (RUNS - 1) + [RunStatus.CANCELLED]
    done = runs[:-1]
    for position, run in enumerate(done[SLOTS_LEFT:], SLOTS_LEFT):
        over = [
            other for other in done if other.completed_at and run.started_at and other.completed_at < run.started_at
        ]
        assert len(over) >= position - 1, "it began when another had ended"
    once(lambda: slots.read(tenant).mark is None)
    once(lambda: len(slots.read(tenant).holders) == LIMIT - SLOTS_LEFT)


def test_a_sweep_frees_slots_of_runs_that_are_none_and_lets_in_who_waits(
    stack: LocalStack, at_a_gate: tuple[list[Any], Any], tenant: str
) -> None:
    started, gate = at_a_gate
    ids = [read_run_id(execution["execution_id"]) for execution in started]
    for run_id in ids[SLOTS_LEFT:]:
        make_older(stack, run_id, timedelta(seconds=61))
    sweep(stack)
    assert len(wiring.start_dependencies().slots.read(tenant).holders) == RUNS
    gate.set()
    assert {ended(run_id).status for run_id in ids} == {RunStatus.COMPLETED}


def test_a_run_that_has_waited_past_its_deadline_has_failed_and_was_never_started(
    stack: LocalStack, at_a_gate: tuple[list[Any], Any], crowded: Api
) -> None:
    started, gate = at_a_gate
    *others, late = [read_run_id(execution["execution_id"]) for execution in started]
    run = found(late).run
    boto3.client("dynamodb").update_item(
        TableName=stack.deployment.names["RunsTable"],
        Key=run_key(late),
        UpdateExpression="SET deadline = :past",
        ExpressionAttributeValues=write_values({":past": write_time(run.created_at)}),
    )
    sweep(stack)
    path = f"/workflows/{started[-1]['workflow_id']}/executions/{started[-1]['execution_id']}"
    shown = crowded("GET", path).json
    assert (shown["status"], shown["error"]["reason"], shown["error"]["location"]) == ("FAILED", "timeout", "query")
    gate.set()
    assert {ended(run_id).status for run_id in others} == {RunStatus.COMPLETED}
    assert wiring.engine().describe(run.execution_name, run.content_hash) == "MISSING"
