"""moto's CloudFormation makes state machines: apart, as a local stack of the same process corrects it, too."""

import json
from typing import Any

import boto3
from moto import mock_aws

from local.moto_world.template_machines import machines_of_templates
from local.template import REGION


def test_a_templates_state_machine_is_made_where_it_runs() -> None:
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "StateMachineName": "of-a-template",
            "RoleArn": "arn:aws:iam::123456789012:role/machine",
            "DefinitionString": {"Fn::Sub": [json.dumps(SAYING), {"Said": {"Ref": "AWS::Region"}}]},
        },
    }
    template = json.dumps({"Resources": {"Machine": machine}})
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        cloudformation = boto3.client("cloudformation", region_name=REGION)
        machines = boto3.client("stepfunctions", region_name=REGION)
        cloudformation.create_stack(StackName="as-moto-does-it", TemplateBody=template)
        assert of_a_template(machines) == []  # else the correction is not needed any more
        with machines_of_templates():
            cloudformation.create_stack(StackName="corrected", TemplateBody=template)
        [made] = of_a_template(machines)
        described = machines.describe_state_machine(stateMachineArn=made["stateMachineArn"])
    assert json.loads(described["definition"])["States"]["Say"]["Result"] == REGION


def of_a_template(machines: Any) -> list[Any]:
    """Where the process has a world of its own already, others stand there too."""
    return [made for made in machines.list_state_machines()["stateMachines"] if made["name"] == "of-a-template"]


SAYING = {"StartAt": "Say", "States": {"Say": {"Type": "Pass", "Result": "${Said}", "End": True}}}
