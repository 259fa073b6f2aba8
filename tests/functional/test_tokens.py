"""Tokens over HTTP: how they are got, what they open, and what they never do. RFC 6749, section 4.4."""

import json
import logging
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import boto3
import jwt
import pytest

from local.seed import API_KEY, KEY_ID
from local.stack import LocalStack
from stepcall.domain.access import ALL_SCOPES, Grants, Scope
from stepcall.domain.claims import write_scopes
from stepcall.domain.ids import read_run_id, read_workflow_id, spell_api_key, spell_later_execution
from stepcall.runtime import wiring
from stepcall.stores.api_key_store import ApiKey
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from tests.api_keys import api_key
from tests.functional.conftest import Answer, Api
from tests.functional.everything_logged import everything_logged

CLIENT_ID = spell_api_key(KEY_ID)
CREDENTIALS = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": API_KEY}
FORM = {"content-type": "application/x-www-form-urlencoded"}
PATHS = ["/oauth/token", "/api/v0/oauth2/token"]


@pytest.fixture
def nobody(stack: LocalStack) -> Api:
    """A client that sends no key of its own accord."""
    return Api(stack.url, None)


@pytest.fixture
def keys(stack: LocalStack) -> DynamoApiKeyStore:
    return DynamoApiKeyStore(boto3.client("dynamodb"), stack.deployment.names["WorkflowsTable"])


@pytest.fixture
def execution(api: Api) -> Any:
    """A finished execution."""
    task = {"ref": "only", "type": "Data.Transform", "input": {"expression": "$", "data": 1}}
    result = {"name": "result", "type": "number", "value": "{{refs.only.output.result}}"}
    return api.run(api.define(tasks=[task], output=[result]))


def basic(key_id: str = CLIENT_ID, secret: str = API_KEY) -> dict[str, str]:
    return {"authorization": f"Basic {b64encode(f'{key_id}:{secret}'.encode()).decode()}"}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def ask(
    nobody: Api,
    path: str = PATHS[0],
    headers: dict[str, str] | None = None,
    asked: Mapping[str, str] = CREDENTIALS,
    **changed: str,
) -> Answer:
    """By form; what is changed to nothing is left out."""
    fields = {name: value for name, value in {**asked, **changed}.items() if value}
    return nobody("POST", path, raw=urlencode(fields).encode(), headers=FORM | (headers or {}))


def token_of(nobody: Api, key: ApiKey, text: str) -> str:
    answer = ask(nobody, client_id=spell_api_key(key.key_id), client_secret=text)
    assert answer.status == 200, answer.text
    return str(answer.json["access_token"])


def share(api: Api, execution: Any, headers: dict[str, str] | None = None) -> Answer:
    path = f"/workflows/{execution['workflow_id']}/executions/{execution['execution_id']}/token"
    return api("POST", path, headers=headers)


@pytest.mark.parametrize("path", PATHS)
def test_a_key_is_exchanged_by_basic_by_form_and_by_json(nobody: Api, path: str) -> None:
    answers = [
        ask(nobody, path),
        ask(nobody, path, basic(), client_id="", client_secret=""),
        nobody("POST", path, CREDENTIALS),
        nobody("POST", path, {"grant_type": "client_credentials"}, headers=basic()),
    ]
    for answer in answers:
        assert answer.status == 200, answer.text
        told = {name: value for name, value in answer.json.items() if name != "access_token"}
        assert told == {"token_type": "Bearer", "expires_in": 3600, "scope": write_scopes(ALL_SCOPES)}
        assert answer.headers["cache-control"] == "no-store"
        assert nobody("GET", "/workflows", headers=bearer(answer.json["access_token"])).status == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"client_secret": "sc_wrong"}, 401, "invalid_client"),
        ({"client_id": "key_wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"scope": "everything"}, 400, "invalid_scope"),
    ],
)
def test_refusals_are_those_of_the_rfc(
    nobody: Api, path: str, changed: dict[str, str], status: int, error: str
) -> None:
    answer = ask(nobody, path, asked=CREDENTIALS | changed)
    assert (answer.status, answer.json["error"]) == (status, error)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_a_body_that_is_too_large_is_refused_before_it_is_read(nobody: Api) -> None:
    answer = nobody("POST", PATHS[0], raw=b"a=" + b"x" * 1_100_000, headers=FORM)
    assert answer.status == 413


def test_a_token_is_taken_by_all_three_carriers(nobody: Api) -> None:
    token = ask(nobody).json["access_token"]
    carriers: list[tuple[str, dict[str, str]]] = [
        ("/workflows", bearer(token)),
        ("/workflows", {"x-api-key": token}),
        (f"/workflows?access_token={token}", {}),
    ]
    for path, headers in carriers:
        assert nobody("GET", path, headers=headers).status == 200
    assert nobody("GET", f"/workflows?access_token={token}x").status == 401


