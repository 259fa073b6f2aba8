"""Every route × every kind of credential, over HTTP: what is answered is what `ACCESS` and the grants say.

The table stands at the end of the test output.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import boto3
import pytest

from local.stack import LocalStack
from stepcall.domain.access import ALL_SCOPES, Grants, Scope
from stepcall.domain.ids import read_run_id, read_workflow_id, spell_api_key, spell_delivery
from stepcall.stores.api_key_store import ApiKey
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from tests.api_keys import api_key
from tests.functional.conftest import Answer, Api, Tell
from tests.functional.web_server import WebServer
from tests.functional.web_server import answer as answer_with
from tests.functional.webhook_receiver import deliveries_of
from workflows_api.app import ACCESS, app
from workflows_api.describe.page import FILES

TENANT = "matrix"
ROUTES = sorted(f"{route.method} {route.path}" for route in (*app._static_routes, *app._dynamic_routes))
SHARE = "POST /workflows/<workflow_id>/executions/<execution_id>/token"
TOKEN_ROUTES = {"POST /oauth/token"}
LIGHT = {"ref": "a", "type": "Data.Transform", "for_each": [1], "input": {"expression": "1", "data": 1}}
ECHO = {"name": "echo", "tasks": [LIGHT]}
SLOW = {
    "name": "slow",
    "tasks": [
        {"ref": f"t{number}", "type": "Data.Transform", "input": {"expression": "$sum([1..20000])", "data": 1}}
        for number in range(20)
    ],
}
DECIDE = "POST /workflows/<workflow_id>/executions/<execution_id>/tasks/<ref>"
OF_TASK_TYPES = {method: f"{method} /task-types/<name>" for method in ("GET", "PUT", "DELETE")}
OBJECT = {"type": "object"}
ECHO_TYPE = {"function_arn": "echo", "input_schema": OBJECT, "output_schema": OBJECT}
REDELIVER = "POST /workflows/<workflow_id>/executions/<execution_id>/deliveries/<delivery_id>/redeliver"
API_ACCESS = "/workflows/<workflow_id>/api-access"
DELETE_DATASET = "DELETE /connections/<connection>/datasets/<dataset>"
DELETE_WEBHOOK = "DELETE /workflows/<workflow_id>/webhooks/<webhook_id>"
DELETE_TRIGGER = "DELETE /workflows/<workflow_id>/triggers/<trigger_id>"
HOURLY = {"type": "schedule", "expression": "rate(1 hour)", "enabled": False}
OF_A_WORKFLOW_OF_ITS_OWN = {
    "DELETE /workflows/<workflow_id>",
    "POST /workflows/<workflow_id>/webhooks",
    "POST /workflows/<workflow_id>/triggers",
    *(f"{method} {API_ACCESS}" for method in ("POST", "DELETE")),
}
BODIES: Mapping[str, Any] = {
    "POST /workflows": ECHO,
    "POST /workflows/validate": ECHO,
    "PUT /workflows/<workflow_id>": ECHO,
    "POST /workflows/<workflow_id>/execute": {},
    "POST /workflows/<workflow_id>/executions": {},
    "POST /api-keys": {"name": "made", "scopes": ["keys:manage"]},
    f"{DECIDE}/fail": {"message": "No."},
    "POST /workflows/<workflow_id>/api-access": {},
    "PUT /workflows/<workflow_id>/api-access": {"cache": False},
    "POST /workflows/<workflow_id>/webhooks": {"url": "https://example.com/hooks"},
    "PATCH /workflows/<workflow_id>/webhooks/<webhook_id>": {"enabled": False},
    "POST /workflows/<workflow_id>/triggers": HOURLY,
    OF_TASK_TYPES["PUT"]: ECHO_TYPE,
    "PATCH /workflows/<workflow_id>/triggers/<trigger_id>": {"enabled": False},
}
PUT_DATASET = "PUT /connections/<connection>/datasets/<dataset>"
CSV = b"id,city\n1,Brno\n"
SUCCESS: Mapping[str, int] = {
    "POST /workflows": 201,
    "DELETE /workflows/<workflow_id>": 204,
    "POST /workflows/<workflow_id>/execute": 202,
    "POST /workflows/<workflow_id>/executions": 202,
    "POST /workflows/<workflow_id>/executions/<execution_id>/cancel": 202,
    REDELIVER: 202,
    "POST /workflows/<workflow_id>/executions/<execution_id>/resume": 202,
    f"{DECIDE}/complete": 200,
    f"{DECIDE}/fail": 200,
    SHARE: 201,
    "POST /api-keys": 201,
    "DELETE /api-keys/<key_id>": 204,
    "POST /workflows/<workflow_id>/api-access": 201,
    "DELETE /workflows/<workflow_id>/api-access": 204,
    "POST /workflows/<workflow_id>/webhooks": 201,
    DELETE_WEBHOOK: 204,
    "POST /workflows/<workflow_id>/triggers": 201,
    DELETE_TRIGGER: 204,
    "POST /connections": 201,
    "DELETE /connections/<connection>": 204,
    DELETE_DATASET: 204,
    OF_TASK_TYPES["PUT"]: 201,
    OF_TASK_TYPES["DELETE"]: 204,
    "POST /uploads": 201,
}
"""What is answered to who may, where it is not 200."""
# what names nothing and is beyond any grant all the same: it would make something that no grant names
BEYOND_GRANTS = {"POST /workflows", "POST /api-keys", "POST /connections", "POST /uploads"}
READS_ONE_RUN = {
    "GET /workflows/<workflow_id>/executions/<execution_id>",
    "GET /workflows/<workflow_id>/executions/<execution_id>/tasks/<ref>/instances",
    "GET /jobs/<external_id>",
}
BEYOND_GRANTS |= {OF_TASK_TYPES["PUT"], OF_TASK_TYPES["DELETE"]}
STRANGERS = ("none", "unknown", "expired", "revoked")
SCOPES = {scope.value: f"{scope[0]}:{scope.value.partition(':')[2][:2]}" for scope in Scope}
COLUMNS: Mapping[str, str] = {
    "none": "none",
    "unknown": "unkn",
    "expired": "exp.",
    "revoked": "rev.",
    "other tenant": "tnt2",
    **SCOPES,
    "other workflow": "wf2",
    "job token": "job",
    "token": "tok.",
    "right": "all",
}
"""What a column sends, and its heading."""
LEGEND = (
    "none: no credentials. unkn, exp., rev.: an unknown, an expired, a revoked key.",
    "tnt2: another tenant's key with all scopes. wf2: a key with all scopes, granted another workflow.",
    f"{', '.join(SCOPES.values())}: a key with this one scope of {', '.join(SCOPES)}.",
    "job: a token that reads one execution. all: the right key, with all scopes. tok.: an access token for that key.",
)


@dataclass(frozen=True)
class World:
    """What there is in the tenant, and what each column of the matrix sends."""

    owner: Api
    keys: DynamoApiKeyStore
    workflow: str
    execution: str
    webhook: str
    trigger: str
    key: str
    connection: str
    receiver_url: str
    credentials: Mapping[str, str | None]

    def fill(self, path: str, **fresh: str) -> str:
        there = {
            "workflow_id": self.workflow,
            "execution_id": self.execution,
            "external_id": self.execution,
            "webhook_id": self.webhook,
            "trigger_id": self.trigger,
            "delivery_id": spell_delivery(read_run_id(self.execution)),
            "key_id": self.key,
            "file_name": min(FILES),
            "connection": "sales",
            "ref": "a",
            "name": "Matrix.Echo",
            "dataset": "stores",
        }
        return re.sub(r"<(\w+)>", lambda found: (there | fresh)[found[1]], path)


@pytest.fixture(scope="module")
def world(stack: LocalStack, receiver: WebServer) -> World:
    keys = DynamoApiKeyStore(boto3.client("dynamodb"), stack.deployment.names["WorkflowsTable"])
    owner = Api(stack.url, "sc_right")
    stored = key_columns()
    for key in stored.values():
        keys.put(key)
    keys.delete(TENANT, stored["revoked"].key_id)
    workflow = owner.define(**ECHO)
    execution = owner.run(workflow)["execution_id"]
    owner("POST", f"/workflows/{workflow}/api-access")
    connection = owner("POST", "/connections", {"name": "sales"}).json["connectionId"]
    put_dataset(owner, "sales", "stores")
    assert owner("PUT", "/task-types/Matrix.Echo", ECHO_TYPE).status == 201
    keys.put(api_key("sc_key_to_look_at", TENANT))
    shared = owner("POST", f"/workflows/{workflow}/executions/{execution}/token")
    exchanged = owner("POST", "/oauth/token", token_request("sc_right"))
    credentials: dict[str, str | None] = {column: f"sc_{column.replace(' ', '_')}" for column in COLUMNS}
    credentials |= {"none": None, "job token": shared.json["token"], "token": exchanged.json["access_token"]}
    webhook, trigger = make_webhook(owner, workflow), make_trigger(owner, workflow)
    url = receiver.serve("/matrix", answer_with(204))
    looked_at = spell_of("sc_key_to_look_at")
    return World(owner, keys, workflow, execution, webhook, trigger, looked_at, connection, url, credentials)


def make_webhook(api: Api, workflow: str) -> str:
    made: str = api("POST", f"/workflows/{workflow}/webhooks", {"url": "https://example.com/"}).json["webhook_id"]
    return made


def make_trigger(api: Api, workflow: str) -> str:
    made: str = api("POST", f"/workflows/{workflow}/triggers", HOURLY).json["trigger_id"]
    return made


def put_dataset(api: Api, connection: str, dataset: str) -> None:
    path = f"/connections/{connection}/datasets/{dataset}"
    answer = api("PUT", path, raw=CSV, headers={"content-type": "text/csv"})
    assert answer.status == 201, answer.text


def key_columns() -> dict[str, ApiKey]:
    """The keys of the table by the column that sends them; the others are no keys."""
    elsewhere = Grants(frozenset({UUID(int=7 << 76)}))
    keys = {
        "expired": api_key("sc_expired", TENANT, expires_at=datetime.now(UTC) - timedelta(seconds=1)),
        "revoked": api_key("sc_revoked", TENANT),
        "other tenant": api_key("sc_other_tenant", "elsewhere"),
        "other workflow": api_key("sc_other_workflow", TENANT, grants=elsewhere),
        "right": api_key("sc_right", TENANT),
    }
    return keys | {scope: api_key(f"sc_{scope}", TENANT, scopes=frozenset({Scope(scope)})) for scope in SCOPES}


def spell_of(text: str) -> str:
    return spell_api_key(api_key(text).key_id)


def token_request(text: str | None) -> dict[str, str]:
    return {"grant_type": "client_credentials", "client_id": spell_of(text or ""), "client_secret": text or ""}


def expected(route: str, column: str) -> tuple[int, str | None]:
    """The status, and the problem that is told with it."""
    success, needed = (SUCCESS.get(route, 200), None), ACCESS[route]
    if route in TOKEN_ROUTES:
        return (401, None) if column in {*STRANGERS, "job token", "token"} else success
    if needed is None:
        return success
    if column in STRANGERS:
        return 401, "unauthenticated"
    if needed not in scopes_of(column):
        return 403, "missing-scope"
    return refused_by_grants(route, column) or success


def scopes_of(column: str) -> frozenset[Scope]:
    if column == "job token":
        return frozenset({Scope.RUNS_READ})
    return frozenset({Scope(column)}) if column in SCOPES else ALL_SCOPES


def refused_by_grants(route: str, column: str) -> tuple[int, str] | None:
    """Who has the scope, and reaches other things."""
    names_something = "_id>" in route or "<connection>" in route
    is_own_type = route in {OF_TASK_TYPES["GET"], OF_TASK_TYPES["DELETE"]}
    if column == "other tenant" and (names_something or is_own_type):
        return 404, not_found(route)
    if column == "other workflow" and (names_something or route in BEYOND_GRANTS):
        return 403, "not-granted"
    return (403, "not-granted") if column == "job token" and route not in READS_ONE_RUN else None


def not_found(route: str) -> str:
    """Whose id is looked for first."""
    if "<key_id>" in route:
        return "api-key-not-found"
    if "/task-types" in route:
        return "task-type-not-found"
    if "<connection>" in route:
        return "connection-not-found"
    return "execution-not-found" if "<execution_id>" in route or "<external_id>" in route else "workflow-not-found"


def ask(world: World, route: str, column: str) -> Answer:
    method, path = route.split()
    credential = world.credentials[column]
    fresh = made_for(world, route) if expected(route, column)[0] == SUCCESS.get(route) else {}
    sent = {"authorization": f"Bearer {credential}"} if credential else {}
    api, filled = Api(world.owner.url, None), world.fill(path, **fresh)
    if route == PUT_DATASET:
        return api(method, filled, raw=CSV, headers=sent | {"content-type": "text/csv"})
    body = token_request(credential) if route in TOKEN_ROUTES else BODIES.get(route)
    if route == "POST /connections":
        body = {"name": f"made_for_{column}".translate({ord(" "): "_", ord(":"): "_"})}
    return api(method, filled, body, headers=sent)


def made_for(world: World, route: str) -> dict[str, str]:
    """Something of their own for those who may make, end or delete it."""
    if route in OF_A_WORKFLOW_OF_ITS_OWN:
        return {"workflow_id": world.owner.define(**ECHO)}
    if route == REDELIVER:
        return run_that_calls_back(world)
    if route.startswith(DECIDE):
        return run_that_asks(world)
    if route.endswith(("/cancel", "/resume")):
        slow = world.owner.define(**SLOW)
        execution_id = world.owner("POST", f"/workflows/{slow}/execute").json["execution_id"]
        if route.endswith("/resume"):
            world.owner("POST", f"/workflows/{slow}/executions/{execution_id}/cancel")
        return {"workflow_id": slow, "execution_id": execution_id}
    return made_type(world, route) if route in OF_TASK_TYPES.values() else made_to_delete(world, route)


def run_that_asks(world: World) -> dict[str, str]:
    """One whose task awaits a decision."""
    asking = world.owner.define(tasks=[{"ref": "a", "type": "Flow.Approval", "input": {"message": "Go on?"}}])
    execution_id = world.owner("POST", f"/workflows/{asking}/execute").json["execution_id"]
    path, deadline = f"/workflows/{asking}/executions/{execution_id}", time.monotonic() + 10
    while "awaiting" not in world.owner("GET", path).json["tasks"][0]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return {"workflow_id": asking, "execution_id": execution_id}


def run_that_calls_back(world: World) -> dict[str, str]:
    """One whose delivery has ended."""
    path, sent = f"/workflows/{world.workflow}/execute", {"webhook_url": world.receiver_url}
    execution = world.owner("POST", path, sent, headers={"prefer": "wait=25"}).json
    [delivery] = deliveries_of(world.owner, execution, 1)
    return {"execution_id": execution["execution_id"], "delivery_id": delivery["delivery_id"]}


def made_type(world: World, route: str) -> dict[str, str]:
    """One to delete, or a name that none has."""
    if route == OF_TASK_TYPES["DELETE"]:
        assert world.owner("PUT", "/task-types/Matrix.ToDelete", ECHO_TYPE).status == 201
        return {"name": "Matrix.ToDelete"}
    return {"name": f"Matrix.New{uuid4().hex[:12]}"} if route == OF_TASK_TYPES["PUT"] else {}


def made_to_delete(world: World, route: str) -> dict[str, str]:
    if route == DELETE_WEBHOOK:
        return {"webhook_id": make_webhook(world.owner, world.workflow)}
    if route == DELETE_TRIGGER:
        return {"trigger_id": make_trigger(world.owner, world.workflow)}
    if route == "DELETE /api-keys/<key_id>":
        return {"key_id": world.owner("POST", "/api-keys", BODIES["POST /api-keys"]).json["key_id"]}
    if route == "DELETE /connections/<connection>":
        assert world.owner("POST", "/connections", {"name": "to_delete"}).status == 201
        return {"connection": "to_delete"}
    if route == DELETE_DATASET:
        put_dataset(world.owner, "sales", "to_delete")
        return {"dataset": "to_delete"}
    return {}


@pytest.fixture(scope="module")
def rows(tell: Tell) -> Iterator[dict[str, list[int]]]:
    """The statuses of each route, told when all have been asked for."""
    asked: dict[str, list[int]] = {}
    yield asked
    tell("Who is answered what: routes × credentials", [*table(asked), *LEGEND])


def table(rows: Mapping[str, list[int]]) -> list[str]:
    width = max(len(route) for route in rows)
    lines = [f"{'':{width}}  {'  '.join(f'{heading:4}' for heading in COLUMNS.values())}"]
    return lines + [f"{route:{width}}  {'  '.join(f'{status:<4}' for status in rows[route])}" for route in rows]


def test_every_route_is_declared() -> None:
    assert set(ROUTES) == ACCESS.keys()


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_answers_each_credential_as_it_is_declared(
    world: World, rows: dict[str, list[int]], route: str
) -> None:
    answers = {column: ask(world, route, column) for column in COLUMNS}
    rows[route] = [answer.status for answer in answers.values()]
    assert {column: told(answer) for column, answer in answers.items()} == {
        column: expected(route, column) for column in COLUMNS
    }


def told(answer: Answer) -> tuple[int, str | None]:
    if answer.headers.get("content-type") != "application/problem+json":
        return answer.status, None
    assert answer.json["status"] == answer.status
    return answer.status, answer.json["type"].removeprefix("urn:stepcall:problem:")


LISTS: Mapping[str, Callable[[Any], list[str]]] = {
    "/workflows": lambda body: [each["workflow_id"] for each in body["workflows"]],
    "/api-keys": lambda body: [each["key_id"] for each in body["api_keys"]],
    "/connections": lambda body: [each["connectionId"] for each in body["connections"]],
}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("column", ["other tenant", "other workflow"])
def test_a_list_shows_nothing_that_is_another_tenants_or_not_granted(world: World, path: str, column: str) -> None:
    shown = LISTS[path](Api(world.owner.url, world.credentials[column])("GET", f"{path}?limit=100").json)
    own = LISTS[path](world.owner("GET", f"{path}?limit=100").json)
    own_things = {world.workflow, world.key, world.connection}
    assert own_things & set(own)
    assert not own_things & set(shown)
    assert column == "other workflow" or not set(own) & set(shown)


def test_a_key_that_is_granted_the_workflow_reaches_it_and_its_executions(world: World) -> None:
    granted = Grants(frozenset({read_workflow_id(world.workflow)}))
    world.keys.put(api_key("sc_granted", TENANT, grants=granted))
    api = Api(world.owner.url, "sc_granted")
    for path in (
        f"/workflows/{world.workflow}",
        f"/workflows/{world.workflow}/executions",
        f"/workflows/{world.workflow}/executions/{world.execution}",
        f"/jobs/{world.execution}",
    ):
        assert api("GET", path).status == 200, path
    assert api("POST", f"/workflows/{world.workflow}/execute").status == 202
