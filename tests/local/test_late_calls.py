"""Nothing of the local stack reaches the network when the stack has ended."""

from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError
from botocore.session import Session
from moto import mock_aws

from local.moto_world.late_calls import late_calls_refused


def dynamodb() -> Any:
    once = Config(retries={"total_max_attempts": 1})
    return Session().create_client("dynamodb", region_name="eu-central-1", config=once)


def test_a_client_of_the_stack_is_refused_when_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with mock_aws(), late_calls_refused():
        client = dynamodb()
        assert client.list_tables()["TableNames"] == []
    with pytest.raises(ConnectionClosedError):
        client.list_tables()
    with mock_aws():
        assert dynamodb().list_tables()["TableNames"] == []
