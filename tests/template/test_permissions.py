from fnmatch import fnmatchcase
from typing import Any

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
    variables_of,
)
from tests.template.wildcards import unexplained_wildcards

OF_SQL = {"WorkflowsApiRole", "CartoApiRole"}
"""The faces that have tables read, and not by runs alone."""
FACES = {"WorkflowsApiRole", "CartoApiRole", "WaveApiRole", "AmperityApiRole"}
STARTERS = FACES | {"SweepRunsRole", "StartWaitingRunsRole", "StartTriggeredRunRole", "RunWorkflowTaskRole"}
DELIVERERS = {"PublishRunEventsRole", "DeliverWebhookRole", "WorkflowsApiRole"}
"""They start the state machine that delivers webhooks."""
OF_SERVICES = {"StateMachineRole", "WebhookDeliveryRole", "SchedulerRole"}
TELLERS_OF_TRIGGERS = {"WorkflowsApiRole", "SweepRunsRole"}
WORKERS = ("RunWebTaskRole", "RunAiTaskRole", "RunDataTaskRole", "RunSqlTaskRole", "RunLambdaTaskRole")
ROLES_OF_FUNCTIONS = (*sorted(FACES), *WORKERS, "RunWorkflowTaskRole", "FinishRunRole", "RotateTokenKeyRole")


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


def test_only_the_api_the_sweeper_and_the_line_make_and_start_state_machines(transformed: Template) -> None:
    assert roles_that_may(transformed, "states:Create") == STARTERS
    assert roles_that_may(transformed, "states:") == STARTERS | DELIVERERS | {"StateMachineRole"}
    assert roles_that_may(transformed, "lambda:") == {
        "StateMachineRole",
        "WebhookDeliveryRole",
        "SchedulerRole",
        "RunLambdaTaskRole",
        *OF_SQL,
    }


def test_who_tells_sends_or_repeats_webhooks_starts_their_state_machine_and_no_other(transformed: Template) -> None:
    machine = transformed["Resources"]["WebhookDelivery"]["Properties"]
    assert machine["StateMachineName"] == {"Fn::Sub": "${AWS::StackName}_webhook-delivery"}
    for role_id in DELIVERERS:
        function = functions_of(transformed)[role_id.replace("Role", "Function")]
        arn = function["Environment"]["Variables"]["WEBHOOK_DELIVERY_ARN"]
        assert arn["Fn::Sub"].endswith(":stateMachine:${AWS::StackName}_webhook-delivery")
        [starting] = [s for s in statements_of(transformed, role_id) if s["Resource"] == arn]
        assert starting["Action"] == "states:StartExecution"
    for role_id in DELIVERERS - {"WorkflowsApiRole"}:
        assert len([s for s in statements_of(transformed, role_id) if "states:" in str(s["Action"])]) == 1


def test_the_end_of_a_delivery_is_not_taken_for_the_end_of_a_run(transformed: Template) -> None:
    """Names of stacks have no underscore: what begins with one and a hyphen is never this machine."""
    listened = {
        name: rule["EventPattern"]["detail"]["stateMachineArn"]
        for name, rule in resources_of_type(transformed, "AWS::Events::Rule").items()
        if "stateMachineArn" in rule.get("EventPattern", {}).get("detail", {})
    }
    [of_runs] = listened.pop("RecordExecutionStatusFunctionEndedExecution")
    assert of_runs["prefix"]["Fn::Sub"].endswith(":stateMachine:${AWS::StackName}-")
    delivering = variables_of(functions_of(transformed)["DeliverWebhookFunction"])["WEBHOOK_DELIVERY_ARN"]
    assert listened == {"DeliverWebhookFunctionEndedExecution": [delivering]}


def test_the_state_machine_of_deliveries_invokes_its_function_and_tells_of_what_was_given_up(
    transformed: Template,
) -> None:
    role = transformed["Resources"]["WebhookDeliveryRole"]["Properties"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "states.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    may = {
        statement["Action"]: statement["Resource"] for statement in statements_of(transformed, "WebhookDeliveryRole")
    }
    assert may == {
        "lambda:InvokeFunction": attribute("DeliverWebhookFunction", "Arn"),
        "sqs:SendMessage": attribute("ExhaustedDeliveries", "Arn"),
    }
    machine = transformed["Resources"]["WebhookDelivery"]["Properties"]
    assert machine["RoleArn"] == attribute("WebhookDeliveryRole", "Arn")
    assert machine["DefinitionSubstitutions"] == {
        "DeliverWebhookArn": attribute("DeliverWebhookFunction", "Arn"),
        "ExhaustedDeliveriesUrl": {"Ref": "ExhaustedDeliveries"},
    }


