"""Keys are in play by every way that they come in, everything is logged, and they are found nowhere afterwards.

What an endpoint says of the key that it refuses: test_ai_summarize.py. The query in the gateway's access log:
tests/template/test_http_api.py.
"""

import base64
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from local.seed import API_KEY
from local.stack import LocalStack
from local.template import REGION
from stepcall.runtime import client_wiring
from tests.functional.carto import LIGHT, Carto, enable, url_of
from tests.functional.conftest import Answer, Api

WRONG_KEY = "sc_this_is_the_key_of_nobody_at_all"
PROVIDER_KEY = "sk-proj-the-callers-own-key-of-the-language-model"
MARKER = "honey bees do not hibernate"
TEXT = f"In winter {MARKER}. They gather around their queen. " + "They live on what they have stored. " * 400
"""More than the inline limit: it lies in the bucket."""
DEFINITION = {
    "input": [{"name": "text", "type": "string"}, {"name": "expression", "type": "string", "default": "$"}],
    "tasks": [
        {
            "ref": "same",
            "type": "Data.Transform",
            "input": {"expression": "{{input.expression}}", "data": "{{input.text}}"},
        },
        {"ref": "short", "type": "OpenAI.Text.Summarize", "input": {"text": "{{refs.same.output.result}}"}},
    ],
    "output": [{"name": "summary", "type": "string", "value": "{{refs.short.output.summary}}"}],
}
Carry = Callable[[str], tuple[dict[str, str], str]]
"""A key as headers and as a query."""
CARRIERS: Mapping[str, Carry] = {
    "x-api-key": lambda key: ({"x-api-key": key}, ""),
    "bearer": lambda key: ({"authorization": f"Bearer {key}"}, ""),
    "query": lambda key: ({}, f"?access_token={key}"),
    "query beside others": lambda key: ({}, f"?limit=1&access_token={key}&name=x"),
}


class Everything(logging.Handler):
    """Whatever is logged by whomever but moto: its words, its extra fields, its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith("moto"):  # it is AWS here, and no function
            self.lines.append(f"{self.format(record)} {vars(record)}")


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Everything, at DEBUG: the root's level, as Lambda does it, and that of Powertools' logger, which has its own."""
    handler, loggers = Everything(), (logging.getLogger(), logging.getLogger("stepcall"))
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.DEBUG)
        one.addHandler(handler)
    yield handler.lines
    for one, level in zip(loggers, levels, strict=True):
        one.setLevel(level)
        one.removeHandler(handler)


@pytest.fixture
def openai_key(stack: LocalStack) -> str:
    [variables] = [f.variables for f in stack.deployment.functions if f.logical_id == "RunAiTaskFunction"]
    secrets = boto3.client("secretsmanager", region_name=REGION)
    return secrets.get_secret_value(SecretId=variables["OPENAI_API_KEY_SECRET_ARN"])["SecretString"]


@pytest.fixture
def broken_table() -> Iterator[None]:
    """What reads a run is a bug: a fault that ends in the log with all that is known of it."""

    def fail(**_: Any) -> None:
        raise ZeroDivisionError("a bug")

    events = client_wiring.dynamodb().meta.events
    events.register("before-call.dynamodb.Query", fail)
    yield
    events.unregister("before-call.dynamodb.Query", fail)


@dataclass(frozen=True)
class Client:
    """Carries its key in one way."""

    url: str
    key: str
    carry: Carry

    def __call__(self, method: str, path: str, body: Any = None) -> Answer:
        headers, query = self.carry(self.key)
        return Api(self.url, key=None)(method, path + query, body, headers=headers | {"x-openai-key": PROVIDER_KEY})


def live(ask: Client) -> Iterator[Answer]:
    """A workflow, a run that completes, one that fails, and what can be read of them."""
    defined = ask("POST", "/workflows", {"name": "secrets"} | DEFINITION)
    yield defined
    path = f"/workflows/{defined.json['workflow_id']}"
    yield ask("GET", f"{path}/definition")
    for parameters in ({"text": TEXT}, {"text": TEXT, "expression": "$error('no')"}):
        started = ask("POST", f"{path}/execute", {"input": parameters})
        yield started
        yield _end(ask, f"{path}/executions/{started.json['execution_id']}")
        yield ask("GET", f"/jobs/{started.json['externalId']}")
    yield ask("GET", f"{path}/executions")
    yield ask("GET", "/workflows/nothing")


def _end(ask: Client, path: str) -> Answer:
    answer = ask("GET", path)
    while answer.json["status"] in {"PENDING", "RUNNING"}:
        answer = ask("GET", path)
    return answer


def everything_stored(stack: LocalStack) -> dict[str, str]:
    """All that a place holds, as text, by the place's name."""
    names = stack.deployment.names
    return {
        "workflows table": _items(names["WorkflowsTable"]),
        "runs table": _items(names["RunsTable"]),
        "bucket": _objects(names["DataBucket"]),
        "executions": _executions(),
    }


