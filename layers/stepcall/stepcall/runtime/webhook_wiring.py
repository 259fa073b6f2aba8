"""What webhooks take, put together when somebody first asks for them: no face loads it with itself."""

import time
from functools import cache

from stepcall.aws.secrets import SecretsReader, SecretsUnavailableError
from stepcall.domain.webhook_errors import WebhookRefusedError, WebhookSecretsUnavailableError
from stepcall.guarded_http.webhook_urls import find_fault
from stepcall.runtime.allowed_hosts import AllowedHostSettings
from stepcall.runtime.client_wiring import dynamodb, secretsmanager
from stepcall.runtime.settings import StoreSettings, WebhookSettings
from stepcall.runtime.webhook_secrets import WebhookSecrets
from stepcall.runtime.wiring import face_dependencies
from stepcall.stores.dynamo_webhook_store import DynamoWebhookStore
from stepcall.use_cases.webhook_dependencies import WebhookDependencies

OF_RUN = "/webhook_url"


@cache
def webhooks() -> DynamoWebhookStore:
    """For who changes subscriptions, and for who sends to them."""
    return DynamoWebhookStore(dynamodb(), StoreSettings.from_env().workflows_table)


@cache
def webhook_secrets() -> WebhookSecrets:
    """Raises, when asked for one, WebhookSecretsUnavailableError; SecretNotReadableError is the deployment's fault."""
    return WebhookSecrets(_read_signing_secret)


@cache
def webhook_dependencies() -> WebhookDependencies:
    face = face_dependencies()
    return WebhookDependencies(
        workflows=face.workflows,
        webhooks=webhooks(),
        secrets=webhook_secrets(),
        check_url=check_url,
        new_id=face.new_id,
        now=face.now,
        log=face.log,
    )


def check_url(url: str, location: str) -> None:
    """Raises WebhookRefusedError."""
    if fault := find_fault(url, AllowedHostSettings.from_env().hosts, location):
        raise WebhookRefusedError(fault)


def admit_webhook_url(url: str) -> None:
    """See FaceDependencies."""
    check_url(url, OF_RUN)
    _read_signing_secret()  # its caller is told what is signed with, or nothing is started


@cache
def _secrets_reader() -> SecretsReader:
    return SecretsReader(secretsmanager(), time.monotonic)


def _read_signing_secret() -> str:
    try:
        return _secrets_reader().get(WebhookSettings.from_env().secret_arn)
    except SecretsUnavailableError as exc:
        raise WebhookSecretsUnavailableError("The secret that webhooks are signed with cannot be read.") from exc
