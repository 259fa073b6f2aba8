from fnmatch import fnmatchcase

import pytest

from stepcall.stores.dynamo_api_key_store import places_of
from tests.api_keys import api_key
from tests.template.sam_template import (
    TEXT,
    Template,
    as_list,
    attribute,
    functions_of,
    resources_of_type,
    statements_of,
)
from tests.template.wildcards import unexplained_wildcards


def roles_that_may(template: Template, prefix: str) -> set[str]:
    """The roles with an action that begins so."""
    return {
        role_id
        for role_id in resources_of_type(template, "AWS::IAM::Role")
        for statement in statements_of(template, role_id)
        if any(action.startswith(prefix) for action in as_list(statement["Action"]))
    }


def test_no_policy_says_any_without_a_reason() -> None:
    assert unexplained_wildcards(TEXT) == []


@pytest.mark.parametrize(
    ("policy", "found"),
    [
        ("Action: s3:*", ["line 1: s3:*"]),
        ("Resource: [a, '*']", ["line 1: *"]),
        ("Resource:\n  - !Sub ${A.Arn}/*", ["line 2: ${A.Arn}/*"]),
        ("Resource: !If\n  - HasIt\n  - '*'\n  - a", ["line 3: *"]),
        ("Principal: {AWS: '*'}", ["line 1: *"]),
        ("# reason: far away\n\nAction: s3:*", ["line 3: s3:*"]),
        ("Action: s3:* # reason: it is a refusal", []),
        ("# reason: it is a refusal\nAction: s3:*", []),
        ("Action: s3:GetObject", []),
    ],
)
def test_a_wildcard_without_a_reason_is_found(policy: str, found: list[str]) -> None:
    assert unexplained_wildcards(policy) == found


def test_every_permission_names_its_actions_and_resources(transformed: Template) -> None:
    for role_id in resources_of_type(transformed, "AWS::IAM::Role"):
        for statement in statements_of(transformed, role_id):
            assert statement["Effect"] == "Allow"
            assert statement.keys() & {"NotAction", "NotResource"} == set(), role_id
            assert not any("*" in action for action in as_list(statement["Action"])), role_id
            assert "*" not in as_list(statement["Resource"]), role_id


def test_only_the_api_makes_and_starts_state_machines(transformed: Template) -> None:
    assert roles_that_may(transformed, "states:") == {"WorkflowsApiRole"}
    assert roles_that_may(transformed, "lambda:") == {"StateMachineRole"}


def test_only_the_api_gives_a_role_away_and_only_that_one_and_only_to_step_functions(transformed: Template) -> None:
    assert roles_that_may(transformed, "iam:") == {"WorkflowsApiRole"}
    [passing] = [s for s in statements_of(transformed, "WorkflowsApiRole") if s["Action"] == "iam:PassRole"]
    variables = functions_of(transformed)["WorkflowsApiFunction"]["Environment"]["Variables"]
    assert passing["Resource"] == variables["STATE_MACHINE_ROLE_ARN"] == attribute("StateMachineRole", "Arn")
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "states.amazonaws.com"}}


def test_the_api_reaches_the_state_machines_of_its_own_stack_only(transformed: Template) -> None:
    prefix = functions_of(transformed)["WorkflowsApiFunction"]["Environment"]["Variables"]["STATE_MACHINE_PREFIX"]
    assert prefix == {"Ref": "AWS::StackName"}
    for statement in statements_of(transformed, "WorkflowsApiRole"):
        if any(action.startswith("states:") for action in as_list(statement["Action"])):
            assert ":${AWS::StackName}-*" in statement["Resource"]["Fn::Sub"]


def test_only_state_machines_of_this_account_may_take_their_role(transformed: Template) -> None:
    role = transformed["Resources"]["StateMachineRole"]["Properties"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "states.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def secrets_that_are_read(template: Template, role_id: str) -> list[str]:
    """Their parameters or logical ids."""
    return [
        statement["Resource"]["Ref"]
        for statement in statements_of(template, role_id)
        if any(action.startswith("secretsmanager:") for action in as_list(statement["Action"]))
    ]


def test_each_secret_is_read_by_those_who_need_it(transformed: Template) -> None:
    readers = roles_that_may(transformed, "secretsmanager:")
    assert {role_id: sorted(secrets_that_are_read(transformed, role_id)) for role_id in readers} == {
        "RunAiTaskRole": ["OpenAiApiKeySecretArn", "ProviderKeysSecret"],
        "WorkflowsApiRole": ["FirstApiKeySecret", "ProviderKeysSecret", "TokenKeySecret"],
        "RotateTokenKeyRole": ["TokenKeySecret"],
    }


def test_only_the_rotation_changes_what_tokens_are_signed_with(transformed: Template) -> None:
    for role_id in roles_that_may(transformed, "secretsmanager:") - {"RotateTokenKeyRole"}:
        for statement in statements_of(transformed, role_id):
            secret_actions = {a for a in as_list(statement["Action"]) if a.startswith("secretsmanager:")}
            assert secret_actions <= {"secretsmanager:GetSecretValue"}, role_id


def test_the_key_of_tokens_is_generated_long_enough_and_rotated_every_month(transformed: Template) -> None:
    secret = transformed["Resources"]["TokenKeySecret"]["Properties"]["GenerateSecretString"]
    assert secret == {"PasswordLength": 64, "ExcludePunctuation": True}
    rotation = transformed["Resources"]["TokenKeyRotation"]
    assert rotation["DependsOn"] == "SecretsManagerRotatesTokenKey"
    assert rotation["Properties"] == {
        "SecretId": {"Ref": "TokenKeySecret"},
        "RotationLambdaARN": attribute("RotateTokenKeyFunction", "Arn"),
        "RotationRules": {"AutomaticallyAfterDays": 30},
    }
    permission = transformed["Resources"]["SecretsManagerRotatesTokenKey"]["Properties"]
    assert permission["SourceArn"] == {"Ref": "TokenKeySecret"}
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}


