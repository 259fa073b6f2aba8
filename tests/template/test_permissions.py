import pytest

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


def test_only_the_tasks_of_language_models_read_the_api_key(transformed: Template) -> None:
    assert roles_that_may(transformed, "secretsmanager:") == {"RunAiTaskRole"}
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


def test_nothing_deletes_and_only_the_api_writes_workflows(transformed: Template) -> None:
    writers = set()
    for role_id in roles_that_may(transformed, "dynamodb:"):
        for statement in statements_of(transformed, role_id):
            actions = as_list(statement["Action"])
            assert not any("Delete" in action or "Scan" in action for action in actions)
            writes = any(action in ("dynamodb:PutItem", "dynamodb:UpdateItem") for action in actions)
            if writes and statement["Resource"] == attribute("WorkflowsTable", "Arn"):
                writers.add(role_id)
    assert writers == {"WorkflowsApiRole"}
