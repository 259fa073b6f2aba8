"""The local stack, put together: port, AWS, deployment, functions, gateway."""

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from moto import mock_aws

from local.background.agenda import Agenda
from local.background.stack_background import background_of
from local.deployment import Deployment, deploy
from local.environment import (
    FOREIGN,
    aws_variables,
    endpoint_variables,
    environment,
    function_variables,
    metric_variables,
)
from local.errors import UnknownLogLevelError
from local.gateway import Gateway
from local.http_server import HOST, Application, bind, mounted, served
from local.kept_values import forgotten_afterwards
from local.lambda_runtime import InProcessLambda, Run
from local.local_events import LocalEvents
from local.moto_world import abort_running_executions, corrected_moto, invocations_go_to
from local.moto_world.late_calls import late_calls_refused
from local.object_links import ObjectLinks
from local.own_functions import OwnFunction, own_functions
from local.seed import TENANT, put_local_api_key
from local.separate_requests import separate_requests
from local.template import REGION, read_template

REPOSITORY = Path(__file__).parents[1]
TEMPLATE = REPOSITORY / "template.yaml"
CODE = (REPOSITORY / "functions", REPOSITORY / "layers" / "stepcall")
S3_PREFIX = "/_local/s3"
OPENAI_PREFIX = "/_local/openai"
EVENTS_PREFIX = "/_local/events"
LOG_LEVELS = ("DEBUG", "INFO", "WARN", "ERROR")  # the template's
REQUEST_TOKEN = "local-token-7d1c"  # noqa: S105 - of `local-request-token`, which requests to allowed hosts may send
WORKFLOWS_TABLE = "WorkflowsTable"
EVENT_BUS = "RunEventBus"
IDLE_SECONDS = 1.0


