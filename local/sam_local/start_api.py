"""`sam local start-api`, as a process of its own."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from local.errors import SamLocalError
from local.http_server import HOST, bind
from local.sam_local.needs import REPOSITORY
from local.sam_local.world import SamWorld

READY_SECONDS = 180.0  # the first request builds an image of the layer, and starts a container
END_SECONDS = 30.0
POLL_SECONDS = 0.2


class StartedApi(NamedTuple):
    url: str
    process: "subprocess.Popen[bytes]"


def require_alive(process: "subprocess.Popen[bytes]") -> None:
    """Raises SamLocalError."""
    if process.poll() is not None:
        raise SamLocalError(f"sam local start-api has ended with {process.returncode}.")


@contextmanager
def start_api(world: SamWorld, port: int, log: int) -> Iterator[StartedApi]:
    """Answering, and each container stays for the next request. Raises CannotStartError.

    `port` 0 takes a free one; `log` is a file descriptor.
    It is no member of this process's group: Ctrl-C is for us, and ends it when the context does.
    """
    url = f"http://{HOST}:{_free(port)}"
    options = ["--port", url.rpartition(":")[2], "--warm-containers", "LAZY", "--no-watch"]
    with subprocess.Popen(  # noqa: S603
        [*world.command("start-api"), *options],
        cwd=REPOSITORY,
        env=world.environment(),
        stdout=log,
        stderr=log,
        start_new_session=True,
    ) as process:
        try:
            _wait_for_health(process, url)
            yield StartedApi(url, process)
        finally:
            _end(process)


def _free(port: int) -> int:
    """The port, or a free one for 0. Raises PortInUseError."""
    with bind(port) as bound:
        free: int = bound.getsockname()[1]
    return free


def _wait_for_health(process: "subprocess.Popen[bytes]", url: str) -> None:
    direct, deadline = build_opener(ProxyHandler({})), time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        require_alive(process)
        try:
            with direct.open(f"{url}/health", timeout=READY_SECONDS):
                return
        except HTTPError as exc:
            with exc:
                raise SamLocalError(f"GET /health: {exc.code}. {exc.read(300).decode()}") from exc
        except OSError:  # it does not listen yet
            time.sleep(POLL_SECONDS)
    raise SamLocalError(f"sam local start-api does not answer after {READY_SECONDS:.0f} seconds.")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """SAM removes its containers when it is interrupted. If it does not end, whoever made the network removes them."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
