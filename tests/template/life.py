"""All that the functions do, each in its own environment, with the permissions noted that their AWS calls need."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import _lru_cache_wrapper
from importlib import reload
from typing import Any
from uuid import UUID

import boto3
import botocore.handlers
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError, EndpointConnectionError
from moto.awslambda.models import LambdaFunction
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.secretsmanager.models import secretsmanager_backends

from amperity_api import app as amperity_api
from carto_api import app as carto_api
from deliver_webhook import app as deliver_webhook
from finish_run import app as finish_run
from publish_run_events import app as publish_run_events
from record_execution_status import app as record_execution_status
from rotate_token_key import app as rotate_token_key
from run_data_task import app as run_data_task
from run_sql_task import app as run_sql_task
from run_workflow_task import app as run_workflow_task
from start_triggered_run import app as start_triggered_run
from start_waiting_runs import app as start_waiting_runs
from stepcall.aws.token_key_rotation import RotationStep
from stepcall.domain.access import RateLimit
from stepcall.domain.errors import PermanentTaskError
from stepcall.domain.ids import (
    read_run_id,
    read_trigger_id,
    read_upload_id,
    read_webhook_id,
    read_workflow_id,
    spell_api_key,
)
from stepcall.domain.trigger import Bus, EventSource, Trigger
from stepcall.domain.webhook_answer import Answered
from stepcall.runtime import (
    background_wiring,
    client_wiring,
    delivery_wiring,
    event_wiring,
    trigger_wiring,
    webhook_wiring,
    wiring,
)
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from stepcall.stores.slot_store import Place
from stepcall.use_cases.deliver_webhook import deliver_webhook as make_attempt
from sweep_runs import app as sweep_runs
from tests.api_keys import api_key
from tests.template.deployed_stack import Deployed
from tests.template.permissions import Permission, needed_for
from tests.template.sam_template import REGION, functions_of, read_template, transform, variables_of
from wave_api import app as wave_api
from workflows_api import app as workflows_api

FUNCTIONS = functions_of(transform(read_template())).values()
ALL_VARIABLES = {name for function in FUNCTIONS for name in variables_of(function)}
Handler = Callable[[dict[str, Any], Any], Any]
ACCOUNT_ID = "123456789012"
KEY = "sc_least_privilege"
PENDING_VERSION = "01900000-0000-7000-8000-000000000001"
FUNCTION_ARN = "arn:aws:lambda:eu-central-1:123456789012:function:price"
"""The deployer's own: nobody invokes it here."""
LARGE = "x" * 20_000
OUT_OF_REACH = EndpointConnectionError(endpoint_url="https://states")
REFUSED: Any = {"HTTPStatusCode": 400}
DENIED = ClientError(
    {"Error": {"Code": "AccessDeniedException", "Message": ""}, "ResponseMetadata": REFUSED}, "StartExecution"
)
LATER = timedelta(minutes=10)
TOO_LATE = timedelta(hours=169)
FACES = {
    "/v3/": ("CartoApiRole", carto_api),
    "/wave/": ("WaveApiRole", wave_api),
    "/api/": ("AmperityApiRole", amperity_api),
}
NEXT = 2
"""The number of the version that follows the first."""
DEFINITION = {
    "name": "Hand a large value on",
    "input": [{"name": "text", "type": "string"}, {"name": "expression", "type": "string"}],
    "tasks": [
        {
            "ref": "first",
            "type": "Data.Transform",
            "input": {"expression": "{{input.expression}}", "data": "{{input.text}}"},
        },
        {
            "ref": "second",
            "type": "Data.Transform",
            "input": {"expression": "$", "data": "{{refs.first.output.result}}"},
        },
    ],
    "output": [{"name": "text", "type": "string", "value": "{{refs.second.output.result}}"}],
}

