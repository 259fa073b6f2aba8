"""`make deploy` and `make delete` with SAM CLI itself, against moto over HTTP: the template is ours, the code no."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.template_text import parse_template
from tests.local.deploying_account import REGION
from tools.deployment.settings import read_settings

ROOT = Path(__file__).parents[2]
STACK = "stepcall-dev"
DATA = ["DataBucket", "RunsTable", "WebhookSigningSecret", "WorkflowsTable"]
BUILD = "build:\n\t@echo $(ARCHITECTURE) > built_for\n"  # what it was asked for is all that `make build` does here
pytestmark = pytest.mark.skipif(not (ROOT / ".venv-sam/bin/sam").exists(), reason="no SAM CLI: run `make validate`")


@pytest.fixture(scope="module")
def account() -> Iterator[boto3.Session]:
    """moto's, at the address that AWS_ENDPOINT_URL then names for it and for what is started here."""
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": REGION}
    command = [sys.executable, "-m", "tests.local.deploying_account"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with (
        subprocess.Popen(command, cwd=ROOT, env=os.environ | keys, text=True, **pipes) as process,  # noqa: S603
        pytest.MonkeyPatch.context() as environment,
    ):
        assert process.stdout is not None
        for name, value in (keys | {"AWS_ENDPOINT_URL": process.stdout.readline().strip()}).items():
            environment.setenv(name, value)
        environment.setenv("SAM_CLI_POLL_DELAY", "0.1")
        environment.setenv(
            "PYTHONPATH", os.pathsep.join(str(ROOT / path) for path in ("layers/stepcall", "functions", "."))
        )
        yield boto3.Session()
        process.communicate(timeout=10)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name in ("template.yaml", "samconfig.toml"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "statemachine", folder / "statemachine")
    for code in ("functions", "layers/stepcall"):
        (folder / code).mkdir(parents=True)
        (folder / code / "app.py").write_text("def lambda_handler(event, context): ...\n")
    (folder / "Makefile").write_text(BUILD)
    (folder / ".venv-sam").symlink_to(ROOT / ".venv-sam")
    return folder


def run(project: Path, tool: str, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"tools.{tool}", *arguments]
    return subprocess.run(command, cwd=project, input=answer, capture_output=True, text=True, check=False)  # noqa: S603


@pytest.fixture(scope="module")
def first(account: boto3.Session, project: Path) -> subprocess.CompletedProcess[str]:
    return run(project, "deploy_stack", "--env", "dev", "--architecture", "x86_64")


def resources_of(account: boto3.Session) -> dict[str, str]:
    resources = account.client("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
    # moto tells nothing of what stands in for types that it does not know
    return {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources if "PhysicalResourceId" in r}


def events_of(account: boto3.Session) -> list[str]:
    events = account.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
    return [event["EventId"] for event in events]


def test_what_was_built_for_is_what_is_deployed(
    account: boto3.Session, project: Path, first: subprocess.CompletedProcess[str]
) -> None:
    assert first.returncode == 0, first.stdout + first.stderr
    assert (project / "built_for").read_text() == "x86_64\n"
    [stack] = account.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    parameters = {told["ParameterKey"]: told["ParameterValue"] for told in stack["Parameters"]}
    assert (parameters["Architecture"], parameters["LogRetentionDays"], parameters["Alarms"]) == (
        "x86_64",
        "7",
        "false",
    )


@pytest.mark.usefixtures("first")
def test_a_second_deployment_without_a_change_changes_nothing(account: boto3.Session, project: Path) -> None:
    resources, events = resources_of(account), events_of(account)
    second = run(project, "deploy_stack", "--env", "dev", "--architecture", "x86_64")
    assert (second.returncode, "No changes to deploy" in second.stdout) == (0, True), second.stdout + second.stderr
    assert (resources_of(account), events_of(account)) == (resources, events)


def test_a_stack_of_ones_own_is_asked_for_once(account: boto3.Session, project: Path) -> None:
    parameters = len(parse_template((ROOT / "template.yaml").read_text())["Parameters"])
    name_and_region, confirm_roles_rollback, faces, save_where = "mine\n\n", "\n" * 3, "y\n" * 4, "\n" * 3
    answers = name_and_region + "\n" * parameters + confirm_roles_rollback + faces + save_where + "y\n"

    asked = run(project, "deploy_stack", answer=answers)

    assert asked.returncode == 0, asked.stdout + asked.stderr
    settings = read_settings((project / "samconfig.own.toml").read_text(), "default")
    assert (settings.answered, settings.stack, settings.region, settings.architecture) == (
        True,
        "mine",
        REGION,
        "arm64",
    )
    again = run(project, "deploy_stack")
    assert (again.returncode, "No changes to deploy" in again.stdout) == (0, True), again.stdout + again.stderr
    account.client("cloudformation").delete_stack(StackName="mine")


@pytest.mark.usefixtures("first")
def test_a_stack_is_not_deleted_by_another_name(account: boto3.Session, project: Path) -> None:
    refused = run(project, "delete_stack", "--env", "dev", answer="stepcall-prod\n")
    assert (refused.returncode, refused.stderr) == (1, "Nothing was deleted.\n")
    assert account.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]


@pytest.mark.usefixtures("first")
def test_a_deleted_stack_keeps_its_data_and_says_so(account: boto3.Session, project: Path) -> None:
    names, events = resources_of(account), account.client("events")
    buses = {"default": f"{STACK}_0123456789abcdef", f"{STACK}-runs": "tr-03h9"}
    for bus, rule in buses.items():
        events.put_rule(Name=rule, EventBusName=bus, EventPattern='{"source": ["shop"]}')
        queue = f"arn:aws:sqs:{REGION}:123456789012:queue"
        events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "start", "Arn": queue}])
    events.put_rule(Name=f"{STACK}-of-another", EventPattern='{"source": ["shop"]}')

    deleted = run(project, "delete_stack", "--env", "dev", answer=f"{STACK}\n")

    assert deleted.returncode == 0, deleted.stdout + deleted.stderr
    said = deleted.stdout.split("is deleted. Kept")[1]
    assert [name for name in DATA if names[name] in said] == DATA
    tables = [table for table in account.client("dynamodb").list_tables()["TableNames"] if table.startswith(STACK)]
    assert sorted(tables) == sorted(names[table] for table in ("RunsTable", "WorkflowsTable"))
    assert names["DataBucket"] in [b["Name"] for b in account.client("s3").list_buckets()["Buckets"]]
    secrets = account.client("secretsmanager").list_secrets()["SecretList"]
    assert [secret["ARN"] for secret in secrets if STACK in secret["ARN"]] == [names["WebhookSigningSecret"]]
    assert account.client("lambda").list_functions()["Functions"] == []
    assert [rule["Name"] for rule in events.list_rules()["Rules"]] == [f"{STACK}-of-another"]
    assert [file.name for file in sorted((project / f"{STACK}.kept").iterdir())] == ["resources.json", "template.json"]
