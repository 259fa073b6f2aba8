"""What is deployed with the parameter Athena=true, and nothing of it without."""

import re
from pathlib import Path
from typing import Any

import pytest

from stepcall.domain.run_table import FOLDER
from tests.template.sam_template import Template, as_list, functions_of

LAYER = Path(__file__).parents[2] / "layers" / "stepcall" / "stepcall"
RESOURCES = ("AthenaWorkGroup", "AthenaDatabase", "StateMachinesQueryAthena", "RunSqlTaskPreparesQueries")
# Of `athena:startQueryExecution.sync`: https://docs.aws.amazon.com/step-functions/latest/dg/connect-athena.html, and of
# EXECUTE: https://docs.aws.amazon.com/athena/latest/ug/security-iam-athena-prepared-statements.html
OF_SYNC = {"StartQueryExecution", "StopQueryExecution", "GetQueryExecution", "GetPreparedStatement"}


def statements(template: Template, policy: str) -> dict[str, Any]:
    """By Sid."""
    document = template["Resources"][policy]["Properties"]["PolicyDocument"]
    return {statement["Sid"]: statement for statement in document["Statement"]}


def actions(statement: Any, service: str) -> set[str]:
    """Of one service, without its name."""
    found = as_list(statement["Action"])
    assert all(action.startswith(f"{service}:") for action in found)
    return {action.partition(":")[2] for action in found}


def calls(client: str) -> set[str]:
    """The operations that aws/athena.py calls on a client."""
    found = re.findall(rf"self\._{client}\.(\w+)\(", (LAYER / "aws" / "athena.py").read_text())
    return {"".join(word.title() for word in name.split("_")) for name in found}


def test_without_the_parameter_nothing_of_it_is_deployed(written: Template) -> None:
    assert written["Parameters"]["Athena"]["Default"] == "false"
    assert written["Conditions"]["HasAthena"] == {"Fn::Equals": [{"Ref": "Athena"}, "true"]}
    resources = written["Resources"]
    assert {name for name, resource in resources.items() if resource.get("Condition") == "HasAthena"} == {*RESOURCES}


@pytest.mark.parametrize("function", ["WorkflowsApiFunction", "CartoApiFunction", "RunSqlTaskFunction"])
def test_functions_are_told_of_it_where_it_is(transformed: Template, function: str) -> None:
    variables = functions_of(transformed)[function]["Environment"]["Variables"]
    assert variables["ATHENA_WORK_GROUP"] == {"Fn::If": ["HasAthena", {"Ref": "AthenaWorkGroup"}, ""]}


def test_the_work_group_lets_a_query_say_where_its_table_goes_and_limits_what_it_reads(written: Template) -> None:
    """Athena refuses `external_location` in a work group that enforces its own."""
    configuration = written["Resources"]["AthenaWorkGroup"]["Properties"]["WorkGroupConfiguration"]
    assert configuration["EnforceWorkGroupConfiguration"] is False
    assert configuration["BytesScannedCutoffPerQuery"] == {"Ref": "AthenaScanLimit"}
    assert configuration["EngineVersion"] == {"SelectedEngineVersion": "Athena engine version 3"}
    assert configuration["ResultConfiguration"]["OutputLocation"] == {"Fn::Sub": "s3://${DataBucket}/athena/"}


def test_state_machines_may_run_one_work_groups_queries_and_stop_them(transformed: Template) -> None:
    given = statements(transformed, "StateMachinesQueryAthena")
    assert actions(given["Query"], "athena") == OF_SYNC
    assert given["Query"]["Resource"]["Fn::Sub"].endswith(":workgroup/${AthenaWorkGroup}")
    assert actions(given["Tables"], "glue") == {"CreateTable", "GetDatabase", "GetPartitions", "GetTable"}
    assert all("${AthenaDatabase}" in arn["Fn::Sub"] for arn in given["Tables"]["Resource"][1:])


def test_queries_write_tables_of_runs_and_read_datasets_and_nothing_else_of_the_bucket(transformed: Template) -> None:
    given = statements(transformed, "StateMachinesQueryAthena")
    assert actions(given["ReadDatasets"], "s3") == {"GetObject"}
    assert given["ReadDatasets"]["Resource"] == {"Fn::Sub": "${DataBucket.Arn}/datasets/*"}
    assert "PutObject" in actions(given["WriteTables"], "s3")
    assert given["WriteTables"]["Resource"] == [
        {"Fn::Sub": f"${{DataBucket.Arn}}/{FOLDER}*"},
        {"Fn::Sub": "${DataBucket.Arn}/athena/*"},
    ]


def test_the_worker_may_make_the_calls_that_it_makes_and_no_other(transformed: Template) -> None:
    given = statements(transformed, "RunSqlTaskPreparesQueries")
    assert actions(given["Statements"], "athena") == calls("athena")
    assert actions(given["Tables"], "glue") == calls("glue")
    assert calls("athena") >= {"CreatePreparedStatement", "GetQueryExecution"}


def test_who_starts_queries_is_step_functions_alone(transformed: Template) -> None:
    starters = [
        policy
        for policy in ("StateMachinesQueryAthena", "RunSqlTaskPreparesQueries")
        if "athena:StartQueryExecution" in str(statements(transformed, policy))
    ]
    assert starters == ["StateMachinesQueryAthena"]
    assert transformed["Resources"]["StateMachinesQueryAthena"]["Properties"]["Roles"] == [{"Ref": "StateMachineRole"}]