EXECUTED = {
    "name": "Hand a large value up",
    "config_id": "executed",
    "input": [{"name": "text", "type": "string"}],
    "tasks": [{"ref": "brought", "type": "Data.Transform", "input": {"expression": "$", "data": "{{input.text}}"}}],
    "output": [{"name": "text", "type": "string", "value": "{{refs.brought.output.result}}"}],
}
EXECUTING = {
    "name": "Execute another",
    "input": [{"name": "text", "type": "string"}],
    "tasks": [
        {"ref": "large", "type": "Data.Transform", "input": {"expression": "$", "data": "{{input.text}}"}},
        {
            "ref": "child",
            "type": "Workflow.Execute",
            "input": {"workflow_id": "executed", "input": {"text": "{{refs.large.output.result}}"}},
        },
    ],
}
ASKING: dict[str, Any] = {
    "name": "Ask somebody",
    "tasks": [{"ref": "asked", "type": "Flow.Approval", "input": {"message": "Go on?"}}],
}
BY_WAVE = {
    "name": "Keep a large value",
    "input": [{"name": "text", "type": "string"}],
    "tasks": [{"ref": "kept", "type": "Data.Transform", "input": {"expression": "$", "data": "{{input.text}}"}}],
}
SWEPT: dict[str, Any] = {
    "name": "Wait for a sweep",
    "tasks": [{"ref": "swept", "type": "Data.Transform", "input": {"expression": "1"}}],
}
CALLED_BACK = {
    "name": "Call back",
    "tasks": [{"ref": "heard", "type": "Data.Transform", "input": {"expression": "1"}}],
}
RULE_CALLS = ("PutRule", "PutTargets", "RemoveTargets")
TRIGGERS: tuple[tuple[dict[str, Any], tuple[str, str, str]], ...] = (
    ({"type": "schedule", "expression": "rate(1 hour)"}, ("CreateSchedule", "UpdateSchedule", "DeleteSchedule")),
    ({"type": "event", "pattern": {"source": ["shop"]}}, RULE_CALLS),
    ({"type": "event", "pattern": {"source": ["aws.s3"]}}, RULE_CALLS),
)
"""Of each kind one, and the calls to EventBridge that make, change and delete it."""
SLOWER = {"ref": "missed", "type": "Data.Transform", "input": {"expression": "2"}}
COURIER = {
    "name": "Bring a large value",
    "type": "courier.group/run",
    "config_id": "cg-large",
    "input": [{"name": "text", "type": "string", "default": LARGE}],
    "tasks": [
        {
            "ref": "only",
            "stage": "source",
            "type": "Data.Transform",
            "input": {"expression": "$", "data": "{{input.text}}"},
        },
    ],
}
BY_EVENT = {
    "name": "Take a large value",
    "config_id": "by-event",
    "input": [{"name": "text", "type": "string"}],
    "tasks": [{"ref": "taken", "type": "Data.Transform", "input": {"expression": "$", "data": "{{input.text}}"}}],
}
SQL_DEFINITION = {
    "name": "Ask a table",
    "connection": "second",
    "input": [{"name": "city", "type": "string"}],
    "tasks": [
        {
            "ref": "rows",
            "type": "Sql.Query",
            "input": {
                "query": "SELECT city, stores FROM stores WHERE city = @city",
                "parameters": {"city": "{{input.city}}"},
            },
        },
        {"ref": "result", "type": "Workflow.Output", "input": {"table": "{{refs.rows.output.table}}"}},
    ],
}


class Context(LambdaContext):
    """What Lambda tells a function of its invocation."""

    def __init__(self) -> None:
        self._function_name = "function"
        self._memory_limit_in_mb = 1024
        self._invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:function"
        self._aws_request_id = "request"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 300_000


def arn_of(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{resource}"


@dataclass
class Account:
    """Invokes functions, each in its own environment, and keeps what each of them needed."""

    deployed: Deployed
    patch: pytest.MonkeyPatch
    needed: dict[str, set[Permission]] = field(default_factory=lambda: defaultdict(set))
    acting: str = ""
    failing: tuple[str, Exception] | None = None
    """An operation, and what each call of it comes to now."""
    otherwise: dict[str, str] = field(default_factory=dict)
    """Variables that are now another than the template says."""

    def record(self, params: dict[str, Any], event_name: str, **_: Any) -> None:
        operation = event_name.removeprefix("provide-client-params.")
        self.needed[self.acting] |= needed_for(operation, params, arn_of)
        if self.failing and operation.endswith(f".{self.failing[0]}"):
            raise self.failing[1]

    @contextmanager
    def fails(self, operation: str, error: Exception) -> Iterator[None]:
        self.failing = operation, error
        yield
        self.failing = None

    def invoke(self, role_id: str, handler: Handler, event: dict[str, Any]) -> Any:
        if self.acting != role_id:
            self.become(role_id)
        return handler(event, Context())

    def answer_invocation(self, event: dict[str, Any]) -> tuple[str, bool, str]:
        """What moto would ask Docker: the one function that others invoke."""
        asking = self.acting
        answer = self.invoke("RunSqlTaskRole", run_sql_task.lambda_handler, event)
        self.become(asking)
        return json.dumps(answer), False, ""

    @contextmanager
    def clock_set_on(self, by: timedelta) -> Iterator[None]:
        """What the functions take for now."""
        with self.patch.context() as patch:
            patch.setattr(wiring, "now", lambda: datetime.now(UTC) + by)
            forget_what_wiring_holds()
            yield
        forget_what_wiring_holds()

    def become(self, role_id: str) -> None:
        """Another function is another process: its variables and no other's, and nothing remembered."""
        forget_what_wiring_holds()
        reload(run_sql_task)  # it holds clients of its own
        for name in ALL_VARIABLES:
            self.patch.delenv(name, raising=False)
        function = self.deployed.functions[role_id.removesuffix("Role") + "Function"]
        variables = function["Environment"]["Variables"]
        for name, value in (
            variables | {name: self.otherwise[name] for name in variables & self.otherwise.keys()}
        ).items():
            self.patch.setenv(name, str(value))
        self.patch.setenv("AWS_LAMBDA_FUNCTION_NAME", f"stepcall-{role_id}")  # as Lambda does
        self.acting = role_id

    @contextmanager
    def limited_to(self, running: int) -> Iterator[None]:
        """So many runs of a tenant at once."""
        self.otherwise["MAX_RUNNING_RUNS"], self.acting = str(running), ""
        yield
        self.acting = ""
        self.otherwise.clear()

    def somebody_waits(self, role_id: str) -> None:
        """When the function next starts a run, it has to stand in line, and finds that nobody is before it."""
        self.become(role_id)
        wiring.start_dependencies().slots.mark("tenant", Place(UUID(int=1)))

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, *, refused: bool = False
    ) -> Any:
        """A request to the face whose path it is; a body of text goes as it is."""
        of_path = (FACES[prefix] for prefix in FACES if path.startswith(prefix))
        role_id, face = next(of_path, ("WorkflowsApiRole", workflows_api))
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"x-api-key": KEY} if headers is None else headers,
            "requestContext": {"http": {"method": method, "path": path}, "requestId": "request", "stage": "$default"},
            "body": body if body is None or isinstance(body, str) else json.dumps(body),
            "isBase64Encoded": False,
        }
        response = self.invoke(role_id, face.lambda_handler, event)
        assert (response["statusCode"] >= 300) is refused, response
        return json.loads(response["body"]) if response["body"] else None