class LocalStack:
    """The whole service while the context lasts; only one at a time in a process, for moto's state is the process's.

    `port` 0 takes a free one. `allowed_hosts` are the host:port that Web.Download may fetch although they are private.
    `code` are the folders that functions are imported from; `parameters` replaces parameters of the template.
    `now` is the clock of its schedules and retries: seconds since 1970; who moves it wakes `agenda`.
    `run` runs its functions' handlers. `own` are functions of the user's that tasks may invoke.
    """

    def __init__(
        self,
        template: Path = TEMPLATE,
        port: int = 0,
        allowed_hosts: Iterable[str] = (),
        code: Iterable[Path] = CODE,
        parameters: Mapping[str, str] | None = None,
        *,
        now: Callable[[], float] = time.time,
        run: Run | None = None,
        own: Iterable[OwnFunction] = (),
    ) -> None:
        self._template = template
        self._port = port
        self._allowed_hosts = tuple(allowed_hosts)
        self._code = tuple(code)
        self._parameters = dict(parameters or {})
        self._now = now
        self._run = run
        self._own = tuple(own)
        self._stack = ExitStack()
        self.url = ""
        self.deployment: Deployment
        self.functions: InProcessLambda
        self.agenda: Agenda

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Raises CannotStartError."""
        gc.disable()  # what is loaded now stays: the collector need not look at it, while it loads nor later
        try:
            with ExitStack() as stack:
                self._start(stack)
                self._stack = stack.pop_all()
        finally:
            gc.freeze()
            gc.enable()

    def stop(self) -> None:
        """Close the port, wind down, and put everything back as it was."""
        self._stack.close()
        gc.unfreeze()

    def wind_down(self) -> None:
        """Let no execution go on, nor the background, and give handlers that run a moment to end."""
        self.agenda.close()
        abort_running_executions()
        self.functions.wait_until_idle(IDLE_SECONDS)

    def _start(self, stack: ExitStack) -> None:
        bound = bind(self._port)
        stack.callback(bound.close)
        self.url = f"http://{HOST}:{bound.getsockname()[1]}"
        elsewhere = [*FOREIGN, *endpoint_variables()]
        stack.enter_context(environment(aws_variables(f"{self.url}{S3_PREFIX}"), without=elsewhere))
        stack.enter_context(mock_aws(config={"stepfunctions": {"execute_state_machine": True}}))
        stack.enter_context(late_calls_refused())  # it ends before moto does
        stack.enter_context(corrected_moto(self._at_aws))
        if self._parameters.get("Athena") == "true":
            stack.enter_context(with_athena())
        stack.enter_context(importable_from(self._code))
        stack.enter_context(forgotten_afterwards(self._code))
        self._deploy()
        stack.enter_context(own_functions(self._own))
        callable_here = (*self.deployment.functions, *(function.deployed() for function in self._own))
        self.functions = InProcessLambda(callable_here, self._run)
        stack.callback(self.functions.close)
        variables = function_variables(self.deployment.functions) | metric_variables(log_level())
        stack.enter_context(environment(variables))
        stack.enter_context(invocations_go_to(self.functions))
        stack.enter_context(separate_requests())
        self._seed()
        self.agenda = stack.enter_context(background_of(self.deployment, self.functions, self._now))
        stack.callback(self.wind_down)
        stack.enter_context(served(self._application(), bound))

    def _at_aws(self, url: str) -> str:
        """The URL that AWS would have in place of one of our own."""
        own = f"{self.url}{S3_PREFIX}"
        return f"https://s3.{REGION}.amazonaws.com{url.removeprefix(own)}" if url.startswith(f"{own}/") else url

    def _deploy(self) -> None:
        parameters = self._local_parameters() | self._parameters
        template = read_template(self._template, parameters)
        self.deployment = deploy(template, parameters)

    def _local_parameters(self) -> dict[str, str]:
        secrets = boto3.client("secretsmanager", region_name=REGION)
        secret = secrets.create_secret(Name="local-openai-api-key", SecretString="no-key-is-needed-here")
        for_requests = json.dumps({"value": REQUEST_TOKEN, "hosts": ",".join(self._allowed_hosts) or HOST})
        token = secrets.create_secret(Name="local-request-token", SecretString=for_requests)
        return {
            "Architecture": "x86_64",
            "DeletionProtection": "false",
            "FirstApiKeyTenant": TENANT,  # so that an event that names no tenant means whose key is at hand
            "LogLevel": log_level(),
            "OpenAiBaseUrl": f"{self.url}{OPENAI_PREFIX}/v1",
            "OpenAiDefaultModel": "extractive",
            "OpenAiApiKeySecretArn": secret["ARN"],
            "WebAllowedHosts": ",".join(self._allowed_hosts),
            "HttpSecretArns": token["ARN"],
            "InvokableFunctionArns": ",".join(function.arn for function in self._own),
        }

    def _seed(self) -> None:
        if WORKFLOWS_TABLE in self.deployment.names:
            put_local_api_key(self.deployment.names[WORKFLOWS_TABLE])

    def _application(self) -> Application:
        [(api_id, body)] = self.deployment.apis.items()
        inside: dict[str, Application] = {
            S3_PREFIX: ObjectLinks(self.url),
            OPENAI_PREFIX: chat_completions,
            EVENTS_PREFIX: LocalEvents(self.deployment.names.get(EVENT_BUS), self._now),
        }
        return mounted(inside, otherwise=Gateway(api_id, body, self.functions))


def chat_completions(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Imported by the first request: its summariser is slow to load."""
    answer: Iterable[bytes] = import_module("local.chat_completions").application(environ, start_response)
    return answer


def log_level() -> str:
    """LOG_LEVEL of this process; by default only what should not happen is logged. Raises UnknownLogLevelError."""
    level = os.environ.get("LOG_LEVEL", "WARN").upper()
    if level not in LOG_LEVELS:
        raise UnknownLogLevelError(f"LOG_LEVEL is {level}, and may be {', '.join(LOG_LEVELS)}.")
    return level


def with_athena() -> AbstractContextManager[None]:
    """Loaded when asked for: its engine, and moto's Glue, take a while."""
    import_module("local.moto_world.template_athena")
    queries: AbstractContextManager[None] = import_module("local.moto_world.athena_queries").athena_that_executes()
    return queries


@contextmanager
def importable_from(folders: Iterable[Path]) -> Iterator[None]:
    before = list(sys.path)
    sys.path[:0] = [str(folder) for folder in folders]
    try:
        yield
    finally:
        sys.path[:] = before
