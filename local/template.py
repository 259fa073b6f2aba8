"""template.yaml as CloudFormation gets it: read, packaged and transformed by SAM's own translator."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform

from local.template_text import parse_template

Template = dict[str, Any]

PACKAGE_URI = "s3://local/package"  # SAM wants code uploaded; here it stays in its folder
CODE_PROPERTIES = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
MACHINE = "AWS::Serverless::StateMachine"
DEFINITION_FILE = "DefinitionUri"
REGION = "us-east-1"
STACK_NAME = "stepcall"


class _NoManagedPolicies:
    """Policies of AWS by short name: ours are written out."""

    def load(self) -> dict[str, str]:
        return {}


def read_template(path: Path, parameters: Mapping[str, str]) -> Template:
    """The transformed template. Parameters it does not declare are left out; the others replace their defaults."""
    template: Template = parse_template(path.read_text())
    definitions = _package(template, path.parent)
    values = {name: spec["Default"] for name, spec in template.get("Parameters", {}).items() if "Default" in spec}
    pseudo = {"AWS::Region": REGION, "AWS::StackName": STACK_NAME, "AWS::Partition": "aws"}
    transformed: Template = transform(
        template, {**values, **declared(template, parameters), **pseudo}, _NoManagedPolicies()
    )
    for logical_id, definition in definitions.items():
        write_definition(transformed["Resources"][logical_id]["Properties"], definition)
    return transformed


def write_definition(machine: Template, definition: str) -> None:
    """Into a transformed state machine, in place of where it lies; `Fn::Sub` does what its substitutions would."""
    del machine["DefinitionS3Location"]
    machine["DefinitionString"] = {"Fn::Sub": [definition, machine.pop("DefinitionSubstitutions", {})]}


def declared(template: Template, parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if name in template.get("Parameters", {})}


def _package(template: Template, folder: Path) -> dict[str, str]:
    """What `sam package` does to the code's paths. The definitions of state machines, by logical id."""
    function_defaults = template.get("Globals", {}).get("Function", {})
    if "CodeUri" in function_defaults:
        function_defaults["CodeUri"] = PACKAGE_URI
    definitions = {}
    for logical_id, resource in template["Resources"].items():
        name = CODE_PROPERTIES.get(resource["Type"])
        if name and (name in resource["Properties"] or name not in function_defaults):
            resource["Properties"][name] = PACKAGE_URI
        if resource["Type"] == MACHINE:
            definitions[logical_id] = (folder / resource["Properties"][DEFINITION_FILE]).read_text()
            resource["Properties"][DEFINITION_FILE] = PACKAGE_URI
    return definitions
