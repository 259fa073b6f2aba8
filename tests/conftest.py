"""What every test has: no AWS account, in unit and contract tests no network, and a time and ids of its own."""

import gc
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn
from uuid import UUID

import pytest
from hypothesis import settings

from tests.clock import Clock, new_ids

WITHOUT_NETWORK = frozenset({"unit", "contract"})

LONGEST = (
    "test_enforced_roles.py",
    "test_asl_validator.py",
    "test_least_privilege.py",
    "test_schemathesis.py",
    "test_schemathesis_others.py",
    "test_demos.py",
    "test_drills.py",
    "test_sql_hostile.py",
    "test_same_answers.py",
)
"""Files that take so long that a processor would idle at the end, were they the last."""


# the same examples in every run: a test that fails now and then tells nobody what broke it
settings.register_profile("stepcall", derandomize=True, deadline=None)
settings.load_profile("stepcall")


def pytest_configure() -> None:
    """Credentials of nobody, before any fixture makes a client: nothing can reach an account by mistake."""
    gc.disable()  # what is loaded until the first test stays: the collector need not look at it, then nor later
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_ENDPOINT_URL"):
        os.environ.pop(name, None)
    os.environ.update(
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        AWS_DEFAULT_REGION="eu-central-1",
        AWS_REGION="eu-central-1",
        AWS_EC2_METADATA_DISABLED="true",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: `make check` hands files to processes in this order."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """In unit and contract tests a socket that connects, or a name that is looked up, fails the test."""
    if request.path.relative_to(Path(__file__).parent).parts[0] not in WITHOUT_NETWORK:
        return

    def refuse(*target: object, **_options: object) -> NoReturn:
        # not an OSError: what is tested would take that for a network that is down
        pytest.fail(f"A unit or contract test tried to reach the network: {target[-1]!r}.")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def new_id(clock: Clock) -> Callable[[], UUID]:
    return new_ids(clock)