def _items(table: str) -> str:
    pages = boto3.client("dynamodb", region_name=REGION).get_paginator("scan").paginate(TableName=table)
    return str([page["Items"] for page in pages])


def _objects(bucket: str) -> str:
    contents = boto3.resource("s3", region_name=REGION).Bucket(bucket).objects.all()
    return str([(content.key, content.get()["Body"].read().decode(errors="replace")) for content in contents])


def _executions() -> str:
    """Machines, inputs, outputs, histories."""
    states = boto3.client("stepfunctions", region_name=REGION)
    told: list[Any] = []
    for machine in states.list_state_machines(maxResults=1000)["stateMachines"]:
        arn = machine["stateMachineArn"]
        told.append(states.describe_state_machine(stateMachineArn=arn))
        for execution in states.list_executions(stateMachineArn=arn, maxResults=1000)["executions"]:
            told.append(states.describe_execution(executionArn=execution["executionArn"]))
            told.append(states.get_execution_history(executionArn=execution["executionArn"], includeExecutionData=True))
    return str(told)


def forms_of(secret: str) -> set[str]:
    return {secret, base64.b64encode(secret.encode()).decode().rstrip("="), json.dumps(secret)}


def found(secrets: set[str], places: Mapping[str, str]) -> list[str]:
    return [f"{secret} in {place}" for secret in secrets for place, text in places.items() if secret in text]


def test_no_key_is_in_logs_answers_records_executions_or_objects(
    stack: LocalStack, logged: list[str], openai_key: str
) -> None:
    # Given every carrier of a key, and a task that takes the language model's
    answers = [answer for carry in CARRIERS.values() for answer in live(Client(stack.url, API_KEY, carry))]
    statuses = [answer.json["status"] for answer in answers if answer.status == 200 and "tasks" in answer.json]
    ended = [status for status in statuses if status in {"COMPLETED", "FAILED"}]
    assert ended.count("COMPLETED") == ended.count("FAILED") == len(CARRIERS)
    # When everything that was written is read
    places = {"logs": "\n".join(logged), "answers": str(answers), **everything_stored(stack)}
    # Then what was put in is where it belongs, and no key is anywhere
    assert [place for place in places if MARKER in places[place]] == ["answers", "runs table", "bucket"]
    assert "dynamodb:" not in places["executions"]
    assert "lambda:invoke" in places["executions"]
    assert found(forms_of(API_KEY) | forms_of(openai_key) | forms_of(PROVIDER_KEY), places) == []


@pytest.mark.parametrize("carrier", CARRIERS)
def test_no_refused_key_is_logged_or_answered(stack: LocalStack, logged: list[str], carrier: str) -> None:
    answer = Client(stack.url, WRONG_KEY, CARRIERS[carrier])("GET", "/workflows")
    assert answer.status == 401
    assert found(forms_of(WRONG_KEY), {"logs": "\n".join(logged), "answer": str(answer)}) == []


@pytest.mark.usefixtures("broken_table")
@pytest.mark.parametrize("carrier", CARRIERS)
def test_no_key_is_in_the_log_of_a_bug(stack: LocalStack, logged: list[str], carrier: str) -> None:
    answer = Client(stack.url, API_KEY, CARRIERS[carrier])("GET", "/workflows")
    text = "\n".join(logged)
    assert answer.status == 500
    assert "ZeroDivisionError" in text
    assert found(forms_of(API_KEY) | forms_of(PROVIDER_KEY), {"logs": text, "answer": str(answer)}) == []


def test_no_token_of_a_carto_url_is_logged_stored_or_executed(stack: LocalStack, logged: list[str]) -> None:
    """Its jobs are made by URLs that hold a token."""
    deployed = enable(stack, LIGHT)
    carto = Carto(stack.url, token=None)
    asked = url_of(query=deployed.call(""), access_token=API_KEY)
    answers = [
        carto.create_by_url(asked),
        carto.create_by_url(asked.replace("CALL", "CALL%20CALL")),
        carto("GET", f"/v3/sql/carto_dw/query?{url_of(q=deployed.call(''), access_token=API_KEY)}"),
        carto("GET", f"/v3/sql/jobs?{url_of(access_token=API_KEY)}"),
        carto.create_by_url(url_of(query=deployed.call(""), access_token=WRONG_KEY)),
    ]
    assert [answer.status for answer in answers] == [200, 400, 200, 200, 401]
    job_tokens = forms_of(answers[0].json["token"])
    places = {"logs": "\n".join(logged), "answers": str(answers), **everything_stored(stack)}
    assert found(forms_of(API_KEY) | forms_of(WRONG_KEY), places) == []
    assert found(job_tokens, {place: text for place, text in places.items() if place != "answers"}) == []
