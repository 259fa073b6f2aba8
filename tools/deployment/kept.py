"""What stays when a stack is deleted, and what gives it to a new one. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Template = Mapping[str, Any]

# What CloudFormation knows a thing of each type by when it is imported: `primaryIdentifier` of the type's schema.
IDENTIFIERS: Final = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SecretsManager::Secret": "Id",
}
DELETIONS: Final = {
    "AWS::DynamoDB::Table": (
        "aws dynamodb update-table --no-deletion-protection-enabled --table-name {name}",
        "aws dynamodb delete-table --table-name {name}",
    ),
    "AWS::S3::Bucket": ("aws s3 rb --force s3://{name}",),
    "AWS::SecretsManager::Secret": ("aws secretsmanager delete-secret --secret-id {name}",),
}


@dataclass(frozen=True)
class Kept:
    logical_id: str
    resource_type: str
    name: str


def kept_resources(template: Template, names: Mapping[str, str]) -> list[Kept]:
    """Of a processed template. `names`: of what the stack has, by logical id."""
    return [
        Kept(logical_id, resource["Type"], names[logical_id])
        for logical_id, resource in template["Resources"].items()
        if resource.get("DeletionPolicy") == "Retain" and logical_id in names
    ]


def adopting_template(template: Template, kept: list[Kept]) -> dict[str, Any]:
    """A template of the kept resources alone: a change set that imports may hold nothing else."""
    resources = {thing.logical_id: template["Resources"][thing.logical_id] for thing in kept}
    needed = set(_references(resources))
    parameters = {name: told for name, told in template.get("Parameters", {}).items() if name in needed}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Parameters": parameters, "Resources": resources}


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from [part["Ref"]] if "Ref" in part else []
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def resources_to_import(kept: list[Kept]) -> list[dict[str, Any]]:
    """As `aws cloudformation create-change-set --resources-to-import` takes them."""
    return [
        {
            "ResourceType": thing.resource_type,
            "LogicalResourceId": thing.logical_id,
            "ResourceIdentifier": {IDENTIFIERS[thing.resource_type]: thing.name},
        }
        for thing in kept
    ]


def adopting_files(template: Template, kept: list[Kept]) -> dict[str, str]:
    """By the file's name."""
    return {
        "template.json": json.dumps(adopting_template(template, kept), indent=2) + "\n",
        "resources.json": json.dumps(resources_to_import(kept), indent=2) + "\n",
    }


def list_kept(kept: list[Kept]) -> str:
    return "\n".join(f"  {thing.logical_id:22}{thing.resource_type:29}{thing.name}" for thing in kept)


def say_what_can_be_done(stack: str, folder: str, kept: list[Kept]) -> str:
    files = f"--template-body file://{folder}/template.json --resources-to-import file://{folder}/resources.json"
    deletions = [f"  {line.format(name=thing.name)}" for thing in kept for line in DELETIONS[thing.resource_type]]
    return "\n".join(
        [
            "A new stack takes none of it by itself, and its own get other names. To give it to a new stack:",
            f"  aws cloudformation create-change-set --stack-name {stack} --change-set-name adopt \\",
            f"    --change-set-type IMPORT {files}",
            f"  aws cloudformation wait change-set-create-complete --stack-name {stack} --change-set-name adopt",
            f"  aws cloudformation execute-change-set --stack-name {stack} --change-set-name adopt",
            f"  aws cloudformation wait stack-import-complete --stack-name {stack}",
            "and deploy as before: `make deploy` adds the rest to that stack.",
            "To delete it for good:",
            *deletions,
        ]
    )
