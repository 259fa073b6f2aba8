"""The template as CloudFormation gets it, and what the local stack refuses to leave out."""

import json
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from local.deployment import deploy
from local.errors import UnsupportedResourceError
from local.moto_world.template_speed import parse_as_moto_does
from local.moto_world.template_speed import parse_template as parse_sooner
from local.stack import TEMPLATE
from local.template import read_template
from local.template_text import parse_template

FIXTURE = Path(__file__).parent / "fixture_service" / "template.yaml"


def types_of(template: Any) -> set[str]:
    return {resource["Type"] for resource in template["Resources"].values()}


@pytest.mark.parametrize("path", [TEMPLATE, FIXTURE], ids=["template.yaml", "fixture"])
def test_a_template_is_transformed_by_sams_own_translator(path: Path) -> None:
    types = types_of(read_template(path, {"Architecture": "x86_64"}))
    assert not [name for name in types if name.startswith("AWS::Serverless::")]
    assert {"AWS::Lambda::Function", "AWS::ApiGatewayV2::Api", "AWS::DynamoDB::Table"} <= types


def test_a_state_machines_definition_stands_in_the_template_beside_what_fills_it_in() -> None:
    machine = read_template(TEMPLATE, {})["Resources"]["WebhookDelivery"]["Properties"]
    definition, values = machine["DefinitionString"]["Fn::Sub"]
    assert json.loads(definition) == json.loads(
        (TEMPLATE.parent / "statemachine/webhook_delivery.asl.json").read_text()
    )
    assert values.keys() == {"DeliverWebhookArn", "ExhaustedDeliveriesUrl"}
    assert machine.keys() & {"DefinitionS3Location", "DefinitionSubstitutions"} == set()


def test_parameters_that_the_template_does_not_declare_are_left_out() -> None:
    assert read_template(FIXTURE, {"Undeclared": "value", "Architecture": "x86_64"})


def test_a_resource_that_would_silently_not_exist_is_refused() -> None:
    resources = {"Queue": {"Type": "AWS::SQS::Queue"}, "Mesh": {"Type": "AWS::Imaginary::Mesh"}}
    with pytest.raises(UnsupportedResourceError, match=r"cannot make these resources: AWS::Imaginary::Mesh\."):
        deploy({"Resources": resources}, {})


@pytest.mark.parametrize("path", [TEMPLATE, FIXTURE], ids=["template.yaml", "fixture"])
def test_a_templates_text_is_read_as_sams_own_translator_and_moto_read_it(path: Path) -> None:
    text = path.read_text()
    template = parse_template(text)
    assert template == yaml_parse(text)
    assert parse_sooner(text) == parse_as_moto_does(text)
    assert parse_sooner(json.dumps(template)) == parse_as_moto_does(json.dumps(template)) == template
