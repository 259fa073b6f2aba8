"""No hostile target is connected to by Http.Request, whatever the method: the rules of Web.Download are its own."""

import socket
import uuid
from typing import Literal

import pytest

from run_web_task.http_request import request
from run_web_task.http_secrets import HttpSecrets
from stepcall.aws.secrets import SecretsReader
from stepcall.domain.errors import ErrorReason, PermanentTaskError
from stepcall.domain.task_contract import TaskContext
from stepcall.guarded_http.client import GuardedHttp
from stepcall.guarded_http.resolution import Address
from stepcall.tasks.http import RequestInput
from tests.hostile_targets import HOSTILE_TARGETS, resolve_hostile


def no_connection(_: Address, __: float) -> socket.socket:
    raise AssertionError("a hostile target was connected to")


def no_reader() -> SecretsReader:
    raise AssertionError("no secret is asked for")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("url", HOSTILE_TARGETS, ids=ascii)
def test_a_hostile_target_is_refused_before_anything_is_connected(url: str, method: Literal["GET", "POST"]) -> None:
    http = GuardedHttp(resolve=resolve_hostile, connect=no_connection)
    context = TaskContext(uuid.uuid4(), "local", "call", 0, lambda: 60.0)
    asked = RequestInput.model_construct(method=method, url=url, headers={}, body={"a": 1}, accept_statuses=[])
    with pytest.raises(PermanentTaskError) as refusal:
        request(asked, context, http, HttpSecrets({}, (), no_reader))
    assert refusal.value.reason in {ErrorReason.INVALID, ErrorReason.ACCESS_DENIED}