def forget_what_wiring_holds() -> None:
    for module in (
        wiring,
        client_wiring,
        background_wiring,
        webhook_wiring,
        delivery_wiring,
        event_wiring,
        trigger_wiring,
        deliver_webhook,
    ):
        for value in vars(module).values():
            if isinstance(value, _lru_cache_wrapper):
                value.cache_clear()


@contextmanager
def functions_in(deployed: Deployed, kind: type[Account] = Account) -> Iterator[Account]:
    """The handlers as if they ran in the account: its names in their environment, its clients in their hands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        account = kind(deployed, patch)
        # what botocore hangs on every session that is opened from now on
        handlers = [*botocore.handlers.BUILTIN_HANDLERS, ("provide-client-params", account.record)]
        patch.setattr(botocore.handlers, "BUILTIN_HANDLERS", handlers)
        _runs_table(deployed).lambda_event_source_mappings.clear()  # moto would call functions within the writes
        patch.setattr(LambdaFunction, "_invoke_lambda", lambda _, event: account.answer_invocation(event))
        yield account
        forget_what_wiring_holds()


def live(account: Account) -> None:
    """All there is to do, with values large enough for the bucket: a run for each way to end."""
    path = f"/workflows/{account.request('POST', '/workflows', DEFINITION)['workflow_id']}"
    account.request("GET", path)
    account.somebody_waits("WorkflowsApiRole")
    completed, failed, cancelled = (
        account.request("POST", f"{path}/execute", {"input": {"text": LARGE, "expression": expression}})
        for expression in ("$", "$error('no')", "$")
    )
    work(account, completed, "first")
    work(account, completed, "second")
    finish(account, completed)
    with pytest.raises(PermanentTaskError):
        work(account, failed, "first")
    finish(account, failed, error={"Error": "PermanentTaskError", "Cause": ""})
    account.request("POST", f"{path}/executions/{cancelled['execution_id']}/cancel")
    assert account.request("GET", f"{path}/executions/{completed['execution_id']}")["output"] == {"text": LARGE}
    assert account.request("GET", f"/jobs/{failed['externalId']}")["status"]["state"] == "DONE"
    assert account.request("PUT", path, DEFINITION | {"name": "Another name"})["workflow_version"] == NEXT
    assert len(account.request("GET", f"{path}/versions")["versions"]) == NEXT
    assert [listed["name"] for listed in account.request("GET", "/workflows")["workflows"]] == ["Another name"]
    live_by_decisions(account)
    live_by_keys(account)
    live_by_tokens(account, f"/jobs/{failed['externalId']}", f"{path}/executions/{failed['execution_id']}/token")
    live_by_a_callers_key(account)
    live_by_webhooks(account)
    live_by_sql(account)
    live_by_the_other_roads(account)
    live_by_wave(account, failed)
    live_by_amperity(account)
    live_by_custom_events(account)
    live_by_triggers(account)
    account.request("DELETE", path)
    told_of, told = run_to_be_told_of(account)
    live_by_slots(account)
    live_by_children(account)
    live_by_events(account)
    live_by_deliveries(account, f"{told_of}/executions/{told['execution_id']}/deliveries")
    account.request("DELETE", told_of)
    assert account.request("GET", "/workflows") == {"workflows": []}
    assert len(account.request("GET", f"{path}/executions")["executions"]) == len((completed, failed, cancelled))


def live_by_decisions(account: Account) -> None:
    """Somebody is asked twice, and says yes, with a large answer, and no; of a third nobody decides."""
    path = f"/workflows/{account.request('POST', '/workflows', ASKING)['workflow_id']}"
    asked = [account.request("POST", f"{path}/execute", {}) for _ in range(3)]
    for number, started in enumerate(asked):
        told = payload(account, started, ref="asked", attempt=0, phase="prepare", token=f"token-{number}")
        account.invoke("RunDataTaskRole", run_data_task.lambda_handler, told)
    yes, no, nobody = (f"{path}/executions/{started['execution_id']}" for started in asked)
    assert account.request("POST", f"{yes}/tasks/asked/complete", {"data": {"text": LARGE}})["status"] == "COMPLETED"
    assert account.request("POST", f"{yes}/tasks/asked/complete", {"data": {"text": LARGE}})["status"] == "COMPLETED"
    assert account.request("POST", f"{no}/tasks/asked/fail", {"message": "No."})["status"] == "FAILED"
    late = payload(account, asked[2], ref="asked", attempt=0, phase="collect")
    with pytest.raises(PermanentTaskError):
        account.invoke("RunDataTaskRole", run_data_task.lambda_handler, late)
    for execution in (yes, no, nobody):
        account.request("POST", f"{execution}/cancel")
    account.request("DELETE", path)


def live_by_keys(account: Account) -> None:
    """The first key makes another, which is listed, and is taken away again."""
    first = {"x-api-key": first_key(account)}
    made = account.request("POST", "/api-keys", {"name": "a key", "scopes": ["keys:manage"]}, first)
    [listed] = account.request("GET", "/api-keys", headers=first)["api_keys"]
    path = f"/api-keys/{listed['key_id']}"
    assert account.request("GET", path, headers={"x-api-key": made["api_key"]})["last_used_at"]
    account.request("DELETE", path, headers=first)


def first_key(account: Account) -> str:
    secret: Any = secretsmanager_backends[ACCOUNT_ID][REGION].secrets[account.deployed.names["FirstApiKeySecret"]]
    return f"sc_{json.loads(secret.secret_string)['api_key']}"


def live_by_tokens(account: Account, to_read: str, to_share: str) -> None:
    """A token for the key, one for a run, and a rotation between them, of which Secrets Manager asks each step."""
    token = token_of(account, "/oauth/token")
    secret_arn = account.deployed.names["TokenKeySecret"]
    for step in RotationStep:
        begun = {"SecretId": secret_arn, "ClientRequestToken": PENDING_VERSION, "Step": step.value}
        account.invoke("RotateTokenKeyRole", rotate_token_key.lambda_handler, begun)
    assert account.request("GET", to_read, headers=token)
    shared = account.request("POST", to_share)["token"]
    assert account.request("GET", to_read, headers={"x-api-key": shared})


def live_by_a_callers_key(account: Account) -> None:
    """A caller's own key to the language model goes with a run, and what asks the model can read it."""
    task = {"ref": "only", "type": "OpenAI.Text.Summarize", "input": {"text": "A text."}}
    path = f"/workflows/{account.request('POST', '/workflows', {'name': 'Ask', 'tasks': [task]})['workflow_id']}"
    started = account.request("POST", f"{path}/execute", {}, {"x-api-key": KEY, "x-openai-key": "sk-least-privilege"})
    run_id = read_run_id(started["execution_id"])
    account.become("RunAiTaskRole")
    stored = wiring.worker_dependencies().runs.get_for_work(run_id, ["only"]).run.provider_key
    assert stored
    assert wiring.provider_keys().decrypt(run_id, stored) == "sk-least-privilege"
    account.request("POST", f"{path}/executions/{started['execution_id']}/cancel")
    account.request("DELETE", path)


