"""The guard that keeps unit and contract tests off the network works; the files that are to begin are there."""

import socket
import urllib.request
from pathlib import Path

import boto3
import pytest

from tests.conftest import LONGEST


def test_a_unit_test_cannot_connect() -> None:
    with socket.socket() as plain, pytest.raises(pytest.fail.Exception, match=r"network.*127\.0\.0\.1"):
        plain.connect(("127.0.0.1", 9))


def test_a_unit_test_cannot_look_a_name_up() -> None:
    with pytest.raises(pytest.fail.Exception, match="network"):
        socket.getaddrinfo("example.com", 80)


def test_code_that_expects_network_errors_does_not_hide_the_attempt() -> None:
    with pytest.raises(pytest.fail.Exception, match="network"):
        urllib.request.urlopen("http://127.0.0.1:9/", timeout=1)


def test_an_aws_client_has_nobodys_credentials_and_reaches_nothing() -> None:
    client = boto3.client("sts")
    assert client.meta.region_name == "eu-central-1"
    with pytest.raises(pytest.fail.Exception, match="network"):
        client.get_caller_identity()


def test_the_files_that_begin_are_there() -> None:
    assert set(LONGEST) <= {path.name for path in Path(__file__).parents[1].glob("*/test_*.py")}
