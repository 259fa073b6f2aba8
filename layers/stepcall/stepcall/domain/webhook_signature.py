"""Standard Webhooks' signatures: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md."""

import hmac
from base64 import b64encode

from stepcall.domain.webhook import Secrets

SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with


def spell_secret(secret: bytes) -> str:
    """As receivers' libraries take it."""
    return SECRET_PREFIX + b64encode(secret).decode()


def sign(secrets: Secrets, message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: a signature by each secret. `timestamp` is the attempt's, in Unix seconds."""
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return " ".join(f"v1,{b64encode(hmac.digest(secret, signed, 'sha256')).decode()}" for secret in secrets)