def live_by_webhooks(account: Account) -> None:
    """A webhook made, seen, changed, given another secret and deleted; and a run that calls back."""
    path = f"/workflows/{account.request('POST', '/workflows', CALLED_BACK)['workflow_id']}"
    made = account.request("POST", f"{path}/webhooks", {"url": "https://example.com/"})
    webhook = f"{path}/webhooks/{made['webhook_id']}"
    assert [account.request("GET", webhook)] == account.request("GET", f"{path}/webhooks")["webhooks"]
    account.request("PATCH", webhook, {"events": ["execution.failed"]})
    assert account.request("POST", f"{webhook}/rotate")["secret"] != made["secret"]
    account.request("DELETE", webhook)
    started = account.request("POST", f"{path}/execute", {"webhook_url": "https://example.com/"})
    assert started["webhook_secret"]
    account.request("POST", f"{path}/executions/{started['execution_id']}/cancel")
    account.request("DELETE", path)


def live_by_triggers(account: Account) -> None:
    """One of each kind, made, changed and deleted: while EventBridge answers, and while the sweep has to tell it."""
    path = f"/workflows/{account.request('POST', '/workflows', SWEPT | {'name': 'Set off'})['workflow_id']}/triggers"
    for kind, (making, changing, deleting) in TRIGGERS:
        made = account.request("POST", path, kind)
        trigger = f"{path}/{made['trigger_id']}"
        assert [account.request("GET", trigger)] == account.request("GET", path)["triggers"]
        assert account.request("PATCH", trigger, {"enabled": False})["status"] == "disabled"
        account.request("DELETE", trigger)
        with account.fails(making, OUT_OF_REACH):
            made = account.request("POST", path, kind)
        trigger = f"{path}/{made['trigger_id']}"
        assert made["status"] == "pending"
        sweep_later(account)
        with account.fails(changing, OUT_OF_REACH):
            account.request("PATCH", trigger, {"enabled": False})
        sweep_later(account)
        assert account.request("GET", trigger)["status"] == "disabled"
        with account.fails(deleting, OUT_OF_REACH):
            account.request("DELETE", trigger)
        sweep_later(account)
    account.request("POST", path, TRIGGERS[0][0])
    account.request("DELETE", path.removesuffix("/triggers"))


def sweep_later(account: Account) -> None:
    with account.clock_set_on(LATER):
        account.invoke("SweepRunsRole", sweep_runs.lambda_handler, {})


