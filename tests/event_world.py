"""What the payloads of `events/` name, and how it is put into a local stack so that each of them works."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import boto3

from local.seed import API_KEY
from local.stack import LocalStack
from stepcall.domain.access import Caller
from stepcall.domain.check import check_definition
from stepcall.domain.delivery import new_delivery
from stepcall.domain.ids import spell_trigger
from stepcall.domain.procedure import Procedure
from stepcall.domain.run import Run, RunStatus, StoredPayload
from stepcall.domain.run_events import RunChange, event_of
from stepcall.domain.trigger import Bus, EventSource, ScheduleSource, Trigger
from stepcall.domain.workflow import WorkflowVersion
from stepcall.runtime.delivery_wiring import deliveries
from stepcall.runtime.trigger_wiring import triggers
from stepcall.runtime.wiring import face_dependencies, worker_dependencies
from stepcall.tasks.catalog import CATALOG
from stepcall.use_cases.define_workflow import define_workflow
from tests.template.sam_template import folder_of, read_template, resources_of_type

EVENTS = Path(__file__).parents[1] / "events"
NOW = datetime(2026, 11, 21, 9, 15, 32, tzinfo=UTC)
KEY_IN_EVENTS = "sc_replace_me_by_a_key_of_your_own"
PAGE = b"<html><body><article><p>Tide mills ground corn.</p></article></body></html>"
CHILD_WORKFLOW = UUID("01a1fd63-b6c9-7b32-a1d4-5f0c6e7a8bc1")
WORKFLOW = {
    "name": "Events",
    "input": [{"name": "url", "type": "string"}],
    "tasks": [
        {"ref": "page", "type": "Web.Download", "input": {"url": "{{input.url}}"}},
        {"ref": "summary", "type": "OpenAI.Text.Summarize", "input": {"text": "Tide mills ground corn."}},
        {"ref": "length", "type": "Data.Transform", "input": {"expression": "$length($)", "data": "{{input.url}}"}},
        {
            "ref": "quote",
            "type": "Lambda.Invoke",
            "input": {"function": "quote"},
            "condition": {"left": "{{input.url}}", "operator": "==", "right": "none"},  # nobody has such a function
        },
        {"ref": "table", "type": "Sql.Query", "input": {"query": "SELECT 1 AS one"}},
    ],
    "output": [{"name": "summary", "type": "string", "value": "{{refs.summary.output.summary}}"}],
}


@cache
def functions() -> dict[str, str]:
    """The logical id of each function of template.yaml, by its folder: with it the names of its event files begin."""
    return {
        folder_of(function): logical_id
        for logical_id, function in resources_of_type(read_template(), "AWS::Serverless::Function").items()
    }


def function_of(name: str) -> str:
    """The logical id of the function that an event file is for: `finish_run.error` is for `finish_run`."""
    return functions()[name.split(".", maxsplit=1)[0]]


def event_names() -> list[str]:
    return sorted(path.stem for path in EVENTS.glob("*.json"))


def event(name: str) -> Any:
    """As it lies there, with a key that the stack knows."""
    return json.loads((EVENTS / f"{name}.json").read_text().replace(KEY_IN_EVENTS, API_KEY))


def put_workflow() -> WorkflowVersion:
    """The one that the events name."""
    definition = check_definition(WORKFLOW, CATALOG).definition
    version = WorkflowVersion(UUID(event("finish_run")["run"]["workflow_id"]), 1, "local", definition, NOW)
    worker_dependencies().workflows.put_first(version)
    return version


def put_run(workflow_id: UUID, page_url: str) -> UUID:
    """The one that the events name, fresh; PENDING, and nothing executes it."""
    ids, url = event("finish_run")["run"], json.dumps({"url": page_url})
    run = Run(
        run_id=UUID(ids["run_id"]),
        tenant="local",
        principal="test",
        workflow_id=workflow_id,
        workflow_version=1,
        content_hash=ids["content_hash"],
        status=RunStatus.PENDING,
        created_at=NOW,
        input=StoredPayload(len(url), inline=url),
    )
    worker_dependencies().runs.put(run)
    return run.run_id


def put_parent_run() -> UUID:
    """The one whose task executes another workflow; PENDING, and nothing executes it."""
    ids = event("run_workflow_task")["run"]
    light = {"name": "Child", "tasks": [{"ref": "one", "type": "Data.Transform", "input": {"expression": "1"}}]}
    calling = {"ref": "child", "type": "Workflow.Execute", "input": {"workflow_id": str(CHILD_WORKFLOW)}}
    for workflow_id, document in (
        (CHILD_WORKFLOW, light),
        (UUID(ids["workflow_id"]), {"name": "Parent", "tasks": [calling]}),
    ):
        definition = check_definition(document, CATALOG).definition
        worker_dependencies().workflows.put_first(WorkflowVersion(workflow_id, 1, "local", definition, NOW))
    run = Run(
        run_id=UUID(ids["run_id"]),
        tenant="local",
        principal="test",
        workflow_id=UUID(ids["workflow_id"]),
        workflow_version=1,
        content_hash=ids["content_hash"],
        status=RunStatus.PENDING,
        created_at=NOW,
        input=StoredPayload(2, inline="{}"),
    )
    worker_dependencies().runs.put(run)
    return run.run_id


def remove_run(stack: LocalStack, run_id: UUID) -> None:
    table = stack.deployment.names["RunsTable"]
    for item in ("RUN", "TASK#page", "TASK#summary", "TASK#length", "TASK#quote", "TASK#table"):
        boto3.client("dynamodb").delete_item(TableName=table, Key={"run_id": {"S": str(run_id)}, "item": {"S": item}})


def enable_procedure(workflow_id: UUID) -> Procedure:
    """What carto_api's event calls."""
    procedure = Procedure(
        tenant="local", workflow_id=workflow_id, workflow_version=1, connection="carto_dw", enabled_at=NOW
    )
    face_dependencies().procedures.put(procedure)
    return procedure


