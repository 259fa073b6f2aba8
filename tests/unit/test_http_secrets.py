"""Secrets of requests: which there are, what they must hold, and where they may be sent."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from run_web_task.http_secrets import HttpSecrets, open_secret
from run_web_task.settings import WebSettings
from stepcall.aws.secrets import SecretNotReadableError, SecretsReader
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError, TaskError
from stepcall.guarded_http.targets import parse_target
from stepcall.runtime.settings import SettingsError

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:crm/key-AbCdEf"
VALUE = "t0ken-of-the-crm"
HOSTS = "api.example.com,api.example.net:8443,127.0.0.1:8000"


class FakeSecretsManager:
    """Holds one text; raises where that is an error."""

    def __init__(self, text: str | Exception) -> None:
        self.text = text

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803 (boto3's name)
        assert SecretId == ARN
        if isinstance(self.text, Exception):
            raise self.text
        return {"SecretString": self.text}


def spelled(**fields: Any) -> str:
    return json.dumps({"value": VALUE, "hosts": HOSTS} | fields)


def secrets_of(client: FakeSecretsManager) -> HttpSecrets:
    reader = SecretsReader(cast("SecretsManagerClient", client), lambda: 0.0, value_of=open_secret)
    return HttpSecrets({"crm/key": ARN}, {"127.0.0.1:8000"}, lambda: reader)


def ask(url: str, name: str = "crm/key", text: str | Exception = "") -> str:
    return secrets_of(FakeSecretsManager(text or spelled())).value_for(name, parse_target(url))


@pytest.mark.parametrize(
    "url", ["https://api.example.com/x?y", "https://API.example.com:443/", "https://api.example.net:8443/"]
)
def test_a_secret_is_for_the_hosts_that_it_names(url: str) -> None:
    assert ask(url) == VALUE


@pytest.mark.parametrize(
    "url",
    [
        "https://attacker.example/",
        "https://api.example.com.attacker.example/",
        "https://api.example.com:8443/",
        "https://api.example.net/",
        "https://x.api.example.com/",
    ],
)
def test_a_secret_is_for_no_other_host(url: str) -> None:
    with pytest.raises(PermanentTaskError, match=r"may not be sent to .* add the host to the secret's `hosts`") as no:
        ask(url)
    assert no.value.reason is ErrorReason.ACCESS_DENIED
    assert VALUE not in no.value.message


def test_a_secret_goes_without_tls_to_none_but_hosts_that_the_deployer_allows() -> None:
    assert ask("http://127.0.0.1:8000/") == VALUE
    with pytest.raises(PermanentTaskError, match="by https only"):
        ask("http://api.example.com/", text=spelled(hosts="api.example.com,api.example.com:80"))


def test_a_secret_that_the_deployer_has_not_listed_is_not_there() -> None:
    with pytest.raises(PermanentTaskError, match=r"no secret `erp/key` for requests; .* HttpSecretArns") as no:
        ask("https://api.example.com/", "erp/key")
    assert "crm" not in no.value.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        VALUE,
        f'{{"value": "{VALUE}',
        f'["{VALUE}"]',
        json.dumps({"value": VALUE}),
        json.dumps({"api_key": VALUE, "hosts": HOSTS}),
        spelled(value=""),
        spelled(value=7),
        spelled(value=f"{VALUE}\r\nx-injected: 1"),
        spelled(value=f"{VALUE}é"),
        spelled(hosts=""),
        spelled(hosts=","),
        spelled(hosts=["api.example.com"]),
        spelled(hosts="*"),
        spelled(hosts="https://api.example.com"),
    ],
)
def test_a_secret_that_is_no_value_with_its_hosts_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(SecretNotReadableError) as caught:
        open_secret(text)
    error: BaseException | None = caught.value
    while error:
        assert VALUE not in str(error)
        error = error.__context__


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("AccessDeniedException", PermanentTaskError, ErrorReason.ACCESS_DENIED),
        ("ResourceNotFoundException", PermanentTaskError, ErrorReason.ACCESS_DENIED),
        ("ThrottlingException", RetryableTaskError, ErrorReason.BACKEND_ERROR),
    ],
)
def test_a_secret_that_cannot_be_read_fails_the_task_without_its_arn(
    code: str, kind: type[TaskError], reason: ErrorReason
) -> None:
    with pytest.raises(kind) as failure:
        ask("https://api.example.com/", text=ClientError({"Error": {"Code": code, "Message": ARN}}, "GetSecretValue"))
    assert failure.value.reason is reason
    assert "`crm/key`" in failure.value.message
    assert "arn:" not in failure.value.message


def test_a_secret_has_changed_when_it_was_given_another_value() -> None:
    client = FakeSecretsManager(spelled())
    secrets, target = secrets_of(client), parse_target("https://api.example.com/")
    assert secrets.value_for("crm/key", target) == VALUE
    assert not secrets.has_changed("crm/key")
    client.text = spelled(value="t0ken-2")
    assert secrets.has_changed("crm/key")
    assert secrets.value_for("crm/key", target) == "t0ken-2"


@pytest.mark.parametrize(
    ("arns", "by_name"),
    [
        ("", {}),
        (ARN, {"crm/key": ARN}),
        (f"{ARN},{ARN[:-14]}erp-a1B2c3", {"crm/key": ARN, "erp": f"{ARN[:-14]}erp-a1B2c3"}),
    ],
)
def test_secrets_are_called_by_the_names_that_secrets_manager_calls_them_by(
    arns: str, by_name: Mapping[str, str]
) -> None:
    assert WebSettings.from_env({"HTTP_SECRET_ARNS": arns}).http_secret_arns == by_name


def test_two_secrets_of_one_name_are_refused() -> None:
    with pytest.raises(SettingsError, match="two secrets called crm/key"):
        WebSettings.from_env({"HTTP_SECRET_ARNS": f"{ARN},{ARN.replace('eu-west-1', 'eu-west-2')}"})


def test_no_client_is_made_before_a_secret_is_asked_for() -> None:
    def make() -> SecretsReader:
        raise AssertionError("too early")

    with pytest.raises(PermanentTaskError):
        HttpSecrets({}, (), make).value_for("crm/key", parse_target("https://api.example.com/"))
