"""Whether a pre-signed link is as it was signed and still good: both kinds that boto3 makes, by botocore's signers."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from botocore.auth import HmacV1QueryAuth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

SIGNED_AT = "%Y%m%dT%H%M%SZ"


class RefusedLinkError(Exception):
    """The link does not open; the text is S3's error code."""


class SignedUntil(HmacV1QueryAuth):
    """Signs for an end that is given, not for one that counts from now."""

    def __init__(self, credentials: Credentials, until: str) -> None:
        super().__init__(credentials)
        self._until = until

    def _get_date(self) -> str:
        return self._until


def check_link(method: str, url: str, object_path: str, credentials: Credentials, region: str) -> None:
    """`object_path` is `/bucket/key` as it stands in the URL. Raises RefusedLinkError."""
    query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    try:
        if "X-Amz-Signature" in query:
            given, good_until, right = query["X-Amz-Signature"], *_version_4(method, url, query, credentials, region)
        else:
            given, good_until, right = query["Signature"], *_version_2(method, url, query, object_path, credentials)
    except (KeyError, ValueError, OverflowError) as exc:
        raise RefusedLinkError("AccessDenied") from exc
    if not hmac.compare_digest(given.encode(), right.encode()):
        raise RefusedLinkError("SignatureDoesNotMatch")
    if datetime.now(UTC) > good_until:
        raise RefusedLinkError("AccessDenied")


def _version_4(
    method: str, url: str, query: Mapping[str, str], credentials: Credentials, region: str
) -> tuple[datetime, str]:
    signed_at, expires = query["X-Amz-Date"], int(query["X-Amz-Expires"])
    good_until = datetime.strptime(signed_at, SIGNED_AT).replace(tzinfo=UTC) + timedelta(seconds=expires)
    bare, _, parts = url.partition("?")
    signed = "&".join(part for part in parts.split("&") if not part.startswith("X-Amz-Signature="))
    request = AWSRequest(method, f"{bare}?{signed}")
    request.context["timestamp"] = signed_at
    signer: Any = S3SigV4QueryAuth(credentials, "s3", region, expires=expires)
    return good_until, signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)


def _version_2(
    method: str, url: str, query: Mapping[str, str], object_path: str, credentials: Credentials
) -> tuple[datetime, str]:
    signer: Any = SignedUntil(credentials, query["Expires"])
    signature = signer.get_signature(method, urlsplit(url), HTTPHeaders(), auth_path=object_path)
    return datetime.fromtimestamp(int(query["Expires"]), UTC), signature
