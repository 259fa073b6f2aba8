"""A workflow's other name, over HTTP: claimed, refused, freed. Contract: amperity.md, "Start: request"."""

import uuid
from collections import Counter
from functools import partial

import boto3
import pytest

from local.seed import TENANT
from local.stack import LocalStack
from stepcall.domain.access import Grants
from stepcall.domain.ids import read_workflow_id, spell_workflow
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from stepcall.stores.dynamo_workflow_store import DynamoWorkflowStore
from stepcall.stores.workflow_store import WorkflowNotFoundError
from tests.api_keys import api_key
from tests.functional.conftest import Answer, Api
from tests.functional.test_workflow_versions import at_once, definition


@pytest.fixture
def config_id() -> str:
    """One that no other test has."""
    return f"cg-{uuid.uuid4().hex}"


@pytest.fixture
def workflows(stack: LocalStack, api: Api) -> DynamoWorkflowStore:
    api("GET", "/health")
    return DynamoWorkflowStore(boto3.client("dynamodb"), stack.deployment.names["WorkflowsTable"])


def define(api: Api, config_id: str | None = None, name: str = "test") -> str:
    """The path of a new workflow."""
    created = api("POST", "/workflows", definition(name=name, **({"config_id": config_id} if config_id else {})))
    assert created.status == 201, created.text
    return created.headers["location"]


def owner(workflows: DynamoWorkflowStore, config_id: str) -> str | None:
    """The path of the workflow that has it."""
    try:
        return f"/workflows/{spell_workflow(workflows.find_config_id(TENANT, config_id))}"
    except WorkflowNotFoundError:
        return None


def assert_taken(refused: Answer, config_id: str, owner: str) -> None:
    """`owner` is the path of the workflow that has it."""
    assert (refused.status, refused.json["type"]) == (409, "urn:stepcall:problem:config-id-taken")
    assert refused.headers["content-type"] == "application/problem+json"
    [problem] = refused.json["errors"]
    assert (problem["location"], problem["code"]) == ("/config_id", "config_id_taken")
    has_it = f"The workflow `{owner.removeprefix('/workflows/')}` has this config_id"
    assert problem["message"] == f"{has_it}."
    assert refused.json["detail"].startswith(f"{has_it}, and nothing was stored. Choose another one, or free it")
    assert config_id not in refused.text


def test_a_config_id_is_shown_and_is_its_workflows(api: Api, workflows: DynamoWorkflowStore, config_id: str) -> None:
    path = define(api, config_id)
    assert api("GET", path).json["config_id"] == config_id
    assert owner(workflows, config_id) == path
    assert "config_id" not in api("GET", define(api)).json


def test_a_config_id_that_another_workflow_has_is_refused_and_nothing_is_stored(
    api: Api, workflows: DynamoWorkflowStore, config_id: str
) -> None:
    path, other = define(api, config_id), define(api)
    name = f"refused {config_id}"
    assert_taken(api("POST", "/workflows", definition(name=name, config_id=config_id)), config_id, path)
    assert api("GET", f"/workflows?name={config_id}").json == {"workflows": []}
    assert_taken(api("PUT", other, definition(2, config_id=config_id)), config_id, path)
    assert api("GET", other).json["workflow_version"] == 1
    assert owner(workflows, config_id) == path


def test_a_workflow_that_keeps_its_config_id_may_change(
    api: Api, workflows: DynamoWorkflowStore, config_id: str
) -> None:
    path = define(api, config_id)
    assert api("PUT", path, definition(2, config_id=config_id)).json["workflow_version"] == 2
    assert owner(workflows, config_id) == path


@pytest.mark.parametrize("freed_by", ["another one", "none", "deletion"])
def test_a_config_id_that_its_workflow_gives_up_is_free(
    api: Api, workflows: DynamoWorkflowStore, config_id: str, freed_by: str
) -> None:
    path = define(api, config_id)
    match freed_by:
        case "another one":
            assert api("PUT", path, definition(config_id=f"{config_id}-2")).status == 200
            assert owner(workflows, f"{config_id}-2") == path
        case "none":
            assert api("PUT", path, definition()).status == 200
        case _:
            assert api("DELETE", path).status == 204
    assert owner(workflows, config_id) is None
    heir = define(api, config_id)
    assert owner(workflows, config_id) == heir != path


