from collections import defaultdict
from typing import Any

from stepcall.asl.compiler import FINISH_RUN
from stepcall.domain.task_contract import Worker
from stepcall.tasks.catalog import CATALOG
from tests.template.sam_template import (
    ROOT,
    Template,
    as_list,
    attribute,
    folder_of,
    functions_of,
    resources_of_type,
    statements_of,
    variables_of,
)
from tools.lambda_build import build_artifact

API_GATEWAY_LIMIT_SECONDS = 30
OF_SERVICES = {"StateMachineRole", "WebhookDeliveryRole", "SchedulerRole"}
CALLED_BY_MACHINES = {*Worker, FINISH_RUN}


def test_every_function_has_a_role_of_its_own_that_only_lambda_may_take(transformed: Template) -> None:
    users: dict[str, list[str]] = defaultdict(list)
    for logical_id, function in functions_of(transformed).items():
        role_id, _ = function["Role"]["Fn::GetAtt"]
        users[role_id].append(logical_id)
    roles = resources_of_type(transformed, "AWS::IAM::Role")
    assert {role_id: len(ids) for role_id, ids in users.items()} == dict.fromkeys(roles.keys() - OF_SERVICES, 1)
    for role_id in users:
        trusted = [s["Principal"] for s in roles[role_id]["AssumeRolePolicyDocument"]["Statement"]]
        assert trusted == [{"Service": "lambda.amazonaws.com"}], role_id
        assert "ManagedPolicyArns" not in roles[role_id]


def test_every_function_logs_to_a_group_of_its_own_with_an_end(transformed: Template) -> None:
    groups = resources_of_type(transformed, "AWS::Logs::LogGroup")
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())
    functions = functions_of(transformed)
    used = [function["LoggingConfig"]["LogGroup"]["Ref"] for function in functions.values()]
    assert sorted(used) == sorted(groups.keys() - {"ApiAccessLogs"})
    for function, group_id in zip(functions.values(), used, strict=True):
        statements = statements_of(transformed, function["Role"]["Fn::GetAtt"][0])
        log = [s for s in statements if any(action.startswith("logs:") for action in as_list(s["Action"]))]
        assert [s["Resource"] for s in log] == [attribute(group_id, "Arn")], group_id


def test_what_nobody_waits_for_and_fails_is_kept(transformed: Template) -> None:
    configs = resources_of_type(transformed, "AWS::Lambda::EventInvokeConfig").values()
    queue = attribute("FailedInvocations", "Arn")
    assert {c["FunctionName"]["Ref"] for c in configs} == functions_of(transformed).keys()
    assert all(c["DestinationConfig"]["OnFailure"]["Destination"] == queue for c in configs)
    for function in functions_of(transformed).values():
        statements = statements_of(transformed, function["Role"]["Fn::GetAtt"][0])
        assert queue in [s["Resource"] for s in statements if s.get("Action") == "sqs:SendMessage"]


def test_every_folder_of_functions_is_a_function_and_the_other_way_round(transformed: Template) -> None:
    folders = {path.name for path in (ROOT / "functions").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert {folder_of(function) for function in functions_of(transformed).values()} == folders


def test_the_build_finds_the_folder_of_every_function(transformed: Template) -> None:
    for logical_id, function in functions_of(transformed).items():
        assert build_artifact.folder_of(logical_id) == folder_of(function)
        assert function["Handler"] == f"{folder_of(function)}.app.lambda_handler"


def test_every_function_and_the_layer_are_built_for_the_chosen_architecture(
    written: Template, transformed: Template
) -> None:
    chosen = {"Ref": "Architecture"}
    assert all(function["Architectures"] == [chosen] for function in functions_of(transformed).values())
    built = {
        logical_id: resource["Metadata"]
        for logical_id, resource in written["Resources"].items()
        if resource["Type"] in ("AWS::Serverless::Function", "AWS::Serverless::LayerVersion")
    }
    assert built.keys() == functions_of(transformed).keys() | {build_artifact.LAYER_ID}
    for metadata in built.values():
        assert metadata["BuildMethod"] == "makefile"
        assert metadata["ContextPath"] == {"Fn::Sub": "tools/lambda_build/${Architecture}"}
    for architecture in written["Parameters"]["Architecture"]["AllowedValues"]:
        assert (ROOT / "tools" / "lambda_build" / architecture / "Makefile").exists()
        assert architecture in build_artifact.MACHINES


def test_a_worker_is_stopped_before_the_state_machine_gives_it_up(transformed: Template) -> None:
    timeouts = {folder_of(function): function["Timeout"] for function in functions_of(transformed).values()}
    for contract in CATALOG.values():
        assert timeouts[contract.worker.value] < contract.timeout_seconds, contract.name


def test_a_face_answers_before_the_gateway_gives_it_up(transformed: Template) -> None:
    faces = [f for f in functions_of(transformed).values() if folder_of(f).endswith("_api")]
    assert faces
    assert all(face["Timeout"] < API_GATEWAY_LIMIT_SECONDS for face in faces)


def test_a_variable_has_the_same_value_in_every_function(transformed: Template) -> None:
    values: dict[str, list[Any]] = defaultdict(list)
    for function in functions_of(transformed).values():
        for name, value in variables_of(function).items():
            values[name].append(value)
    assert [name for name, found in values.items() if any(value != found[0] for value in found)] == []


def test_the_api_is_told_of_every_function_that_state_machines_call(transformed: Template) -> None:
    functions = functions_of(transformed)
    called = {logical_id: f for logical_id, f in functions.items() if folder_of(f) in CALLED_BY_MACHINES}
    assert len(called) == len(CALLED_BY_MACHINES)
    expected = {f"{folder_of(f).upper()}_ARN": attribute(logical_id, "Arn") for logical_id, f in called.items()}
    variables = variables_of(functions["WorkflowsApiFunction"])
    assert expected.items() <= variables.items()


def test_a_state_machine_may_invoke_those_functions_and_nothing_else(transformed: Template) -> None:
    variables = variables_of(functions_of(transformed)["WorkflowsApiFunction"])
    told = [variables[f"{folder.upper()}_ARN"] for folder in CALLED_BY_MACHINES]
    [policy, _] = transformed["Resources"]["StateMachineRole"]["Properties"]["Policies"]
    of_one = transformed["Resources"]["StateMachinesExecuteWorkflows"]["Properties"]
    assert of_one["Roles"] == [{"Ref": "StateMachineRole"}]
    statements = [*policy["PolicyDocument"]["Statement"], *of_one["PolicyDocument"]["Statement"]]
    assert [(each["Effect"], each["Action"]) for each in statements] == [("Allow", "lambda:InvokeFunction")] * 2
    invoked = [*statements[0]["Resource"], statements[1]["Resource"]]
    assert sorted(invoked, key=str) == sorted(told, key=str)
