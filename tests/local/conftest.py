"""The fixture service, served by a local stack in a process of its own: moto has room for one world in each."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.described_service import Service, described_service
from tests.local.http_client import Client

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def service_url() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.local.fixture_service"]
    with subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, "the fixture service did not start; its stderr says why"
        yield url
        process.communicate(timeout=10)  # closes its stdin
        assert process.returncode == 0


@pytest.fixture
def client(service_url: str) -> Iterator[Client]:
    client = Client(service_url)
    yield client
    client.close()


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with described_service() as service:
        yield service
