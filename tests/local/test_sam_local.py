"""What of `make sam-local` needs no Docker engine: the template that SAM gets, and how it is said what is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.lambda_runtime import Function
from local.sam_local.invoke import Invoked, is_error
from local.sam_local.needs import built_architecture
from local.sam_local.template import write_template

ROOT = Path(__file__).parents[2]
BUILT = """
Globals: {Function: {Runtime: python3.13, Environment: {Variables: {TABLE: !Ref Table}}}}
Resources:
  Table: {Type: AWS::DynamoDB::Table}
  OneFunction:
    Type: AWS::Serverless::Function
    Properties: {Handler: one.handler, CodeUri: OneFunction, Environment: {Variables: {ROLE: !GetAtt Role.Arn}}}
"""


def test_every_variable_of_a_function_is_written_out_and_its_aws_beside_them(tmp_path: Path) -> None:
    built = tmp_path / "template.yaml"
    built.write_text(BUILT)
    variables = {"TABLE": "stepcall-Table-1", "ROLE": "arn:aws:iam::123456789012:role/a"}
    function = Function("OneFunction", "stepcall-One", "arn:one", "one.handler", 3, 128, variables)
    path = write_template(built, "net", [function], {"AWS_ENDPOINT_URL": "http://192.0.2.1:1"})
    assert path.parent == built.parent, "its paths are relative"
    written = json.loads(path.read_text())
    assert written["Globals"] == {"Function": {"Runtime": "python3.13"}}
    assert written["Resources"]["OneFunction"]["Properties"] == {
        "Handler": "one.handler",
        "CodeUri": "OneFunction",
        "Environment": {"Variables": {**variables, "AWS_ENDPOINT_URL": "http://192.0.2.1:1"}},
    }
    assert written["Resources"]["Table"] == {"Type": "AWS::DynamoDB::Table"}


def test_without_a_docker_engine_it_says_so_and_ends_with_1() -> None:
    env = {**os.environ, "DOCKER_HOST": "tcp://127.0.0.1:9"}
    command = [sys.executable, "-m", "local.sam_local", "--check"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "sam local cannot start: No Docker engine answers here.\n"


def test_what_is_built_says_for_which_processor(tmp_path: Path) -> None:
    (tmp_path / "build.toml").write_text('[function_build_definitions.a]\narchitecture = "arm64"\n')
    assert built_architecture(tmp_path / "build" / "template.yaml") == "arm64"


@pytest.mark.parametrize(
    ("payload", "has_failed"),
    [
        ('{"errorMessage": "no", "errorType": "ValueError", "requestId": "1", "stackTrace": []}', True),
        ("", True),  # of a function that took too long SAM prints nothing
        ("null", False),
        ('{"statusCode": 400, "body": "{\\"errorType\\": 1}"}', False),
    ],
)
def test_an_invocation_has_failed_when_its_payload_says_so(payload: str, has_failed: bool) -> None:
    assert Invoked(payload, log="").has_failed is has_failed


def test_an_error_is_what_lambda_describes_as_one() -> None:
    assert not is_error({"errorType": "one of several fields"})