def live_by_sql(account: Account) -> None:
    """Connections and datasets; a workflow that is enabled, called, read as rows, called again, and cancelled."""
    csv, dataset = {"x-api-key": KEY, "content-type": "text/csv"}, "/connections/second/datasets/stores"
    account.request("POST", "/connections", {"name": "second"})
    account.request("PUT", dataset, "city,stores\nSevilla,3\n", csv)
    upload_id = account.request("POST", "/uploads")["upload_id"]
    put_upload(account, upload_id)
    source, as_json = {"upload_id": upload_id, "format": "csv"}, {**csv, "content-type": "application/json"}
    account.request("PUT", dataset, source, as_json)
    account.request("PUT", "/connections/second/datasets/other", "a\n1\n", csv)
    account.request("DELETE", "/connections/second/datasets/other")
    assert {each["name"] for each in account.request("GET", "/connections")["connections"]} == {"carto_dw", "second"}
    live_by_task_types(account)
    path = f"/workflows/{account.request('POST', '/workflows', SQL_DEFINITION)['workflow_id']}"
    procedure = account.request("POST", f"{path}/api-access", {})["procedure"]
    live_by_jobs(account, procedure)
    account.request("PUT", f"{path}/api-access", {})
    assert account.request("GET", f"{path}/api-access")["in_sync"]
    account.request("DELETE", f"{path}/api-access")
    account.request("DELETE", path)
    account.request("DELETE", "/connections/second")


def live_by_jobs(account: Account, procedure: str) -> None:
    """A job that is computed, one that reuses its table, and one that is cancelled."""
    jobs = "/v3/sql/second/job"
    call = {"query": f"CALL `{procedure}`(@city)", "queryParameters": {"city": LARGE}}
    account.somebody_waits("CartoApiRole")
    first = account.request("POST", jobs, call)
    run_sql(account, first, "rows")
    run_sql(account, first, "result")
    account.invoke("FinishRunRole", finish_run.lambda_handler, sql_payload(account, first))
    assert account.request("GET", f"{jobs}/{first['externalId']}")["status"] == {"state": "DONE"}
    table = first["jobMetadata"]["workflowOutputTableName"]
    select = f"SELECT * FROM `{table}`"  # noqa: S608 - the table is the answer's own
    assert len(account.request("POST", "/v3/sql/second/query", {"q": select})["rows"]) == 1
    account.request("POST", jobs, call)
    other = account.request("POST", jobs, {"query": f"CALL `{procedure}`('Sevilla')"})
    account.request("DELETE", f"{jobs}/{other['externalId']}")
    shown = account.request("GET", f"/jobs/{other['externalId']}")["metadata"]
    resumed = f"/workflows/{shown['workflow_id']}/executions/{shown['execution_id']}/resume"
    assert account.request("POST", resumed)["run_attempt"] == NEXT
    account.request("DELETE", f"{jobs}/{other['externalId']}")
    made = account.request("POST", "/api-keys", {"name": "a reader", "scopes": ["runs:read"]})
    for key in (first_key(account), made["api_key"]):
        assert account.request("GET", "/v3/sql/jobs", headers={"x-api-key": key})["result"] is not None
    account.request("DELETE", f"/api-keys/{made['key_id']}")


def live_by_wave(account: Account, ended: dict[str, Any]) -> None:
    """Workflows listed and read, one executed with a large parameter, and two runs read."""
    path = f"/workflows/{account.request('POST', '/workflows', BY_WAVE)['workflow_id']}"
    workflow = f"/wave/workflows/{read_workflow_id(path.removeprefix('/workflows/'))}"
    assert account.request("GET", workflow)["name"] == BY_WAVE["name"]
    made = account.request("POST", "/api-keys", {"name": "a wave", "scopes": ["workflows:read"]})
    for key in (first_key(account), made["api_key"]):
        assert account.request("GET", "/wave/workflows", headers={"x-api-key": key}) is not None
    account.request("DELETE", f"/api-keys/{made['key_id']}")
    account.somebody_waits("WaveApiRole")
    run = account.request("POST", f"{workflow}/execute", {"text": LARGE})
    assert account.request("GET", f"/wave/runs/{run['id']}")["params"]["text"] == LARGE
    token = token_of(account, "/oauth/token")
    assert account.request("GET", f"/wave/runs/{read_run_id(ended['execution_id'])}", headers=token)["errorMessage"]
    account.request("POST", f"{path}/executions/{run['id']}/cancel")
    with account.fails("StartExecution", DENIED):
        account.request("POST", f"{workflow}/execute", {"text": LARGE}, refused=True)
    account.request("POST", f"{workflow}/execute", {"text": "once"}, once("by-wave"))
    account.request("DELETE", path)


def live_by_amperity(account: Account) -> None:
    """A token, a run by its workflow's other name, runs read and listed, one stopped; and the name given away."""
    path = f"/workflows/{account.request('POST', '/workflows', COURIER)['workflow_id']}"
    token = token_of(account, "/api/v0/oauth2/token")
    made = account.request("POST", "/api-keys", {"name": "an amperity", "scopes": ["runs:read"]})
    for key in (first_key(account), made["api_key"]):
        account.request("GET", "/api/workflow/runs", headers={"authorization": f"Bearer {key}"})
    account.request("DELETE", f"/api-keys/{made['key_id']}")
    account.somebody_waits("AmperityApiRole")
    run = account.request(
        "POST",
        "/api/workflow/runs",
        {"config_id": "cg-large", "run_mode": "source"},
        token | {"idempotency-key": "by-amperity"},
    )
    shown = account.request("GET", f"/api/workflow/runs/{run['id']}", headers=token)
    assert shown["state"] == "scheduled"
    assert account.request("POST", f"/api/workflow/runs/{run['id']}/stop", headers=token)["state"] == "canceled"
    account.request("PUT", path, COURIER | {"config_id": "cg-other"})
    account.request("DELETE", path)


