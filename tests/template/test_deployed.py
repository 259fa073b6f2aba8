"""What moto's CloudFormation makes of the template: the local stack is built this way."""

import json
import re
from typing import Any

import pytest

from stepcall.runtime.settings import FirstKeySettings
from tests.template.conditions import decide
from tests.template.deployed_stack import Deployed
from tests.template.sam_template import Template, folder_of, functions_of, read_template, transform
from tests.template.world import API_KEY_SECRET, FUNCTION_ARNS, REQUEST_SECRETS, STACK, World

FUNCTIONS = functions_of(transform(read_template()))
NOT_MADE_BY_MOTO = [
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::S3::BucketPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SecretsManager::RotationSchedule",
]


def test_moto_makes_everything_but_what_it_is_known_not_to(deployed: Deployed) -> None:
    assert deployed.skipped == NOT_MADE_BY_MOTO


@pytest.mark.parametrize("key", ["true", "false"])
def test_every_resource_of_a_type_that_moto_knows_is_created(world: World, transformed: Template, key: str) -> None:
    made = world.deployed if key == "true" else world.without_key
    secret = API_KEY_SECRET if key == "true" else ""
    chosen = {"FirstApiKey": key, "OpenAiApiKeySecretArn": secret, "HttpSecretArns": secret}
    chosen["InvokableFunctionArns"] = ",".join(FUNCTION_ARNS) if key == "true" else ""
    expected = decide(transformed, chosen)["Resources"]
    assert set(made.created) == {name for name, told in expected.items() if told["Type"] not in NOT_MADE_BY_MOTO}


@pytest.mark.parametrize("logical_id", sorted(FUNCTIONS))
def test_a_function_is_told_only_of_what_exists(deployed: Deployed, transformed: Template, logical_id: str) -> None:
    variables = deployed.functions[logical_id]["Environment"]["Variables"]
    written = decide(transformed, {})["Resources"][logical_id]["Properties"]["Environment"]["Variables"]
    naming = {name for name, value in written.items() if names_a_resource(value, transformed)}
    naming |= {name for name, value in variables.items() if str(value).startswith("arn:")}
    assert {"RUNS_TABLE", "WORKFLOWS_TABLE", "DATA_BUCKET"} <= naming
    existing = {
        *deployed.existing,
        API_KEY_SECRET,
        ",".join(REQUEST_SECRETS),
        ",".join(FUNCTION_ARNS),
    }  # the deployer's own
    assert {name: variables[name] for name in naming if variables[name] not in existing} == {}


def names_a_resource(value: Any, template: Template) -> bool:
    """Whether a value as it is written refers to something of the template, by Ref, GetAtt or Sub."""
    found = re.findall(r"\w+", json.dumps(value)) if isinstance(value, dict) else []
    return not template["Resources"].keys().isdisjoint(found)


def test_tables_come_out_with_their_indexes_and_stream(deployed: Deployed) -> None:
    runs, workflows = deployed.tables["RunsTable"], deployed.tables["WorkflowsTable"]
    assert runs["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert runs["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert [i["IndexName"] for i in runs["GlobalSecondaryIndexes"]] == ["by_workflow", "by_tenant", "open_runs"]
    assert [i["IndexName"] for i in workflows["GlobalSecondaryIndexes"]] == ["by_tenant"]


def test_functions_come_out_with_their_roles_and_variables(deployed: Deployed, transformed: Template) -> None:
    for logical_id, written in functions_of(transformed).items():
        made = deployed.functions[logical_id]
        role_id, _ = written["Role"]["Fn::GetAtt"]
        assert made["Role"].endswith(f":role/{deployed.names[role_id]}")
        assert made["Handler"] == f"{folder_of(written)}.app.lambda_handler"
        assert made["Environment"]["Variables"].keys() == written["Environment"]["Variables"].keys()
        assert made["Environment"]["Variables"]["RUNS_TABLE"] == deployed.names["RunsTable"]


def test_the_api_knows_the_functions_and_the_role_that_were_made(deployed: Deployed) -> None:
    variables = deployed.functions["WorkflowsApiFunction"]["Environment"]["Variables"]
    assert variables["FINISH_RUN_ARN"] == deployed.functions["FinishRunFunction"]["FunctionArn"]
    assert variables["STATE_MACHINE_ROLE_ARN"].endswith(f":role/{deployed.names['StateMachineRole']}")
    assert variables["STATE_MACHINE_PREFIX"] == STACK


def test_the_bucket_comes_out_encrypted(deployed: Deployed) -> None:
    # moto leaves the rest of a bucket's properties away; test_data.py has them as they are written
    [rule] = deployed.encryption["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_log_groups_and_the_queue_come_out(deployed: Deployed) -> None:
    assert set(deployed.retention_days.values()) == {30}
    assert f"/aws/lambda/{STACK}-finish-run" in deployed.retention_days
    assert deployed.queue["MessageRetentionPeriod"] == "1209600"


def test_the_first_key_can_be_taken_away(world: World) -> None:
    variables, without = (
        deployed.functions["WorkflowsApiFunction"]["Environment"]["Variables"]
        for deployed in (world.deployed, world.without_key)
    )
    assert variables["FIRST_API_KEY_SECRET_ARN"] == world.deployed.names["FirstApiKeySecret"]
    assert FirstKeySettings.from_env(without) == FirstKeySettings(secret_arn="", tenant="default")
    assert "FirstApiKeySecret" not in world.without_key.names
    read = [s for s in world.without_key.statements["WorkflowsApiRole"] if "secretsmanager" in str(s["Action"])]
    names = world.without_key.names
    assert [statement["Resource"] for statement in read] == [
        names[secret] for secret in ("TokenKeySecret", "ProviderKeysSecret", "WebhookSigningSecret")
    ]


def test_the_api_key_may_be_read_when_there_is_one(world: World) -> None:
    for deployed, key in ((world.deployed, [API_KEY_SECRET]), (world.without_key, [])):
        secrets = [s for s in deployed.statements["RunAiTaskRole"] if "secretsmanager" in str(s["Action"])]
        assert sorted(statement["Resource"] for statement in secrets) == sorted(
            [*key, deployed.names["ProviderKeysSecret"]]
        )
