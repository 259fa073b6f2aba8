"""A local stack whose AWS containers reach, and the template that tells them where it is."""

import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.aws_over_http import aws_over_http
from local.environment import metric_variables
from local.http_server import bind
from local.sam_local.docker import Network, own_network
from local.sam_local.needs import BUILT, SAM
from local.sam_local.template import write_template
from local.stack import OPENAI_PREFIX, LocalStack, chat_completions, log_level
from local.template import REGION

# What a command of SAM keeps of this process, where the functions' variables stand: SAM prefers them to the template's.
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY")


@dataclass(frozen=True)
class SamWorld:
    """`aws`: the URL of its AWS, the same for containers and for this machine."""

    stack: LocalStack
    network: Network
    aws: str
    template: Path

    def command(self, *words: str) -> list[str]:
        """`sam local …` against this world."""
        options = {
            "--template-file": str(self.template),
            "--docker-network": self.network.name,
            "--region": REGION,
            "--parameter-overrides": f"LogLevel={log_level()}",
        }
        return [str(SAM), "local", *words, "--skip-pull-image", *(word for pair in options.items() for word in pair)]

    def environment(self) -> dict[str, str]:
        """Of that command. SAM asks STS whose account it is: here too, or it would wait for the network.

        Credentials of nobody: functions get them, and moto takes any.
        """
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        nobody = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nobody"}
        files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        return {**kept, **nobody, **files, "AWS_ENDPOINT_URL": self.aws, "SAM_CLI_TELEMETRY": "0"}


@contextmanager
def sam_world(allowed_hosts: Iterable[str] = (), network: Network | None = None) -> Iterator[SamWorld]:
    """Raises CannotStartError. Without a network it has one of its own."""
    with ExitStack() as stack:
        reached = network or stack.enter_context(own_network())
        bound = bind(0, reached.gateway)
        stack.callback(bound.close)
        yield stack.enter_context(_world(reached, bound, tuple(allowed_hosts)))


@contextmanager
def _world(network: Network, bound: socket.socket, allowed_hosts: tuple[str, ...]) -> Iterator[SamWorld]:
    aws = f"http://{network.gateway}:{bound.getsockname()[1]}"
    parameters = {"OpenAiBaseUrl": f"{aws}{OPENAI_PREFIX}/v1"}
    with (
        LocalStack(allowed_hosts=allowed_hosts, parameters=parameters) as stack,
        aws_over_http(bound, {OPENAI_PREFIX: chat_completions}),
    ):
        variables = {"AWS_ENDPOINT_URL": aws, **metric_variables(log_level())}
        template = write_template(BUILT, network.name, stack.deployment.functions, variables)
        try:
            yield SamWorld(stack, network, aws, template)
        finally:
            template.unlink()