def define_configuration() -> WorkflowVersion:
    """What amperity_api's event starts a part of."""
    transform = {"expression": "$", "data": 1}
    tasks = [{"ref": "only", "stage": "source", "type": "Data.Transform", "input": transform}]
    document = {"name": "Courier", "config_id": "cg-123ABc4DE", "tasks": tasks}
    return define_workflow(document, Caller("local", "test"), face_dependencies()).version


def put_delivery(run: Run, url: str) -> None:
    """What deliver_webhook's event makes an attempt of: to tell the URL that the run has ended."""
    ended = replace(run, status=RunStatus.COMPLETED, completed_at=NOW, webhook_url=url)
    told = event_of(RunChange(ended, RunStatus.RUNNING))
    assert told
    assert deliveries().put(new_delivery(told, None, url))


def put_triggers(workflow_id: UUID, page_url: str) -> None:
    """Those that start_triggered_run's events are sent for, as if EventBridge had what they say."""
    sources: dict[str, EventSource | ScheduleSource] = {
        "rule": EventSource({"source": ["aws.s3"]}, Bus.DEFAULT),
        "schedule": ScheduleSource("rate(1 minute)"),
    }
    for kind, source in sources.items():
        trigger = Trigger(
            tenant="local",
            workflow_id=workflow_id,
            trigger_id=UUID(event(f"start_triggered_run.{kind}")["trigger"]["trigger_id"]),
            source=source,
            input={"url": f"{page_url}?at={{{{event.time}}}}"},
            created_at=NOW,
        )
        triggers().put(trigger)
        triggers().settle(trigger.key, trigger.revision)


def started_by(event_name: str, workflow_id: UUID) -> UUID:
    """The run that one of start_triggered_run's events has started."""
    sent = event(event_name)
    principal = "event-bus"
    if "trigger" in sent:
        principal = f"trigger:{spell_trigger(UUID(sent['trigger']['trigger_id']))}"
    page = worker_dependencies().runs.list_by_workflow("local", workflow_id, status=None, limit=100, after=None)
    [run_id] = [run.run_id for run in page.runs if run.principal == principal]
    return run_id


def begin_rotation(stack: LocalStack) -> str:
    """The ARN of the secret that rotate_token_key's event is sent with.

    What Secrets Manager begins a rotation with has no value; here it has one, and the function keeps to it.
    """
    secret_arn = stack.deployment.names["TokenKeySecret"]
    boto3.client("secretsmanager").put_secret_value(
        SecretId=secret_arn,
        ClientRequestToken=event("rotate_token_key")["ClientRequestToken"],
        SecretString="k" * 64,
        VersionStages=["AWSPENDING"],
    )
    return secret_arn
