"""What signs webhooks, and the signatures."""

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from stepcall.domain.webhook import Webhook, WebhookEvent
from stepcall.domain.webhook_signature import sign, spell_secret
from stepcall.runtime.webhook_secrets import WebhookSecrets

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WEBHOOK = Webhook(
    tenant="acme",
    workflow_id=UUID(int=1),
    webhook_id=UUID(int=2),
    url="https://example.com/hook",
    events=frozenset(WebhookEvent),
    created_at=NOW,
)
SECRETS = WebhookSecrets(lambda: "m" * 64)


def test_a_webhook_has_one_secret_of_256_bits_which_nothing_but_its_own_rotation_changes() -> None:
    [secret] = SECRETS.of_webhook(WEBHOOK, NOW)
    assert len(secret) == 32
    assert SECRETS.of_webhook(replace(WEBHOOK, url="https://other.example"), NOW) == [secret]
    assert SECRETS.of_webhook(replace(WEBHOOK, secret_version=2), NOW) != [secret]


def test_while_a_secret_is_rotated_the_one_before_signs_too() -> None:
    [first] = SECRETS.of_webhook(WEBHOOK, NOW)
    rotated = replace(WEBHOOK, secret_version=2, previous_secret_until=NOW + timedelta(hours=24))
    second, before = SECRETS.of_webhook(rotated, NOW)
    assert before == first
    assert SECRETS.of_webhook(rotated, NOW + timedelta(hours=24)) == [second]


def test_secrets_of_others_differ() -> None:
    others = [
        SECRETS.of_webhook(replace(WEBHOOK, webhook_id=UUID(int=3)), NOW),
        SECRETS.of_run(WEBHOOK.webhook_id),
        SECRETS.of_run(UUID(int=3)),
        WebhookSecrets(lambda: "n" * 64).of_webhook(WEBHOOK, NOW),
        SECRETS.of_webhook(WEBHOOK, NOW),
    ]
    assert len({secret for [secret] in others}) == len(others)


@pytest.mark.parametrize("body", [b"", b'{"type": "execution.completed"}', "ä".encode(), b"\x00\xff"])
def test_a_signature_is_of_id_time_and_body_by_each_secret(body: bytes) -> None:
    secrets = [b"a" * 32, b"b" * 32]
    expected = [
        "v1," + base64.b64encode(hmac.new(key, b"msg.1700000000." + body, hashlib.sha256).digest()).decode()
        for key in secrets
    ]
    assert sign(secrets, "msg", 1_700_000_000, body).split(" ") == expected


def test_a_secret_is_spelled_as_the_standard_says() -> None:
    assert spell_secret(bytes(32)) == "whsec_" + "A" * 43 + "="