def test_who_sends_webhooks_reaches_deliveries_and_subscriptions_and_no_run(transformed: Template) -> None:
    for role_id in DELIVERERS - {"WorkflowsApiRole"}:
        keys = {
            statement["Sid"]: statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
            for statement in statements_of(transformed, role_id)
            if {"dynamodb:Query", "dynamodb:GetItem"} & set(as_list(statement["Action"]))
        }
        assert keys == {"Deliveries": ["DELIVERIES#*"], "Webhooks": ["WEBHOOKS#*"]}


def test_a_face_invokes_nothing_but_the_sql_worker(transformed: Template) -> None:
    for role_id in OF_SQL:
        [invoking] = [s for s in statements_of(transformed, role_id) if s["Action"] == "lambda:InvokeFunction"]
        assert invoking["Resource"] == attribute("RunSqlTaskFunction", "Arn")


def test_only_who_starts_gives_a_role_away_and_only_that_one_and_only_to_step_functions(transformed: Template) -> None:
    assert roles_that_may(transformed, "iam:") == STARTERS
    for role_id in STARTERS:
        [passing, *_] = [s for s in statements_of(transformed, role_id) if s["Action"] == "iam:PassRole"]
        function = functions_of(transformed)[role_id.replace("Role", "Function")]
        role = function["Environment"]["Variables"]["STATE_MACHINE_ROLE_ARN"]
        assert passing["Resource"] == role == attribute("StateMachineRole", "Arn")
        assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "states.amazonaws.com"}}


def statement(template: Template, role_id: str, sid: str) -> Any:
    [found] = [each for each in statements_of(template, role_id) if each.get("Sid") == sid]
    return found


def test_who_tells_eventbridge_of_triggers_reaches_those_of_its_own_stack_only(transformed: Template) -> None:
    assert roles_that_may(transformed, "scheduler:") == TELLERS_OF_TRIGGERS
    assert roles_that_may(transformed, "events:Put") == TELLERS_OF_TRIGGERS | {"PublishRunEventsRole"}
    for role_id in TELLERS_OF_TRIGGERS:
        schedules = statement(transformed, role_id, "Schedules")["Resource"]["Fn::Sub"]
        assert schedules.endswith(":schedule/${AWS::StackName}/*")
        rules = [resource["Fn::Sub"] for resource in statement(transformed, role_id, "Rules")["Resource"]]
        assert [rule.partition(":rule/")[2] for rule in rules] == ["${AWS::StackName}-runs/tr-*", "${AWS::StackName}_*"]
        passing = statement(transformed, role_id, "GiveSchedulesTheirRole")
        given = variables_of(functions_of(transformed)[role_id.replace("Role", "Function")])["SCHEDULER_ROLE_ARN"]
        assert passing["Resource"] == given == attribute("SchedulerRole", "Arn")
        assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
        passed = [each for each in statements_of(transformed, role_id) if each["Action"] == "iam:PassRole"]
        assert len(passed) == 2