def live_by_custom_events(account: Account) -> None:
    """Two runs of a workflow by its other name: one waits, one is not taken; the first event comes again, and one that
    can start nothing."""
    path = f"/workflows/{account.request('POST', '/workflows', BY_EVENT)['workflow_id']}"
    account.somebody_waits("StartTriggeredRunRole")
    asked = {"tenant": "tenant", "config_id": "by-event", "input": {"text": LARGE}}
    for _ in range(2):
        account.invoke("StartTriggeredRunRole", start_triggered_run.lambda_handler, {"id": "first", "detail": asked})
    with account.fails("StartExecution", DENIED), pytest.raises(ClientError):
        account.invoke("StartTriggeredRunRole", start_triggered_run.lambda_handler, {"id": "second", "detail": asked})
    invalid = {"id": "third", "detail": {"input": {"text": 15 * LARGE}}}  # too large for a message
    account.invoke("StartTriggeredRunRole", start_triggered_run.lambda_handler, invalid)
    live_by_firings(account, f"{path}/triggers")
    account.request("DELETE", path)


def live_by_firings(account: Account, path: str) -> None:
    """Of a trigger that was changed since: one starts a run, one does not fit; and one of a trigger that is gone."""
    pattern = {"type": "event", "pattern": {"source": ["test"]}, "input": {"text": "{{event.detail.text}}"}}
    made = account.request("POST", path, pattern)
    ids = {"workflow_id": read_workflow_id(made["workflow_id"]), "trigger_id": read_trigger_id(made["trigger_id"])}
    named = {"tenant": "tenant", **{name: str(value) for name, value in ids.items()}, "revision": 7, "bus": "stepcall"}
    for detail in ({"text": LARGE}, {}):
        words = dict.fromkeys(("source", "detail-type", "account", "time", "region"), "test")
        event = {**words, "id": str(len(detail)), "resources": [], "detail": detail}
        fired = {"trigger": named, "event": event}
        account.invoke("StartTriggeredRunRole", start_triggered_run.lambda_handler, fired)
    shown = account.request("GET", f"{path}/{made['trigger_id']}")
    assert (shown["last_run"] is None, shown["last_error"]["code"]) == (False, "missing_event_value")
    account.request("DELETE", f"{path}/{made['trigger_id']}")
    account.invoke("StartTriggeredRunRole", start_triggered_run.lambda_handler, fired)
    live_by_a_trigger_that_is_left(account, fired)


def live_by_a_trigger_that_is_left(account: Account, fired: dict[str, Any]) -> None:
    """Of a workflow that is gone: it ends, and the sweep has EventBridge forget it."""
    left = {"tenant": "tenant", "workflow_id": UUID(int=1), "trigger_id": UUID(int=2), "created_at": datetime.now(UTC)}
    account.become("WorkflowsApiRole")
    trigger = Trigger(**left, source=EventSource({"source": ["test"]}, Bus.STEPCALL), input={})  # type: ignore[arg-type]
    trigger_wiring.triggers().put(trigger)
    ids = {"workflow_id": str(trigger.workflow_id), "trigger_id": str(trigger.trigger_id)}
    again = {"trigger": fired["trigger"] | ids, "event": fired["event"] | {"id": "left"}}
    account.invoke("StartTriggeredRunRole", start_triggered_run.lambda_handler, again)
    sweep_later(account)
    account.become("WorkflowsApiRole")
    assert trigger_wiring.triggers().list_by_workflow("tenant", trigger.workflow_id) == []


def live_by_the_other_roads(account: Account) -> None:
    """Starts that Step Functions does not take: a sweep gives one up, and makes the other, which is aborted."""
    path = f"/workflows/{account.request('POST', '/workflows', SWEPT)['workflow_id']}"
    with account.fails("StartExecution", OUT_OF_REACH):
        given_up = account.request("POST", f"{path}/execute", {}, once("natively"))
    with account.clock_set_on(LATER), account.fails("StartExecution", DENIED), pytest.raises(ExceptionGroup):
        account.invoke("SweepRunsRole", sweep_runs.lambda_handler, {})
    assert account.request("GET", f"{path}/executions/{given_up['execution_id']}")["status"] == "FAILED"
    with account.fails("StartExecution", OUT_OF_REACH):
        deferred = account.request("POST", f"{path}/execute", {})
    with account.clock_set_on(LATER):
        account.invoke("SweepRunsRole", sweep_runs.lambda_handler, {})
    run_id = read_run_id(deferred["execution_id"])
    machine_arn = f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:any-{content_hash_of(account, run_id)}"
    aborted = {"detail": {"name": str(run_id), "stateMachineArn": machine_arn, "status": "ABORTED"}}
    account.invoke("RecordExecutionStatusRole", record_execution_status.lambda_handler, aborted)
    assert account.request("GET", f"{path}/executions/{deferred['execution_id']}")["status"] == "CANCELLED"
    account.request("DELETE", path)


