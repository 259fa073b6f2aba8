"""Functions as they run on Lambda: python3.13, and the folders that `make build` puts into the zips, with their .pyc.

Without a python3.13 (or on a system whose packages are not Lambda's) it is the development environment and the sources.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.machine import ROOT
from tools.lambda_build.build_artifact import LAYER_ID, install, read_pins

FOLDER = ROOT / ".bench" / "lambda"
SCRIPTS = ROOT / "tools" / "lambda_build"
ARCHITECTURES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "AMD64": "x86_64"}
BOTO3 = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")  # Lambda's runtime has it
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:stepcall-"
ENVIRONMENT = {
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "POWERTOOLS_SERVICE_NAME": "stepcall",
    "WORKFLOWS_TABLE": "workflows",
    "RUNS_TABLE": "runs",
    "DATA_BUCKET": "data",
    "FIRST_API_KEY_TENANT": "default",
    "RATE_LIMITS_TABLE": "rate_limits",
    "RUN_RETENTION_DAYS": "90",
    "MAX_RUNNING_RUNS": "500",
    "RUN_DEADLINE_HOURS": "168",
    "STATE_MACHINE_PREFIX": "stepcall",
    "STATE_MACHINE_ROLE_ARN": "arn:aws:iam::123456789012:role/stepcall-state-machine",
    "RUN_WEB_TASK_ARN": ARN + "run-web-task",
    "RUN_AI_TASK_ARN": ARN + "run-ai-task",
    "RUN_DATA_TASK_ARN": ARN + "run-data-task",
    "RUN_WORKFLOW_TASK_ARN": ARN + "run-workflow-task",
    "RUN_SQL_TASK_ARN": ARN + "run-sql-task",
    "RUN_LAMBDA_TASK_ARN": ARN + "run-lambda-task",
    "FINISH_RUN_ARN": ARN + "finish-run",
    "OPENAI_BASE_URL": "https://api.openai.com/v1",
    "OPENAI_DEFAULT_MODEL": "gpt-5-mini",
    "OPENAI_API_KEY_SECRET_ARN": "",
    "WEB_ALLOWED_HOSTS": "",
    "HTTP_SECRET_ARNS": "",
    "INVOKABLE_FUNCTION_ARNS": "",
}


@dataclass(frozen=True)
class LambdaPython:
    """An interpreter and where it finds boto3, the layer and each function."""

    interpreter: str
    description: str
    shared: tuple[Path, ...]
    of_function: dict[str, Path]

    def run(self, module: str, function: str, *arguments: str) -> Any:
        """What a module of this package prints as JSON, run in a fresh process as that function."""
        folders = (self.of_function[function], *self.shared, ROOT)
        done = subprocess.run(  # noqa: S603
            [self.interpreter, "-s", "-m", f"tests.benchmarks.{module}", *arguments],
            env=ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(map(str, folders)), "PATH": os.defpath},
            cwd=FOLDER,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{module} as {function} ended with {done.returncode}:\n{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])  # what it logs stands before


def prepare(functions: Iterable[str]) -> LambdaPython:
    FOLDER.mkdir(parents=True, exist_ok=True)
    python313 = _find_python313()
    if python313 and platform.system() == "Linux":
        return _as_built(python313, functions)
    return _as_developed(functions)


def _as_built(python313: str, functions: Iterable[str]) -> LambdaPython:
    shutil.rmtree(FOLDER)
    layer, boto3 = FOLDER / LAYER_ID, FOLDER / "boto3"
    _build(python313, LAYER_ID, layer)
    of_function = {name: FOLDER / name for name in functions}
    for name, folder in of_function.items():
        _build(python313, f"{name.title().replace('_', '')}Function", folder)
    pins = read_pins(ROOT / "requirements-dev.txt")
    install({name: pins[name] for name in BOTO3}, boto3, _architecture())
    subprocess.run([python313, "-m", "compileall", "-q", str(boto3)], check=True)  # noqa: S603
    return LambdaPython(python313, "python3.13, the folders of `make build`", (layer / "python", boto3), of_function)


def _as_developed(functions: Iterable[str]) -> LambdaPython:
    version = platform.python_version()
    return LambdaPython(
        sys.executable,
        f"python{version}, the sources: no python3.13 on this machine that runs Lambda's packages",
        (ROOT / "layers" / "stepcall",),
        dict.fromkeys(functions, ROOT / "functions"),
    )


def _build(python313: str, logical_id: str, artifacts: Path) -> None:
    script = SCRIPTS / "build_artifact.py"
    subprocess.run([python313, str(script), logical_id, _architecture(), str(artifacts)], check=True)  # noqa: S603


def _architecture() -> str:
    return ARCHITECTURES[platform.machine()]


def _find_python313() -> str | None:
    done = subprocess.run(["sh", str(SCRIPTS / "find_python313.sh")], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return done.stdout.strip() or None