def test_a_schedule_may_invoke_its_function_and_keep_what_did_not_arrive(transformed: Template) -> None:
    role = transformed["Resources"]["SchedulerRole"]["Properties"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    may = {each["Action"]: each["Resource"] for each in statements_of(transformed, "SchedulerRole")}
    assert may == {
        "lambda:InvokeFunction": attribute("StartTriggeredRunFunction", "Arn"),
        "sqs:SendMessage": attribute("UndeliveredEvents", "Arn"),
    }


def test_rules_of_triggers_are_let_in_by_the_function_and_by_the_queue(transformed: Template) -> None:
    let_in = {
        permission["SourceArn"]["Fn::Sub"].partition(":rule/")[2]
        for permission in resources_of_type(transformed, "AWS::Lambda::Permission").values()
        if permission["FunctionName"] == {"Ref": "StartTriggeredRunFunction"} and "Fn::Sub" in permission["SourceArn"]
    }
    assert let_in == {"${AWS::StackName}-runs/tr-*", "${AWS::StackName}_*"}
    [keeping] = transformed["Resources"]["EventBridgeKeepsUndelivered"]["Properties"]["PolicyDocument"]["Statement"]
    sources = keeping["Condition"]["ArnLike"]["aws:SourceArn"]
    assert [each["Fn::Sub"].partition(":rule/")[2] for each in sources] == [
        "${AWS::StackName}-runs/*",
        "${AWS::StackName}_*",
    ]


def test_the_group_of_schedules_is_named_as_the_functions_take_it_to_be(transformed: Template) -> None:
    [group] = resources_of_type(transformed, "AWS::Scheduler::ScheduleGroup").values()
    for role_id in TELLERS_OF_TRIGGERS:
        stack = variables_of(functions_of(transformed)[role_id.replace("Role", "Function")])["SCHEDULE_GROUP"]
        assert group["Name"] == stack == {"Ref": "AWS::StackName"}


@pytest.mark.parametrize("role_id", sorted(FACES))
def test_a_face_reaches_the_state_machines_of_its_own_stack_only(transformed: Template, role_id: str) -> None:
    function = functions_of(transformed)[role_id.replace("Role", "Function")]
    prefix = function["Environment"]["Variables"]["STATE_MACHINE_PREFIX"]
    assert prefix == {"Ref": "AWS::StackName"}
    for statement in statements_of(transformed, role_id):
        if any(action.startswith("states:") for action in as_list(statement["Action"])):
            reached = statement["Resource"]["Fn::Sub"]
            assert ":${AWS::StackName}-*" in reached or reached.endswith(":${AWS::StackName}_webhook-delivery")


def test_a_state_machine_may_start_see_and_stop_the_executions_of_its_elements_and_no_delivery(
    transformed: Template,
) -> None:
    """By AWS's documentation of distributed Maps: the machine itself, and its executions."""
    [_, policy] = transformed["Resources"]["StateMachineRole"]["Properties"]["Policies"]
    may = {
        action: statement["Resource"]["Fn::Sub"].partition("AccountId}:")[2]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
    }
    assert may == {
        "states:StartExecution": "stateMachine:${AWS::StackName}-*",
        "states:DescribeExecution": "execution:${AWS::StackName}-*:*",
        "states:StopExecution": "execution:${AWS::StackName}-*:*",
    }


def test_only_state_machines_of_this_account_may_take_their_role(transformed: Template) -> None:
    role = transformed["Resources"]["StateMachineRole"]["Properties"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "states.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def secrets_that_are_read(template: Template, role_id: str) -> list[str]:
    """Their parameters or logical ids."""
    resources = [
        statement["Resource"]
        for statement in statements_of(template, role_id)
        if any(action.startswith("secretsmanager:") for action in as_list(statement["Action"]))
    ]
    return [(resource["Fn::Split"][1] if "Fn::Split" in resource else resource)["Ref"] for resource in resources]


def test_each_secret_is_read_by_those_who_need_it(transformed: Template) -> None:
    readers = roles_that_may(transformed, "secretsmanager:")
    assert {role_id: sorted(secrets_that_are_read(transformed, role_id)) for role_id in readers} == {
        "RunAiTaskRole": ["OpenAiApiKeySecretArn", "ProviderKeysSecret"],
        "RunWebTaskRole": ["HttpSecretArns"],
        "WorkflowsApiRole": ["FirstApiKeySecret", "ProviderKeysSecret", "TokenKeySecret", "WebhookSigningSecret"],
        "CartoApiRole": ["FirstApiKeySecret", "TokenKeySecret"],
        "WaveApiRole": ["FirstApiKeySecret", "TokenKeySecret"],
        "AmperityApiRole": ["FirstApiKeySecret", "TokenKeySecret"],
        "RotateTokenKeyRole": ["TokenKeySecret"],
        "DeliverWebhookRole": ["WebhookSigningSecret"],
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


def test_webhooks_are_signed_by_a_generated_secret_that_nobody_changes_or_rotates(transformed: Template) -> None:
    resources = transformed["Resources"]
    secret = resources["WebhookSigningSecret"]["Properties"]["GenerateSecretString"]
    assert secret == {"PasswordLength": 64, "ExcludePunctuation": True}
    rotated = [
        resource["Properties"]["SecretId"]
        for resource in resources.values()
        if resource["Type"] == "AWS::SecretsManager::RotationSchedule"
    ]
    assert rotated == [{"Ref": "TokenKeySecret"}]


def test_the_tasks_of_language_models_may_read_their_key_when_there_is_one(transformed: Template) -> None:
    policy = transformed["Resources"]["RunAiTaskReadsApiKey"]
    [reading] = policy["Properties"]["PolicyDocument"]["Statement"]
    assert policy["Condition"] == "HasOpenAiApiKey"
    assert (reading["Action"], reading["Resource"]) == (
        "secretsmanager:GetSecretValue",
        {"Ref": "OpenAiApiKeySecretArn"},
    )


def test_the_worker_of_requests_may_read_exactly_the_secrets_that_they_may_send(transformed: Template) -> None:
    policy = transformed["Resources"]["RunWebTaskReadsSecrets"]
    [reading] = policy["Properties"]["PolicyDocument"]["Statement"]
    assert policy["Condition"] == "HasHttpSecrets"
    assert reading["Action"] == "secretsmanager:GetSecretValue"
    assert reading["Resource"] == {"Fn::Split": [",", {"Ref": "HttpSecretArns"}]}


def test_the_worker_of_functions_may_invoke_exactly_those_that_the_deployer_lists(transformed: Template) -> None:
    policy = transformed["Resources"]["RunLambdaTaskInvokesFunctions"]
    [invoking] = policy["Properties"]["PolicyDocument"]["Statement"]
    assert policy["Condition"] == "HasInvokableFunctions"
    assert invoking["Action"] == "lambda:InvokeFunction"
    assert invoking["Resource"] == {"Fn::Split": [",", {"Ref": "InvokableFunctionArns"}]}


def prefixes_reached(template: Template, role_id: str, action: str) -> set[str]:
    """What the keys of the data bucket begin with that a role may do this to, whatever the deployer chooses."""
    return {
        resource["Fn::Sub"]
        for statement in statements_of(template, role_id)
        if action in as_list(statement["Action"]) and isinstance(statement["Resource"], dict | list)
        for resource in as_list(statement["Resource"])
        if "Fn::Sub" in resource
    }


def test_functions_reach_what_they_read_and_write_in_the_bucket_and_no_more(transformed: Template) -> None:
    runs, tables, datasets, uploads, others = (
        *(f"${{DataBucket.Arn}}/{prefix}/*" for prefix in ("runs", "workflows_temp", "datasets", "uploads")),
        "arn:${AWS::Partition}:s3:::${DatasetBucket}/*",
    )
    reads = {role_id: prefixes_reached(transformed, role_id, "s3:GetObject") for role_id in ROLES_OF_FUNCTIONS}
    writes = {role_id: prefixes_reached(transformed, role_id, "s3:PutObject") for role_id in ROLES_OF_FUNCTIONS}
    without_tables = ("RunWebTaskRole", "RunAiTaskRole", "RunDataTaskRole", "RunLambdaTaskRole", "FinishRunRole")
    ordinary = {role_id: {runs} for role_id in (*without_tables, "RunWorkflowTaskRole")}
    assert reads == ordinary | {
        "WorkflowsApiRole": {runs, uploads},
        "CartoApiRole": set(),
        "WaveApiRole": {runs},
        "AmperityApiRole": set(),
        "RunSqlTaskRole": {runs, tables, datasets, uploads, others},
        "RotateTokenKeyRole": set(),
    }
    assert writes == ordinary | {
        "WorkflowsApiRole": {runs, uploads},
        "CartoApiRole": {runs},
        "WaveApiRole": {runs},
        "AmperityApiRole": {runs},
        "RunSqlTaskRole": {runs, tables, datasets},
        "RotateTokenKeyRole": set(),
    }


def test_nothing_scans_and_only_the_api_writes_workflows(transformed: Template) -> None:
    writers = set()
    for role_id in roles_that_may(transformed, "dynamodb:"):
        for statement in statements_of(transformed, role_id):
            actions = as_list(statement["Action"])
            assert not any("Scan" in action for action in actions)
            writes = "dynamodb:PutItem" in actions
            if writes and statement["Resource"] == attribute("WorkflowsTable", "Arn"):
                writers.add(role_id)
    # who sends webhooks stops one whose receiver is gone, and reaches nothing else there
    assert writers == {"WorkflowsApiRole", "DeliverWebhookRole"}


def keys_changed(template: Template, role_id: str) -> list[str]:
    """What the partitions of the workflows table begin with whose items a role may delete or update."""
    [found] = [
        statement
        for statement in statements_of(template, role_id)
        if {"dynamodb:DeleteItem", "dynamodb:UpdateItem"} & set(as_list(statement["Action"]))
        and statement["Resource"] == attribute("WorkflowsTable", "Arn")
    ]
    keys: list[str] = found["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    return keys


def test_nothing_is_deleted_or_updated_in_the_workflows_table_that_is_a_version(transformed: Template) -> None:
    deleters = {
        role_id
        for role_id in roles_that_may(transformed, "dynamodb:Delete")
        for statement in statements_of(transformed, role_id)
        if "dynamodb:DeleteItem" in as_list(statement["Action"])
        and statement["Resource"] == attribute("WorkflowsTable", "Arn")
    }
    # the sweep says of triggers that they are settled, what they set off ends those that are left; nothing else so
    of_triggers = {"SweepRunsRole", "StartTriggeredRunRole"}
    assert deleters == {"WorkflowsApiRole"} | of_triggers
    for role_id in sorted(of_triggers):
        assert keys_changed(transformed, role_id) == ["TRIGGERS#*", "UNSETTLED_TRIGGERS"]
    key = api_key("sc_any", "a tenant")
    own = keys_changed(transformed, "WorkflowsApiRole")
    others = [
        "CONNECTIONS#*",
        "PROCEDURE#*",
        "CONFIG#*",
        "WEBHOOKS#*",
        "TRIGGERS#*",
        "UNSETTLED_TRIGGERS",
        "TASK_TYPES#*",
    ]
    assert own == ["KEY#*", "KEYS#*", *others]
    partitions = [place["pk"]["S"] for place in places_of(key)]
    assert [[fnmatchcase(pk, pattern) for pattern in own[:2]] for pk in partitions] == [[True, False], [False, True]]
    assert not any(fnmatchcase(f"WORKFLOW#{key.key_id}", pattern) for pattern in own)
    for role_id in FACES - {"WorkflowsApiRole"}:
        assert keys_changed(transformed, role_id) == ["KEYS#*"]


def test_of_runs_nothing_is_deleted_but_places_in_a_line_and_on_a_list_of_children(transformed: Template) -> None:
    for role_id in roles_that_may(transformed, "dynamodb:Delete"):
        deleting = [
            statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
            for statement in statements_of(transformed, role_id)
            if "dynamodb:DeleteItem" in as_list(statement["Action"])
            and statement["Resource"] == attribute("RunsTable", "Arn")
        ]
        lists_children = role_id in {"SweepRunsRole", "StartWaitingRunsRole"}
        assert {key for keys in deleting for key in keys} == {"QUEUE#*", *(["CHILDREN#*"] if lists_children else [])}
    assert roles_that_may(transformed, "dynamodb:Delete") == STARTERS - {"RunWorkflowTaskRole"}


def test_who_works_reads_workflows_and_no_key(transformed: Template) -> None:
    workers = roles_that_may(transformed, "dynamodb:") - FACES
    found = {
        (role_id, statement["Sid"]): statement["Condition"]
        for role_id in workers
        for statement in statements_of(transformed, role_id)
        if statement["Resource"] == attribute("WorkflowsTable", "Arn")
    }
    narrowed = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["WORKFLOW#*"]}}
    connections = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["CONNECTIONS#*"]}}
    webhooks = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["WEBHOOKS#*"]}}
    tellers = DELIVERERS - FACES
    readers = workers - {"RecordExecutionStatusRole"} - tellers
    expected = {(role_id, "Workflows"): narrowed for role_id in readers}
    by_name = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["WORKFLOW#*", "CONFIG#*"]}}
    expected["StartTriggeredRunRole", "Workflows"] = expected["RunWorkflowTaskRole", "Workflows"] = by_name
    expected["RunWorkflowTaskRole", "NewestVersions"] = narrowed
    expected |= {(role_id, "Webhooks"): webhooks for role_id in tellers}
    of_triggers = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["TRIGGERS#*", "UNSETTLED_TRIGGERS"]}}
    expected["SweepRunsRole", "Triggers"] = expected["StartTriggeredRunRole", "Triggers"] = of_triggers
    assert found == expected | {("RunSqlTaskRole", "Connections"): connections}
    assert len(readers) == 10


def test_the_first_key_may_be_read_where_there_is_one(transformed: Template) -> None:
    policy = transformed["Resources"]["FacesReadFirstKey"]
    assert {role["Ref"] for role in policy["Properties"]["Roles"]} == FACES
    assert policy["Condition"] == transformed["Resources"]["FirstApiKeySecret"]["Condition"] == "HasFirstApiKey"
    generated = transformed["Resources"]["FirstApiKeySecret"]["Properties"]["GenerateSecretString"]
    assert 62 ** generated["PasswordLength"] > 2**256  # letters and digits, none of them certain to be there
    assert (generated["ExcludePunctuation"], generated["RequireEachIncludedType"]) == (True, False)