def live_by_slots(account: Account) -> None:
    """One run waits, one has not come as far: a sweep puts it in line. Ends let it in, and late runs are ended."""
    waiting, lost = (
        f"/workflows/{account.request('POST', '/workflows', SWEPT | {'name': name, 'tasks': [task]})['workflow_id']}"
        for name, task in (("Wait in line", {**SWEPT["tasks"][0], "ref": "waiting"}), ("Miss it", SLOWER))
    )
    with account.limited_to(1):
        account.request("POST", f"{waiting}/execute", {})
        with account.fails("UpdateItem", OUT_OF_REACH):
            started = account.request("POST", f"{lost}/execute", {})
        with account.clock_set_on(LATER):
            account.invoke("SweepRunsRole", sweep_runs.lambda_handler, {})
    assert wiring.worker_dependencies().runs.get_for_end(read_run_id(started["execution_id"])).run.status == "PENDING"
    hand_on_stream(account, "StartWaitingRunsRole", start_waiting_runs.lambda_handler)
    with account.clock_set_on(TOO_LATE):
        account.invoke("SweepRunsRole", sweep_runs.lambda_handler, {})
    assert account.request("GET", f"{lost}/executions/{started['execution_id']}")["error"]["reason"] == "timeout"
    for path in (waiting, lost):
        account.request("DELETE", path)


def live_by_children(account: Account) -> None:
    """A child whose end is told, one that is looked at when time is up, one cancelled with its parent, one lost."""
    child = f"/workflows/{account.request('POST', '/workflows', EXECUTED)['workflow_id']}"
    parent = f"/workflows/{account.request('POST', '/workflows', EXECUTING)['workflow_id']}"
    told, early, looked_at, failing, cancelled, lost = (
        account.request("POST", f"{parent}/execute", {"input": {"text": LARGE}}) for _ in range(6)
    )
    for execution in (told, early, looked_at, failing, cancelled):
        prepare_child(account, execution)
    complete_child(account, f"{parent}/executions/{told['execution_id']}", child)
    account.request("POST", f"{parent}/executions/{cancelled['execution_id']}/cancel")
    _, task = account.request("GET", f"{parent}/executions/{failing['execution_id']}")["tasks"]
    account.request("POST", f"{child}/executions/{task['execution_id']}/cancel")
    for _ in ("the ends of children", "the ends of their parents' tasks"):
        hand_on_stream(account, "StartWaitingRunsRole", start_waiting_runs.lambda_handler)
    shown = account.request("GET", f"{parent}/executions/{told['execution_id']}")
    assert [task["status"] for task in shown["tasks"]] == ["COMPLETED", "COMPLETED"]
    for execution in (early, looked_at):
        complete_child(account, f"{parent}/executions/{execution['execution_id']}", child)
    account.invoke("RunWorkflowTaskRole", run_workflow_task.lambda_handler, of_child(account, looked_at, "collect"))
    prepare_child(account, early, attempt=1)
    with account.fails("StartExecution", OUT_OF_REACH):
        prepare_child(account, lost)
    account.request("POST", f"{parent}/executions/{lost['execution_id']}/cancel")
    sweep_later(account)
    _, task = account.request("GET", f"{parent}/executions/{lost['execution_id']}")["tasks"]
    assert account.request("GET", f"{child}/executions/{task['execution_id']}")["status"] == "CANCELLED"
    for path in (parent, child):
        account.request("DELETE", path)


def prepare_child(account: Account, execution: dict[str, Any], attempt: int = 0) -> None:
    """The run is stored, its parent's task waits for it, and it is begun."""
    work(account, execution, "large")
    event = of_child(account, execution, "prepare") | {"token": f"token-{attempt}", "attempt": attempt}
    account.invoke("RunWorkflowTaskRole", run_workflow_task.lambda_handler, event)


def of_child(account: Account, execution: dict[str, Any], phase: str) -> dict[str, Any]:
    return payload(account, execution, ref="child", attempt=0, phase=phase)


def complete_child(account: Account, path: str, workflow: str) -> None:
    _, task = account.request("GET", path)["tasks"]
    run = account.request("GET", f"{workflow}/executions/{task['execution_id']}")
    work(account, run, "brought")
    finish(account, run)


def live_by_events(account: Account) -> None:
    """All that the stream has seen is told."""
    hand_on_stream(account, "PublishRunEventsRole", publish_run_events.lambda_handler)


def hand_on_stream(account: Account, role_id: str, handler: Handler) -> None:
    """As Lambda reads it, and hands on 100 records at most; changes of runs, and of tasks that machines wait for."""
    shard = _runs_table(account.deployed).stream_shard
    images = [image for record in shard.items if _is_handed_on((image := record.to_json())["dynamodb"])]
    records = json.loads(json.dumps(images, default=str))
    for start in range(0, len(records), 100):
        batch = {"Records": records[start : start + 100]}
        assert account.invoke(role_id, handler, batch) == {"batchItemFailures": []}


def _is_handed_on(change: Any) -> bool:
    return change["Keys"]["item"] == {"S": "RUN"} or "task_token" in change.get("NewImage", {})


def run_to_be_told_of(account: Account) -> tuple[str, dict[str, Any]]:
    """The path of a workflow with a webhook, and a run of it that has begun and ended."""
    path = f"/workflows/{account.request('POST', '/workflows', SWEPT)['workflow_id']}"
    account.request("POST", f"{path}/webhooks", {"url": "https://example.com/"})
    run = account.request("POST", f"{path}/execute", {})
    work(account, run, "swept")
    finish(account, run)
    return path, run