def test_of_workflows_that_claim_one_config_id_at_once_one_has_it(
    api: Api, workflows: DynamoWorkflowStore, config_id: str
) -> None:
    paths = [define(api) for _ in range(3)]
    document = definition(2, config_id=config_id)
    claims = [partial(api, "PUT", path, document) for path in paths]
    claims += [partial(api, "POST", "/workflows", document)] * 3
    answers = at_once(claims)
    assert Counter(answer.status // 100 for answer in answers) == {2: 1, 4: 5}
    [winner] = [answer.json["workflow_id"] for answer in answers if answer.status < 300]
    for refused in (answer for answer in answers if answer.status >= 300):
        assert_taken(refused, config_id, f"/workflows/{winner}")
    assert owner(workflows, config_id) == f"/workflows/{winner}"


def test_a_list_shows_type_and_config_id_of_a_workflow_that_has_them(api: Api, config_id: str) -> None:
    document = definition(name=config_id, config_id=config_id, type="courier.group/run")
    path = api("POST", "/workflows", document).headers["location"]
    [shown] = api("GET", f"/workflows?name={config_id}").json["workflows"]
    assert (shown["config_id"], shown["type"]) == (config_id, "courier.group/run")
    assert api("PUT", path, definition(2, name=config_id)).status == 200
    [shown] = api("GET", f"/workflows?name={config_id}").json["workflows"]
    assert {"config_id", "type"}.isdisjoint(shown)


def test_who_is_granted_a_workflow_claims_no_config_id_and_learns_of_none(
    stack: LocalStack, api: Api, workflows: DynamoWorkflowStore, config_id: str
) -> None:
    path, others = define(api), define(api, config_id)
    keys = DynamoApiKeyStore(boto3.client("dynamodb"), stack.deployment.names["WorkflowsTable"])
    granted = Grants(frozenset({read_workflow_id(path.removeprefix("/workflows/"))}))
    keys.put(api_key("sc_of_one_workflow", TENANT, "narrowed", grants=granted))
    narrowed = Api(stack.url, "sc_of_one_workflow")
    answers = [narrowed("PUT", path, definition(2, config_id=claimed)) for claimed in (config_id, f"{config_id}-free")]
    told = [{name: text for name, text in answer.json.items() if name != "instance"} for answer in answers]
    assert told[0] == told[1]
    assert (answers[0].status, told[0]["type"]) == (403, "urn:stepcall:problem:not-granted")
    assert "may not claim another `config_id`" in told[0]["detail"]
    assert narrowed("POST", "/workflows/validate", definition(config_id=config_id)).json["warnings"] == []
    assert owner(workflows, config_id) == others
    assert api("GET", path).json["workflow_version"] == 1


def test_a_dry_run_claims_nothing_and_only_warns_of_what_others_have(
    api: Api, workflows: DynamoWorkflowStore, config_id: str
) -> None:
    document = definition(config_id=config_id)
    told = api("POST", "/workflows/validate", document).json
    assert (told["valid"], told["warnings"]) == (True, [])
    assert owner(workflows, config_id) is None
    path = define(api, config_id)
    told = api("POST", "/workflows/validate", document).json
    [warning] = told["warnings"]
    assert (told["valid"], warning["location"], warning["code"]) == (True, "/config_id", "config_id_taken")
    assert path.removeprefix("/workflows/") in warning["message"]


def test_another_tenant_may_have_the_same_config_id(
    stack: LocalStack, api: Api, workflows: DynamoWorkflowStore, config_id: str
) -> None:
    keys = DynamoApiKeyStore(boto3.client("dynamodb"), stack.deployment.names["WorkflowsTable"])
    keys.put(api_key("sc_of_another_tenant", "another", "another"))
    mine, theirs = define(api, config_id), define(Api(stack.url, "sc_of_another_tenant"), config_id)
    assert owner(workflows, config_id) == mine != theirs
    assert workflows.find_config_id("another", config_id) == read_workflow_id(theirs.removeprefix("/workflows/"))
