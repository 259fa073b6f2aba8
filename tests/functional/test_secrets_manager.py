"""The secrets reader on moto's Secrets Manager."""

import time

import pytest

from local.stack import LocalStack
from stepcall.aws.secrets import SecretNotReadableError, SecretsReader
from stepcall.runtime.client_wiring import make_client


def test_a_rotated_secret_is_read_again_when_it_is_rejected(stack: LocalStack) -> None:
    client = make_client("secretsmanager")
    arn = client.create_secret(Name="rotated", SecretString="sk-1")["ARN"]
    secrets = SecretsReader(client, time.monotonic)
    rejected = secrets.get(arn)
    client.put_secret_value(SecretId=arn, SecretString='{"api_key": "sk-2"}')
    assert secrets.get(arn) == "sk-1", "kept"
    assert secrets.get_changed(arn, rejected) == "sk-2"


def test_a_secret_that_is_not_there_is_not_readable(stack: LocalStack) -> None:
    with pytest.raises(SecretNotReadableError):
        SecretsReader(make_client("secretsmanager"), time.monotonic).get(
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:none-AbCdEf"
        )


def test_a_binary_secret_is_not_readable(stack: LocalStack) -> None:
    client = make_client("secretsmanager")
    arn = client.create_secret(Name="binary", SecretBinary=b"\x00\x01")["ARN"]
    with pytest.raises(SecretNotReadableError):
        SecretsReader(client, time.monotonic).get(arn)
