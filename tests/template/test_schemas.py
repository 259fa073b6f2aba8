"""The transformed template against CloudFormation's schemas, as cfn-lint knows them, and so what moto does not make.

`make validate` holds the template as it is written against them; here its conditions are decided first, both ways.
"""

import json
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from tests.template.conditions import decide
from tests.template.sam_template import REGION, Template

# Every branch of every condition is in one of these.
ALL_ON = {
    "Alarms": "true",
    "AlarmTopicArn": "arn:aws:sns:eu-central-1:123456789012:on-call",
    "Athena": "true",
    "DatasetBucket": "lake",
    "FirstApiKey": "true",
    "HttpSecretArns": ",".join(
        f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{n}-a1B2c3" for n in ("a", "b")
    ),
    "InvokableFunctionArns": "arn:aws:lambda:eu-central-1:123456789012:function:price:prod",
    "LogLevel": "DEBUG",
    "MaxRunningRuns": 500,
    "OpenAiApiKeySecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:openai-a1B2c3",
}
ALL_OFF = {
    "Alarms": "false",
    "AlarmTopicArn": "",
    "Athena": "false",
    "DatasetBucket": "",
    "FirstApiKey": "false",
    "HttpSecretArns": "",
    "InvokableFunctionArns": "",
    "LogLevel": "ERROR",
    "MaxRunningRuns": 0,
    "OpenAiApiKeySecretArn": "",
}
# W2001, W7001, W8001: what nothing refers to any more, since conditions were decided.
DECIDED_AWAY = ("W2001", "W7001", "W8001")


def faults_of(template: Template, ignored: tuple[str, ...] = ()) -> list[str]:
    config = ManualArgs(regions=[REGION], ignore_checks=list(ignored))
    return [f"{fault.rule.id} {fault.message} {fault.path}" for fault in lint(json.dumps(template), config=config)]


@pytest.mark.parametrize("parameters", [ALL_ON, ALL_OFF], ids=["with everything", "with nothing that may be left away"])
def test_the_template_keeps_to_the_schemas_whatever_is_chosen(
    transformed: Template, parameters: dict[str, Any]
) -> None:
    decided = decide(transformed, parameters)
    assert "Fn::If" not in json.dumps(decided)
    assert faults_of(decided, DECIDED_AWAY) == []


def test_a_template_that_breaks_a_schema_is_found(transformed: Template) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"MessageRetentionPeriod": "a fortnight", "Colour": "red"}}
    faults = faults_of({**transformed, "Resources": {"Queue": queue}, "Outputs": {}}, DECIDED_AWAY)
    assert {fault.split()[0] for fault in faults} >= {"E3002", "E3012"}


def test_each_condition_is_decided_both_ways(transformed: Template) -> None:
    on, off = decide(transformed, ALL_ON)["Resources"], decide(transformed, ALL_OFF)["Resources"]
    conditional = {name for name, resource in transformed["Resources"].items() if "Condition" in resource}
    assert (conditional <= on.keys(), conditional & off.keys()) == (True, set())
