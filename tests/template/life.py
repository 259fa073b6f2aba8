"""All that the functions do, each in its own environment, with the permissions noted that their AWS calls need."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import _lru_cache_wrapper
from typing import Any

import boto3
import botocore.handlers
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from moto.secretsmanager.models import secretsmanager_backends

from finish_run import app as finish_run
from rotate_token_key import app as rotate_token_key
from run_data_task import app as run_data_task
from stepcall.aws.token_key_rotation import RotationStep
from stepcall.domain.access import RateLimit
from stepcall.domain.errors import PermanentTaskError
from stepcall.domain.ids import read_run_id, read_workflow_id, spell_api_key
from stepcall.runtime import wiring
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from tests.api_keys import api_key
from tests.template.deployed_stack import Deployed
from tests.template.permissions import Permission, needed_for
from tests.template.sam_template import REGION, functions_of, read_template, transform, variables_of
from workflows_api import app as workflows_api

FUNCTIONS = functions_of(transform(read_template())).values()
ALL_VARIABLES = {name for function in FUNCTIONS for name in variables_of(function)}
Handler = Callable[[dict[str, Any], Any], Any]
ACCOUNT_ID = "123456789012"
KEY = "sc_least_privilege"
PENDING_VERSION = "01900000-0000-7000-8000-000000000001"
LARGE = "x" * 20_000
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


class Context(LambdaContext):
    """What Lambda tells a function of its invocation."""

    def __init__(self) -> None:
        self._function_name = "function"
        self._memory_limit_in_mb = 1024
        self._invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:function"
        self._aws_request_id = "request"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 20_000


def arn_of(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{resource}"


@dataclass
class Account:
    """Invokes functions, each in its own environment, and keeps what each of them needed."""

    deployed: Deployed
    patch: pytest.MonkeyPatch
    needed: dict[str, set[Permission]] = field(default_factory=lambda: defaultdict(set))
    acting: str = ""

    def record(self, params: dict[str, Any], event_name: str, **_: Any) -> None:
        operation = event_name.removeprefix("provide-client-params.")
        self.needed[self.acting] |= needed_for(operation, params, arn_of)

    def invoke(self, role_id: str, handler: Handler, event: dict[str, Any]) -> Any:
        if self.acting != role_id:
            self.become(role_id)
        return handler(event, Context())

    def become(self, role_id: str) -> None:
        """Another function is another process: its variables and no other's, and nothing remembered."""
        forget_what_wiring_holds()
        for name in ALL_VARIABLES:
            self.patch.delenv(name, raising=False)
        function = self.deployed.functions[role_id.removesuffix("Role") + "Function"]
        for name, value in function["Environment"]["Variables"].items():
            self.patch.setenv(name, str(value))
        self.acting = role_id

    def request(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"x-api-key": KEY} if headers is None else headers,
            "requestContext": {"http": {"method": method, "path": path}, "requestId": "request", "stage": "$default"},
            "body": None if body is None else json.dumps(body),
            "isBase64Encoded": False,
        }
        response = self.invoke("WorkflowsApiRole", workflows_api.lambda_handler, event)
        assert response["statusCode"] < 300, response
        return json.loads(response["body"]) if response["body"] else None


def forget_what_wiring_holds() -> None:
    for value in vars(wiring).values():
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
        yield account
        forget_what_wiring_holds()


def live(account: Account) -> None:
    """All there is to do, with values large enough for the bucket: a run for each way to end."""
    path = f"/workflows/{account.request('POST', '/workflows', DEFINITION)['workflow_id']}"
    account.request("GET", path)
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
    live_by_keys(account)
    live_by_tokens(account, f"/jobs/{failed['externalId']}", f"{path}/executions/{failed['execution_id']}/token")
    live_by_a_callers_key(account)
    account.request("DELETE", path)
    assert account.request("GET", "/workflows") == {"workflows": []}
    assert len(account.request("GET", f"{path}/executions")["executions"]) == len((completed, failed, cancelled))


def live_by_keys(account: Account) -> None:
    """The first key makes another, which is listed, and is taken away again."""
    secret: Any = secretsmanager_backends[ACCOUNT_ID][REGION].secrets[account.deployed.names["FirstApiKeySecret"]]
    first = {"x-api-key": f"sc_{json.loads(secret.secret_string)['api_key']}"}
    made = account.request("POST", "/api-keys", {"name": "a key", "scopes": ["keys:manage"]}, first)
    [listed] = account.request("GET", "/api-keys", headers=first)["api_keys"]
    path = f"/api-keys/{listed['key_id']}"
    assert account.request("GET", path, headers={"x-api-key": made["api_key"]})["last_used_at"]
    account.request("DELETE", path, headers=first)


def live_by_tokens(account: Account, to_read: str, to_share: str) -> None:
    """A token for the key, one for a run, and a rotation between them, of which Secrets Manager asks each step."""
    credentials = {"client_id": spell_api_key(api_key(KEY).key_id), "client_secret": KEY}
    asked = {"grant_type": "client_credentials", **credentials}
    token = account.request("POST", "/oauth/token", asked, {"content-type": "application/json"})["access_token"]
    secret_arn = account.deployed.names["TokenKeySecret"]
    for step in RotationStep:
        begun = {"SecretId": secret_arn, "ClientRequestToken": PENDING_VERSION, "Step": step.value}
        account.invoke("RotateTokenKeyRole", rotate_token_key.lambda_handler, begun)
    assert account.request("GET", to_read, headers={"authorization": f"Bearer {token}"})
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


def begin_rotation(secret_arn: str) -> None:
    """As Secrets Manager does it: there is a version that is pending, and has no value."""
    secret = secretsmanager_backends[ACCOUNT_ID][REGION].secrets[secret_arn]
    pending = {"createdate": 0, "version_id": PENDING_VERSION, "version_stages": ["AWSPENDING"]}
    secret.versions[PENDING_VERSION] = pending


def work(account: Account, started: dict[str, Any], ref: str) -> None:
    account.invoke("RunDataTaskRole", run_data_task.lambda_handler, payload(started, ref=ref, attempt=0))


def finish(account: Account, started: dict[str, Any], **error: Any) -> None:
    account.invoke("FinishRunRole", finish_run.lambda_handler, payload(started, **error))


def payload(started: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What a state machine sends."""
    return {
        "run_id": str(read_run_id(started["execution_id"])),
        "workflow_id": str(read_workflow_id(started["workflow_id"])),
        "workflow_version": started["workflow_version"],
        **more,
    }


def live_in(session: boto3.Session, deployed: Deployed) -> dict[str, set[Permission]]:
    """What each role needed for it."""
    keys = DynamoApiKeyStore(session.client("dynamodb"), deployed.names["WorkflowsTable"])
    keys.put(api_key(KEY, "tenant", "tester", rate_limit=RateLimit()))
    begin_rotation(deployed.names["TokenKeySecret"])
    with functions_in(deployed) as functions:
        live(functions)
        return functions.needed
