"""An AWS account for `sam`: moto over HTTP, with a CloudFormation that transforms what SAM CLI sends, as AWS does.

    python -m tests.local.deploying_account    prints its URL, and ends when its stdin does

Of moto's change sets it mends what SAM CLI looks at: parameters, outputs and tags of a stack made by one, and
templates at another address than S3's.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import boto3
from moto.cloudformation.models import ChangeSet, CloudFormationBackend
from moto.cloudformation.responses import CloudFormationResponse
from moto.server import ThreadedMotoServer
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local.deployment import with_placeholder
from local.moto_world import template_secrets  # noqa: F401 - its import teaches moto what a secret is
from local.moto_world.replacing import replaced
from local.moto_world.template_speed import fast_templates
from local.template_text import parse_template

REGION = "eu-central-1"
Template = dict[str, Any]


def transform(template: Template, parameters: dict[str, str]) -> Template:
    """What CloudFormation makes of the macro AWS::Serverless, less the types that moto does not know."""
    if "Transform" not in template:
        return template
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
    transformed: Template = translator.translate(template, parameter_values=parameters)
    resources = {name: with_placeholder(resource) for name, resource in transformed["Resources"].items()}
    return {**transformed, "Resources": resources}


def _defaults(template: Template) -> dict[str, str]:
    """moto compares what was sent, AWS what holds."""
    return {name: str(told["Default"]) for name, told in template.get("Parameters", {}).items()}


@contextmanager
def mended_moto() -> Iterator[None]:
    create, apply = CloudFormationBackend.create_change_set, ChangeSet.apply
    read = CloudFormationResponse._get_stack_from_s3_url

    def create_transformed(self: Any, *, template: str, parameters: dict[str, str], **more: Any) -> Any:
        parsed = parse_template(template)
        values = {name: str(value) for name, value in (_defaults(parsed) | parameters).items()}
        return create(self, template=json.dumps(transform(parsed, values)), parameters=values, **more)

    def apply_wholly(self: Any) -> None:
        stack = self.stack
        stack.template, stack.parameters, stack.tags = self.template, self.parameters, self.tags or {}
        stack._parse_template()
        apply(self)
        stack.output_map = stack._create_output_map()

    def read_here(self: Any, template_url: str) -> Any:
        return read(self, f"https://s3.amazonaws.com{urlsplit(template_url).path}")

    with (
        fast_templates(),
        replaced(CloudFormationBackend, "create_change_set", create_transformed),
        replaced(ChangeSet, "apply", apply_wholly),
        replaced(CloudFormationResponse, "_get_stack_from_s3_url", read_here),
    ):
        yield


def main() -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with mended_moto():
        server.start()
        host, port = server.get_host_and_port()
        print(f"http://{host}:{port}", flush=True)
        sys.stdin.read()
        server.stop()


if __name__ == "__main__":
    main()
