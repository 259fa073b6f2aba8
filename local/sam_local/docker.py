"""The Docker engine of this machine, asked by its command line as `docker` would be by hand."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from local.errors import DockerError

ENGINE_SECONDS = 60


class Network(NamedTuple):
    """`gateway`: the address of this machine that the network's containers reach, and nobody outside of it."""

    name: str
    gateway: str


def engine_answers() -> bool:
    return _run("version", "--format", "{{.Server.Version}}").returncode == 0


def has_image(name: str) -> bool:
    return _run("image", "inspect", name).returncode == 0


@contextmanager
def own_network() -> Iterator[Network]:
    """A network of this process. Whatever container is still in it at the end is removed, and so is the network.

    It says which containers are ours: `sam local` gives them neither name nor label. Raises DockerError.
    """
    name = network_of(os.getpid())
    try:
        _ask("network", "create", name)
        gateway = _ask("network", "inspect", name, "--format", "{{(index .IPAM.Config 0).Gateway}}")
        yield Network(name, gateway)
    finally:
        for container in containers_of(name):
            _run("rm", "--force", container)
        _run("network", "rm", name)


def network_of(process_id: int) -> str:
    return f"stepcall-sam-local-{process_id}"


def has_network(name: str) -> bool:
    return _run("network", "inspect", name).returncode == 0


def containers_of(network: str) -> list[str]:
    """Running or not."""
    return _ask("ps", "--all", "--quiet", "--filter", f"network={network}").split()


def _ask(*arguments: str) -> str:
    done = _run(*arguments)
    if done.returncode != 0:
        raise DockerError(f"docker {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    docker = shutil.which("docker")
    if docker is None:
        return subprocess.CompletedProcess(arguments, 127, "", "there is no docker command")
    return subprocess.run(  # noqa: S603
        [docker, *arguments], capture_output=True, text=True, check=False, timeout=ENGINE_SECONDS
    )
