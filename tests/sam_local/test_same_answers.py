"""`make sam-local` answers as `make serve` does: the same conversation with both, compared byte for byte."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.sam_local.docker import containers_of, has_network, network_of
from tests.sam_local.conversation import talk
from tests.sam_local.exchanges import Conversation, Exchange, differences

ROOT = Path(__file__).parents[2]
END_SECONDS = 60


@contextmanager
def serving(module: str, log: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The process and its URL; it is ended as Ctrl-C ends it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with (
        log.open("w") as kept,
        subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", module, "--port", "0"],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=kept,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            ready = process.stdout.readline().split()
            assert ready[:1] == ["ready"], log.read_text()
            yield process, ready[1]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(END_SECONDS)


def said_to(url: str) -> list[Exchange]:
    conversation = Conversation(url)
    try:
        talk(conversation)
    finally:
        conversation.close()
    return conversation.exchanges


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


def test_every_face_answers_through_sam_local_as_it_does_in_make_serve(logs: Path) -> None:
    with serving("local.serve", logs / "serve") as (_, url):
        expected = said_to(url)
    with serving("local.sam_local", logs / "sam") as (process, url):
        network = network_of(process.pid)
        assert containers_of(network), "sam local has a container there"
        answered = said_to(url)
    found = "\n".join(differences(answered, expected))
    assert found == ""
    assert {exchange.status for exchange in answered} >= {200, 201, 202, 204, 400, 401, 404, 409, 422}
    # and when it was interrupted, nothing is left
    assert process.returncode == 0
    assert not has_network(network), "nor any container: a network that has one cannot be removed"