def test_a_token_is_no_secret_to_get_another_by(nobody: Api) -> None:
    token = ask(nobody).json["access_token"]
    assert ask(nobody, client_secret=token).status == 401


def test_a_narrowed_token_does_what_it_was_asked_for_and_no_more(nobody: Api) -> None:
    answer = ask(nobody, scope="workflows:read")
    assert answer.json["scope"] == "workflows:read"
    headers = bearer(answer.json["access_token"])
    assert nobody("GET", "/workflows", headers=headers).status == 200
    refused = nobody("POST", "/workflows", {"name": "x", "tasks": []}, headers=headers)
    assert (refused.status, refused.json["type"]) == (403, "urn:stepcall:problem:missing-scope")


def test_a_token_has_the_scopes_and_the_grants_of_its_key(
    api: Api, nobody: Api, keys: DynamoApiKeyStore, execution: Any
) -> None:
    text = f"sc_{uuid4().hex}"
    granted = Grants(frozenset({read_workflow_id(execution["workflow_id"])}))
    key = api_key(text, "local", key_id=wiring.new_id(), scopes=frozenset({Scope.WORKFLOWS_READ}), grants=granted)
    keys.put(key)
    headers = bearer(token_of(nobody, key, text))
    other = api.define(tasks=[{"ref": "a", "type": "Data.Transform", "input": {"expression": "1", "data": 1}}])
    assert nobody("GET", f"/workflows/{execution['workflow_id']}", headers=headers).status == 200
    assert nobody("GET", f"/workflows/{other}", headers=headers).status == 403
    assert nobody("DELETE", f"/workflows/{execution['workflow_id']}", headers=headers).status == 403
    beyond = ask(nobody, client_id=spell_api_key(key.key_id), client_secret=text, scope="keys:manage")
    assert (beyond.status, beyond.json["error"]) == (400, "invalid_scope")


def test_a_token_of_another_tenant_finds_nothing(nobody: Api, keys: DynamoApiKeyStore, execution: Any) -> None:
    text = f"sc_{uuid4().hex}"
    key = api_key(text, "other", key_id=wiring.new_id())
    keys.put(key)
    headers = bearer(token_of(nobody, key, text))
    assert nobody("GET", f"/jobs/{execution['externalId']}", headers=headers).status == 404
    assert share(nobody, execution, headers).status == 404


@pytest.fixture
def forgetting() -> Callable[[], None]:
    """What a minute does to a process: it looks again at keys and at what tokens are signed with."""

    def forget() -> None:
        for remembered in (wiring.authenticator, wiring.known_keys, wiring.tokens, wiring.token_keys):
            remembered.cache_clear()

    return forget


def test_tokens_of_a_revoked_key_are_refused(
    nobody: Api, keys: DynamoApiKeyStore, execution: Any, forgetting: Callable[[], None]
) -> None:
    text = f"sc_{uuid4().hex}"
    key = api_key(text, "local", key_id=wiring.new_id())
    keys.put(key)
    headers = bearer(token_of(nobody, key, text))
    shared = bearer(share(nobody, execution, headers).json["token"])
    assert nobody("GET", "/workflows", headers=headers).status == 200
    keys.delete("local", key.key_id)
    forgetting()
    assert nobody("GET", "/workflows", headers=headers).status == 401
    assert nobody("GET", f"/jobs/{execution['externalId']}", headers=shared).status == 401
    assert ask(nobody, client_id=spell_api_key(key.key_id), client_secret=text).status == 401


def test_a_job_token_reads_its_run_by_every_spelling(api: Api, nobody: Api, execution: Any) -> None:
    answer = share(api, execution)
    assert answer.status == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json.keys() == {"token", "expires_at"}
    headers, run_id = bearer(answer.json["token"]), read_run_id(execution["execution_id"])
    later = spell_later_execution(run_id)
    for spelling in (execution["execution_id"], later, execution["externalId"], str(run_id)):
        path = f"/workflows/{execution['workflow_id']}/executions/{spelling}"
        found = nobody("GET", path, headers=headers)
        assert (found.status, found.json["status"]) == (200, "COMPLETED")
        job = nobody("GET", f"/jobs/{spelling}", headers=headers)
        assert (job.status, job.json["status"]) == (200, {"state": "DONE"})
    carried = nobody("GET", f"/jobs/{execution['externalId']}?access_token={answer.json['token']}")
    assert carried.status == 200


