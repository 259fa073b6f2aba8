"""`make delete`: deletes a deployed stack, and says what stays and what can be done with it."""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tools.deploy_stack import SAM, read_config
from tools.deployment.kept import Kept, adopting_files, kept_resources, list_kept, say_what_can_be_done
from tools.deployment.settings import OWN, Settings, SettingsError, read_settings
from tools.deployment.trigger_rules import delete_rule, find_trigger_rules

BUS = "RunEventBusName"


@dataclass(frozen=True)
class Deployed:
    """`template`: after the transform. `names`: of what the stack has, by logical id. `bus`: its own, if it has one."""

    template: dict[str, Any]
    names: dict[str, str]
    bus: str | None

    @property
    def kept(self) -> list[Kept]:
        return kept_resources(self.template, self.names)


def read_deployed(cloudformation: Any, stack: str) -> Deployed:
    """Raises ClientError, such as when there is no such stack."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    body = cloudformation.get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else dict(body)
    [described] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    named = [resource for resource in resources if "PhysicalResourceId" in resource]
    names = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in named}
    return Deployed(template, names, outputs.get(BUS))


def write_adopting_files(stack: str, deployed: Deployed) -> str:
    """The folder that holds them."""
    folder = Path(f"{stack}.kept")
    folder.mkdir(exist_ok=True)
    for name, text in adopting_files(deployed.template, deployed.kept).items():
        (folder / name).write_text(text)
    return str(folder)


def delete(settings: Settings, deployed: Deployed, events: Any, region: str) -> int:
    """SAM's exit code. Raises ClientError."""
    folder = write_adopting_files(settings.stack, deployed)
    for bus, rule in find_trigger_rules(events, settings.stack, deployed.bus):
        delete_rule(events, bus, rule)
        print(f"Deleted the rule {rule} of a trigger on the bus {bus}.")
    where = ["--stack-name", settings.stack, "--s3-prefix", settings.s3_prefix, "--region", region]
    code = subprocess.run([SAM, "delete", "--no-prompts", *where], check=False).returncode
    if code == 0:
        print(f"\nThe stack {settings.stack} is deleted. Kept, with all they hold:\n{list_kept(deployed.kept)}")
        print(say_what_can_be_done(settings.stack, folder, deployed.kept))
        print(f"The state machines {settings.stack}-… stay with the histories of their executions, and cost nothing.")
    return code


def agreed(stack: str, deployed: Deployed) -> bool:
    print(f"This deletes the stack {stack}. What it keeps, with all they hold:\n{list_kept(deployed.kept)}")
    return input("The name of the stack, if it shall be deleted: ").strip() == stack


def run(settings: Settings, *, confirmed: bool) -> int:
    session = boto3.Session(region_name=settings.region)
    deployed = read_deployed(session.client("cloudformation"), settings.stack)
    if not confirmed and not agreed(settings.stack, deployed):
        print("Nothing was deleted.", file=sys.stderr)
        return 1
    return delete(settings, deployed, session.client("events"), session.region_name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", default=OWN, help="environment of samconfig.toml; without it, the stack of your own")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    asked = parser.parse_args()
    try:
        return run(read_settings(read_config(asked.env), asked.env), confirmed=asked.yes)
    except (SettingsError, BotoCoreError, ClientError) as exc:
        print(f"The stack was not deleted: {exc}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