def live_by_deliveries(account: Account, path: str) -> None:
    """The webhook's receiver is gone: it is told of the start alone. What it missed is asked for, and given up."""
    first, second = account.request("GET", path)["deliveries"]
    assert deliver(account, path, first, Answered(410)) == "failed"
    assert deliver(account, path, second, Answered(200)) == "failed"
    hook = f"{path.rpartition('/executions/')[0]}/webhooks/{second['webhook_id']}"
    account.request("PATCH", hook, {"enabled": True})
    account.request("POST", f"{path}/{second['delivery_id']}/redeliver")
    again = {**of_machine(path, second), "round": 2, "give_up": True}
    assert account.invoke("DeliverWebhookRole", deliver_webhook.lambda_handler, again)["outcome"] == "failed"


def deliver(account: Account, path: str, delivery: dict[str, Any], answered: Answered) -> str:
    """What comes of an attempt that is answered so."""
    account.become("DeliverWebhookRole")
    deps = replace(deliver_webhook.dependencies(), post=lambda *_: answered)
    wanted = deliver_webhook.Asked.model_validate(of_machine(path, delivery)).wanted()
    return make_attempt(wanted, deps).outcome


def of_machine(path: str, delivery: dict[str, Any]) -> dict[str, Any]:
    """What the state machine sends for the first attempt."""
    return {
        "run_id": str(read_run_id(path.split("/")[4])),
        "tenant": "default",
        "correlation_id": "request",
        "target": str(read_webhook_id(delivery["webhook_id"])),
        "sequence": delivery["sequence"],
        "round": 1,
        "attempt": 1,
        "wait_seconds": 5,
    }


def _runs_table(deployed: Deployed) -> Any:
    return dynamodb_backends[ACCOUNT_ID][REGION].get_table(deployed.names["RunsTable"])


def once(key: str) -> dict[str, str]:
    return {"x-api-key": KEY, "idempotency-key": key}


def token_of(account: Account, path: str) -> dict[str, str]:
    """The header of a token that this path has given."""
    credentials = {"client_id": spell_api_key(api_key(KEY).key_id), "client_secret": KEY}
    asked = {"grant_type": "client_credentials", **credentials}
    token = account.request("POST", path, asked, {"content-type": "application/json"})["access_token"]
    return {"authorization": f"Bearer {token}"}


def live_by_task_types(account: Account) -> None:
    said = {"function_arn": FUNCTION_ARN, "input_schema": {"type": "object"}, "output_schema": {"type": "object"}}
    account.request("PUT", "/task-types/Acme.Price", said)
    assert account.request("GET", "/task-types/Acme.Price") in account.request("GET", "/task-types")["task_types"]
    account.request("DELETE", "/task-types/Acme.Price")


def run_sql(account: Account, job: dict[str, Any], ref: str) -> None:
    payload = sql_payload(account, job) | {"ref": ref, "attempt": 0}
    account.invoke("RunSqlTaskRole", run_sql_task.lambda_handler, payload)


def sql_payload(account: Account, job: dict[str, Any]) -> dict[str, Any]:
    """What a state machine sends, for a job of version 1."""
    shown = account.request("GET", f"/jobs/{job['externalId']}")["metadata"]
    return payload(account, shown)


def put_upload(account: Account, upload_id: str) -> None:
    """As who has the pre-signed address does it: with the rights of the function that signed it."""
    key = f"uploads/tenant/{read_upload_id(upload_id)}"
    csv = f"city,stores\n{LARGE},2\n".encode()
    client_wiring.s3().put_object(Bucket=account.deployed.names["DataBucket"], Key=key, Body=csv)


def begin_rotation(secret_arn: str) -> None:
    """As Secrets Manager does it: there is a version that is pending, and has no value."""
    secret = secretsmanager_backends[ACCOUNT_ID][REGION].secrets[secret_arn]
    pending = {"createdate": 0, "version_id": PENDING_VERSION, "version_stages": ["AWSPENDING"]}
    secret.versions[PENDING_VERSION] = pending


def work(account: Account, started: dict[str, Any], ref: str) -> None:
    account.invoke("RunDataTaskRole", run_data_task.lambda_handler, payload(account, started, ref=ref, attempt=0))


def finish(account: Account, started: dict[str, Any], **error: Any) -> None:
    account.invoke("FinishRunRole", finish_run.lambda_handler, payload(account, started, **error))


def payload(account: Account, started: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What a state machine sends."""
    run_id = read_run_id(started["execution_id"])
    return {
        "run": {
            "run_id": str(run_id),
            "run_attempt": 1,
            "content_hash": content_hash_of(account, run_id),
            "workflow_id": str(read_workflow_id(started["workflow_id"])),
            "workflow_version": started["workflow_version"],
            "tenant": "default",
            "correlation_id": "",
        },
        **more,
    }


def content_hash_of(account: Account, run_id: UUID) -> str:
    """Of the machine that executes the run, which asks no function for it."""
    item = _runs_table(account.deployed).get_item(DynamoType({"S": str(run_id)}), DynamoType({"S": "RUN"}))
    return str(item.attrs["content_hash"].value)


def give_key(session: boto3.Session, deployed: Deployed) -> None:
    """What a life begins with: the key of who calls, and a token key that is about to be another."""
    keys = DynamoApiKeyStore(session.client("dynamodb"), deployed.names["WorkflowsTable"])
    keys.put(api_key(KEY, "tenant", "tester", rate_limit=RateLimit()))
    begin_rotation(deployed.names["TokenKeySecret"])


def live_in(session: boto3.Session, deployed: Deployed) -> dict[str, set[Permission]]:
    """What each role needed for it."""
    give_key(session, deployed)
    with functions_in(deployed) as functions:
        live(functions)
        return functions.needed
