"""template.yaml as the tests read it: as it is written, and as SAM transforms it for CloudFormation."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, Final

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local.template_text import parse_template

Template = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "template.yaml").read_text()
REGION: Final = "eu-central-1"
CODE_BUCKET, CODE_KEY = "built-code", "code.zip"


def read_template() -> Template:
    """As written; `!GetAtt A.B` is `{"Fn::GetAtt": ["A", "B"]}`, `!Ref A` is `{"Ref": "A"}`."""
    return deepcopy(_parse_text())


@cache
def _parse_text() -> Template:
    # every test of a table on moto asks for it
    template: Template = parse_template(TEXT)
    return template


def transform(template: Template) -> Template:
    """As CloudFormation gets it after `sam package` has put code and definitions into a bucket."""
    code = f"s3://{CODE_BUCKET}/{CODE_KEY}"
    template["Globals"]["Function"]["CodeUri"] = code
    template["Resources"]["StepcallLayer"]["Properties"]["ContentUri"] = code
    template["Resources"]["WebhookDelivery"]["Properties"]["DefinitionUri"] = code
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
    transformed: Template = translator.translate(template, parameter_values={})
    return transformed


def resources_of_type(template: Template, resource_type: str) -> dict[str, dict[str, Any]]:
    """Logical id → properties."""
    return {
        logical_id: resource["Properties"]
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == resource_type
    }


def functions_of(template: Template) -> dict[str, dict[str, Any]]:
    """Logical id → properties of each function of a transformed template."""
    return resources_of_type(template, "AWS::Lambda::Function")


def folder_of(function: dict[str, Any]) -> str:
    """The folder under `functions/` that a function's handler names."""
    return str(function["Handler"]).split(".", maxsplit=1)[0]


def variables_of(function: dict[str, Any]) -> dict[str, Any]:
    variables: dict[str, Any] = function["Environment"]["Variables"]
    return variables


def statements_of(template: Template, role_id: str) -> list[dict[str, Any]]:
    """A role's statements: its own policies' and those of policies attached to it."""
    own = template["Resources"][role_id]["Properties"]["Policies"]
    attached = resources_of_type(template, "AWS::IAM::Policy").values()
    policies = [*own, *(policy for policy in attached if {"Ref": role_id} in policy["Roles"])]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def attribute(logical_id: str, name: str) -> dict[str, list[str]]:
    """What `!GetAtt` becomes."""
    return {"Fn::GetAtt": [logical_id, name]}


def as_list(value: Any) -> list[Any]:
    """IAM takes one value for a list of one."""
    return value if isinstance(value, list) else [value]