def test_a_job_token_does_nothing_else(api: Api, nobody: Api, execution: Any) -> None:
    headers = bearer(share(api, execution).json["token"])
    workflow = f"/workflows/{execution['workflow_id']}"
    another = api.run(execution["workflow_id"])
    refused = [
        ("GET", f"{workflow}/executions/{another['execution_id']}", None),
        ("GET", f"/jobs/{another['externalId']}", None),
        ("GET", f"{workflow}/executions", None),
        ("GET", workflow, None),
        ("GET", f"{workflow}/versions", None),
        ("GET", "/workflows", None),
        ("GET", "/task-types", None),
        ("GET", "/api-keys", None),
        ("POST", f"{workflow}/execute", {}),
        ("POST", f"{workflow}/executions", {}),
        ("POST", f"{workflow}/executions/{execution['execution_id']}/cancel", None),
        ("POST", f"{workflow}/executions/{execution['execution_id']}/token", None),
        ("POST", f"{workflow}/executions/{another['execution_id']}/token", None),
        ("PUT", workflow, {"name": "x", "tasks": []}),
        ("DELETE", workflow, None),
        ("POST", "/workflows", {"name": "x", "tasks": []}),
        ("POST", "/api-keys", {"name": "x", "scopes": ["runs:read"]}),
    ]
    got = {f"{method} {path}": nobody(method, path, body, headers=headers).status for method, path, body in refused}
    assert got == dict.fromkeys(got, 403)
    absent = nobody("GET", f"/jobs/{uuid4()}", headers=headers)
    assert absent.status == 404


def test_an_execution_that_is_not_there_is_not_shared(api: Api, execution: Any) -> None:
    other = api.define(tasks=[{"ref": "a", "type": "Data.Transform", "input": {"expression": "1", "data": 1}}])
    assert share(api, execution | {"workflow_id": other}).status == 404
    assert share(api, execution | {"execution_id": str(uuid4())}).status == 404


def test_tokens_outlive_one_rotation_of_the_key_and_not_two(
    stack: LocalStack, nobody: Api, forgetting: Callable[[], None]
) -> None:
    first = ask(nobody).json["access_token"]
    rotate(stack)
    forgetting()
    second = ask(nobody).json["access_token"]
    assert kid_of(first) != kid_of(second)
    assert [nobody("GET", "/workflows", headers=bearer(token)).status for token in (first, second)] == [200, 200]
    rotate(stack)
    forgetting()
    assert [nobody("GET", "/workflows", headers=bearer(token)).status for token in (first, second)] == [401, 200]


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def rotate(stack: LocalStack) -> None:
    """As Secrets Manager does it: it puts a version that is pending, and invokes the function four times."""
    client, secret_arn = boto3.client("secretsmanager"), stack.deployment.names["TokenKeySecret"]
    pending = [
        version
        for version, stages in client.describe_secret(SecretId=secret_arn)["VersionIdsToStages"].items()
        if "AWSPENDING" in stages
    ]
    for version in pending:  # AWS takes the label when AWSCURRENT moves, and moto does not
        client.update_secret_version_stage(SecretId=secret_arn, VersionStage="AWSPENDING", RemoveFromVersionId=version)
    client.rotate_secret(
        SecretId=secret_arn,
        RotationLambdaARN=stack.deployment.names["RotateTokenKeyFunction"],
        RotationRules={"AutomaticallyAfterDays": 30},
    )


def test_no_secret_and_no_token_is_ever_logged(
    stack: LocalStack, api: Api, nobody: Api, execution: Any, forgetting: Callable[[], None]
) -> None:
    forgetting()
    with everything_logged() as said:
        token = ask(nobody).json["access_token"]
        nobody("POST", PATHS[1], {"grant_type": "client_credentials"}, headers=basic())
        ask(nobody, client_secret="sc_wrong_secret")
        nobody(
            "POST", PATHS[0], raw=b'{"client_secret": "sc_broken_secret', headers={"content-type": "application/json"}
        )
        ask(nobody, headers=basic(), grant_type="password")
        nobody("GET", f"/workflows?access_token={token}")
        nobody("GET", f"/workflows?access_token={token}x")
        nobody("GET", "/workflows", headers=bearer(f"{token}y"))
        shared = share(api, execution).json["token"]
        rotate(stack)
        logging.getLogger("stepcall").info("a fact that is logged")
    text = "\n".join(said)
    assert "a fact that is logged" in text
    assert "token_key_rotated" in text
    signing = boto3.client("secretsmanager").get_secret_value(SecretId=stack.deployment.names["TokenKeySecret"])
    secrets = [API_KEY, token, shared, "sc_wrong_secret", "sc_broken_secret", basic()["authorization"].split()[1]]
    for secret in [*secrets, signing["SecretString"]]:
        assert secret not in text
        assert json.dumps(secret)[1:-1] not in text