def test_callers_keys_are_encrypted_with_a_generated_secret_that_nobody_can_change(transformed: Template) -> None:
    secret = transformed["Resources"]["ProviderKeysSecret"]["Properties"]["GenerateSecretString"]
    assert secret == {"PasswordLength": 64, "ExcludePunctuation": True}
    assert 62 ** secret["PasswordLength"] > 2**256
    assert secrets_that_are_read(transformed, "RotateTokenKeyRole") == ["TokenKeySecret"]


def test_the_tasks_of_language_models_may_read_their_key_when_there_is_one(transformed: Template) -> None:
    policy = transformed["Resources"]["RunAiTaskReadsApiKey"]
    [reading] = policy["Properties"]["PolicyDocument"]["Statement"]
    assert policy["Condition"] == "HasOpenAiApiKey"
    assert (reading["Action"], reading["Resource"]) == (
        "secretsmanager:GetSecretValue",
        {"Ref": "OpenAiApiKeySecretArn"},
    )


def test_functions_reach_only_runs_in_the_bucket(transformed: Template) -> None:
    for role_id in roles_that_may(transformed, "s3:"):
        [statement] = [s for s in statements_of(transformed, role_id) if "s3:GetObject" in as_list(s["Action"])]
        assert statement["Action"] == ["s3:GetObject", "s3:PutObject"]
        assert statement["Resource"] == {"Fn::Sub": "${DataBucket.Arn}/runs/*"}


def test_nothing_scans_and_only_the_api_writes_workflows(transformed: Template) -> None:
    writers = set()
    for role_id in roles_that_may(transformed, "dynamodb:"):
        for statement in statements_of(transformed, role_id):
            actions = as_list(statement["Action"])
            assert not any("Scan" in action for action in actions)
            writes = any(action in ("dynamodb:PutItem", "dynamodb:UpdateItem") for action in actions)
            if writes and statement["Resource"] == attribute("WorkflowsTable", "Arn"):
                writers.add(role_id)
    assert writers == {"WorkflowsApiRole"}


def test_nothing_is_deleted_or_updated_in_the_workflows_table_but_api_keys(transformed: Template) -> None:
    assert roles_that_may(transformed, "dynamodb:Delete") == {"WorkflowsApiRole"}
    found = [
        statement
        for statement in statements_of(transformed, "WorkflowsApiRole")
        if {"dynamodb:DeleteItem", "dynamodb:UpdateItem"} & set(as_list(statement["Action"]))
        and statement["Resource"] == attribute("WorkflowsTable", "Arn")
    ]
    assert [statement["Sid"] for statement in found] == ["ApiKeys"]
    key = api_key("sc_any", "a tenant")
    own = found[0]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    partitions = [place["pk"]["S"] for place in places_of(key)]
    assert [[fnmatchcase(pk, pattern) for pattern in own] for pk in partitions] == [[True, False], [False, True]]
    assert not any(fnmatchcase(f"WORKFLOW#{key.key_id}", pattern) for pattern in own)


def test_who_works_reads_workflows_and_no_key(transformed: Template) -> None:
    workers = roles_that_may(transformed, "dynamodb:") - {"WorkflowsApiRole"}
    found = {
        role_id: statement["Condition"]
        for role_id in workers
        for statement in statements_of(transformed, role_id)
        if statement["Resource"] == attribute("WorkflowsTable", "Arn")
    }
    narrowed = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["WORKFLOW#*"]}}
    assert found == dict.fromkeys(workers, narrowed)
    assert len(found) == 4


def test_the_first_key_may_be_read_where_there_is_one(transformed: Template) -> None:
    policy = transformed["Resources"]["WorkflowsApiReadsFirstKey"]
    assert policy["Condition"] == transformed["Resources"]["FirstApiKeySecret"]["Condition"] == "HasFirstApiKey"
    generated = transformed["Resources"]["FirstApiKeySecret"]["Properties"]["GenerateSecretString"]
    assert 62 ** generated["PasswordLength"] > 2**256  # letters and digits, none of them certain to be there
    assert (generated["ExcludePunctuation"], generated["RequireEachIncludedType"]) == (True, False)
