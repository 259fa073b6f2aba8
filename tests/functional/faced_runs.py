"""Runs to be read through every face: started by any of the four, and brought to any status there is."""

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import boto3

from local.seed import TENANT
from local.stack import LocalStack
from stepcall.domain.errors import ErrorReason
from stepcall.domain.ids import spell_execution, uuid7
from stepcall.domain.run import RunStatus, failed_end
from stepcall.stores.dynamo_run_store import DynamoRunStore
from tests.functional.carto import SECONDS_TO_END, Deployed, enable, held
from tests.functional.four_faces import SPELLINGS, Face, Faces, Reader, Seen, faces_at

TIMED_OUT = "timed out"
ANSWER = {"answer": 42}
ONLY = {
    "name": "Only",
    "tasks": [{"ref": "only", "type": "Data.Transform", "input": {"expression": "6 * 7"}}],
    "output": [{"name": "answer", "type": "number", "value": "{{refs.only.output.result}}"}],
}
FAILING = {
    "name": "Failing",
    "tasks": [{"ref": "bad", "type": "Data.Transform", "input": {"expression": "$error('no such luck')"}}],
}


class Started(NamedTuple):
    """A run, and what the face has told of it that has started it."""

    run_id: UUID
    workflow: Deployed
    told: Any = None


class World:
    """The stack, workflows that end, fail and wait, and the faces to call them by."""

    def __init__(self, stack: LocalStack, page_host: str) -> None:
        self.faces: Faces = faces_at(stack.url)
        self.by_name: Mapping[str, Face] = {face.name: face for face in self.faces.starters}
        self.ending = enable(stack, ONLY)
        self.failing = enable(stack, FAILING)
        self.waiting = enable(stack, held(page_host, ONLY))
        self.runs = DynamoRunStore(boto3.client("dynamodb"), stack.deployment.names["RunsTable"], timedelta(days=1))

    def start(self, starter: str, workflow: Deployed, until: RunStatus) -> Started:
        told = self.by_name[starter].start(workflow)
        deadline = time.monotonic() + SECONDS_TO_END
        while self.read_status(told.run_id) is not until:
            assert time.monotonic() < deadline, f"the run is not {until}"
            time.sleep(0.05)
        return Started(told.run_id, workflow, told)

    def read_status(self, run_id: UUID) -> RunStatus:
        return self.runs.get(TENANT, run_id).run.status

    def copy(self, started: Started) -> Started:
        """A run like that one, whose machine has not begun: with a real one that lasts a moment only."""
        run_id = uuid7(datetime.now(UTC), os.urandom)
        run = self.runs.get(TENANT, started.run_id).run
        self.runs.put(replace(run, run_id=run_id, status=RunStatus.PENDING, started_at=None))
        return Started(run_id, started.workflow)

    def bring_to(self, status: str, starter: str) -> Started:
        if status is RunStatus.COMPLETED:
            return self.start(starter, self.ending, RunStatus.COMPLETED)
        if status is RunStatus.FAILED:
            return self.start(starter, self.failing, RunStatus.FAILED)
        started = self.start(starter, self.waiting, RunStatus.RUNNING)
        if status is RunStatus.CANCELLED:
            self.faces.native.cancel(started.workflow, spell_execution(started.run_id))
        return started if status in {RunStatus.RUNNING, RunStatus.CANCELLED} else self.bring_copy_to(status, started)

    def bring_copy_to(self, status: str, started: Started) -> Started:
        copy = self.copy(started)
        if status == TIMED_OUT:
            end = failed_end(datetime.now(UTC), ErrorReason.TIMEOUT, "held", "The run took too long.")
            self.runs.end(self.runs.get_for_end(copy.run_id).run, end)
        return copy

    def read(self, started: Started) -> dict[str, Seen]:
        return {face.name: face.read(started.workflow, spelled_by(face, started)) for face in self.faces.readers}


def spelled_by(face: Reader, started: Started) -> str:
    """As the face spells it."""
    spelling = {"native": "ex-", "Wave": "UUID", "Amperity": "wf-"}.get(face.name, "job_")
    return SPELLINGS[spelling](started.run_id)
