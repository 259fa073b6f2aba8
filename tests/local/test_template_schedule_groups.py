"""Schedule groups that a template declares, on the local stack: as CloudFormation makes them."""

from typing import Any

import boto3
from moto import mock_aws

from local.deployment import deploy
from local.template import REGION


def test_a_group_of_the_template_is_made_and_referred_to_by_its_name() -> None:
    group: dict[str, Any] = {"Type": "AWS::Scheduler::ScheduleGroup"}
    named = {**group, "Properties": {"Name": {"Fn::Sub": "${AWS::StackName}"}, "Tags": [{"Key": "k", "Value": "v"}]}}
    log = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::GetAtt": ["Named", "Arn"]}}}
    with mock_aws():
        names = deploy({"Resources": {"Named": named, "Unnamed": group, "Log": log}}, {}).names
        client = boto3.client("scheduler", region_name=REGION)
        kept = {one["Name"]: one["Arn"] for one in client.list_schedule_groups()["ScheduleGroups"]}
        assert kept.keys() == {"default", names["Named"], names["Unnamed"]}
        assert names["Log"] == kept[names["Named"]]
        assert client.list_tags_for_resource(ResourceArn=names["Log"])["Tags"] == [{"Key": "k", "Value": "v"}]
