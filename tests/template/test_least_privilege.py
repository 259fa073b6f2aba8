"""The AWS calls that functions make while they do all they do, held against their roles: all they need, and no more."""

import pytest

from tests.template.permissions import Permission, given_by
from tests.template.world import FUNCTION_ARNS, REQUEST_SECRETS, World

STREAM = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams")
OF_LAMBDA = ("logs:", "sqs:", *STREAM)  # what Lambda itself does in the function's name
OF_ONE_WORKER = ("secretsmanager:", "lambda:")  # test_permissions.py
ROLES = [
    *("WorkflowsApiRole", "CartoApiRole", "WaveApiRole", "AmperityApiRole"),
    *("RunDataTaskRole", "RunSqlTaskRole", "FinishRunRole", "RotateTokenKeyRole"),
    *("SweepRunsRole", "RecordExecutionStatusRole", "PublishRunEventsRole", "StartWaitingRunsRole"),
    *("DeliverWebhookRole", "StartTriggeredRunRole", "RunWorkflowTaskRole"),
]
MACHINES = "arn:aws:states:eu-central-1:123456789012:stateMachine"


def given(world: World, role_id: str) -> set[Permission]:
    permissions = given_by(world.deployed.statements[role_id])
    by_itself = world.deployed.names["InvalidEvents"].rpartition("/")[2]
    return {
        permission
        for permission in permissions
        if not permission.action.startswith(OF_LAMBDA) or permission.resource.endswith(f":{by_itself}")
    }


@pytest.mark.parametrize("role_id", ROLES)
def test_a_role_gives_all_that_its_function_needs(world: World, role_id: str) -> None:
    permissions = given(world, role_id)
    assert world.needed[role_id]
    assert [need for need in world.needed[role_id] if not any(p.gives(need) for p in permissions)] == []


@pytest.mark.parametrize("role_id", ROLES)
def test_a_role_gives_nothing_that_its_function_does_not_need(world: World, role_id: str) -> None:
    needed = world.needed[role_id]
    assert [permission for permission in given(world, role_id) if not any(permission.gives(n) for n in needed)] == []


@pytest.mark.parametrize("role_id", ["RunWebTaskRole", "RunAiTaskRole", "RunLambdaTaskRole"])
def test_workers_of_every_kind_have_the_same_permissions(world: World, role_id: str) -> None:
    # what they do of their own needs no AWS, but for the API key of language models
    shared = {permission for permission in given(world, role_id) if not permission.action.startswith(OF_ONE_WORKER)}
    assert shared == given(world, "RunDataTaskRole")


def test_what_asks_language_models_reads_the_secret_of_callers_keys_and_its_role_gives_it(world: World) -> None:
    needed = {permission for permission in world.needed["RunAiTaskRole"] if permission.action.startswith(OF_ONE_WORKER)}
    assert {need.resource for need in needed} == {world.deployed.names["ProviderKeysSecret"]}
    assert needed <= given(world, "RunAiTaskRole")


def test_what_sends_requests_reads_the_secrets_that_the_deployer_lists_and_no_other(world: World) -> None:
    reading = {
        permission for permission in given(world, "RunWebTaskRole") if permission.action.startswith(OF_ONE_WORKER)
    }
    assert reading == {Permission("secretsmanager:GetSecretValue", arn) for arn in REQUEST_SECRETS}


def test_what_invokes_functions_may_invoke_those_that_the_deployer_lists_as_listed_and_no_other(world: World) -> None:
    invoking = {
        permission for permission in given(world, "RunLambdaTaskRole") if permission.action.startswith(OF_ONE_WORKER)
    }
    assert invoking == {Permission("lambda:InvokeFunction", arn) for arn in FUNCTION_ARNS}


def test_a_pattern_gives_what_it_spells_and_no_more() -> None:
    machines = Permission("states:StartExecution", f"{MACHINES}:stepcall-*")
    assert machines.gives(Permission("states:StartExecution", f"{MACHINES}:stepcall-0a1b"))
    assert not machines.gives(Permission("states:StartExecution", f"{MACHINES}:other-0a1b"))
    assert not machines.gives(Permission("states:StopExecution", f"{MACHINES}:stepcall-0a1b"))
