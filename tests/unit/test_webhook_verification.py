"""Receivers verify what Stepcall signs with the standard's own library: PyPI's `standardwebhooks`."""

import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from stepcall.domain.webhook_signature import sign, spell_secret

FIRST, SECOND, OTHER = (bytes([number]) * 32 for number in (1, 2, 3))
BODY = '{"type": "execution.completed", "data": {"name": "Zusammenfassung für Köln"}}'.encode()
ID = "f24f8cc6-95a0-5050-96fa-54dcb5fdcc65"
TOLERANCE = 5 * 60


def sent(*secrets: bytes, age: int = 0) -> dict[str, str]:
    """The headers of an attempt that was made so many seconds ago."""
    timestamp = int(time.time()) - age
    return {
        "Webhook-Id": ID,
        "Webhook-Timestamp": str(timestamp),
        "Webhook-Signature": sign(secrets, ID, timestamp, BODY),
    }


def test_the_library_accepts_what_is_signed_with_its_secret() -> None:
    assert Webhook(spell_secret(FIRST)).verify(BODY, sent(FIRST))["type"] == "execution.completed"


@pytest.mark.parametrize("receiver", [FIRST, SECOND])
def test_while_a_secret_is_rotated_receivers_with_either_accept(receiver: bytes) -> None:
    headers = sent(SECOND, FIRST)
    assert len(headers["Webhook-Signature"].split(" ")) == 2
    assert Webhook(spell_secret(receiver)).verify(BODY, headers)


@pytest.mark.parametrize("signers", [(FIRST,), (SECOND, FIRST)])
def test_the_library_refuses_another_body_another_id_and_another_secret(signers: tuple[bytes, ...]) -> None:
    headers, receiver = sent(*signers), Webhook(spell_secret(FIRST))
    assert receiver.verify(BODY, headers)
    for verifier, body, changed in (
        (receiver, BODY + b" ", {}),
        (receiver, BODY.replace(b"completed", b"cancelled"), {}),
        (receiver, BODY, {"Webhook-Id": "another"}),
        (receiver, BODY, {"Webhook-Timestamp": str(int(headers["Webhook-Timestamp"]) - 1)}),
        (Webhook(spell_secret(OTHER)), BODY, {}),
    ):
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            verifier.verify(body, headers | changed)


def test_the_library_refuses_what_is_old_and_what_is_of_the_future() -> None:
    receiver = Webhook(spell_secret(FIRST))
    assert receiver.verify(BODY, sent(FIRST, age=TOLERANCE - 60))
    for age, word in ((TOLERANCE + 60, "old"), (-TOLERANCE - 60, "new")):
        with pytest.raises(WebhookVerificationError, match=f"too {word}"):
            receiver.verify(BODY, sent(FIRST, age=age))
