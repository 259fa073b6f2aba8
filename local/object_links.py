"""Pre-signed links to objects of the bucket, opened on the local stack's own port.

boto3 signs them for the endpoint of AWS_ENDPOINT_URL_S3, which is this one; the signature and the expiry are checked
as S3 checks them, by botocore's own signer. Only GET and HEAD of one object are served: everything else that S3 can do
is for boto3 clients inside the process.
"""

import hmac
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

import boto3
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from local.template import REGION

if TYPE_CHECKING:
    from botocore.credentials import Credentials

SIGNED_AT = "%Y%m%dT%H%M%SZ"
CHUNK_BYTES = 256 * 1024
HEADERS = {
    "content-type": "ContentType",
    "content-length": "ContentLength",
    "content-range": "ContentRange",
    "content-encoding": "ContentEncoding",
    "content-disposition": "ContentDisposition",
    "etag": "ETag",
}
OVERRIDES = {
    "response-content-type": "ResponseContentType",
    "response-content-disposition": "ResponseContentDisposition",
}
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class RefusedLinkError(Exception):
    """S3's error code for a link that does not open."""


class ObjectLinks:
    """A WSGI application. `origin` is the scheme, host and port it is reached at."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._s3 = boto3.client("s3", region_name=REGION)
        self._credentials = cast("Credentials", boto3.Session().get_credentials())  # moto's, from the environment

    def __call__(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        try:
            self._check(environ)
            return self._send(environ, start_response)
        except RefusedLinkError as exc:
            return _refuse("403 Forbidden", str(exc), start_response)
        except ClientError as exc:
            return _refuse("404 Not Found", exc.response["Error"]["Code"], start_response)

    def _check(self, environ: Mapping[str, Any]) -> None:
        query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or "X-Amz-Signature" not in query:
            raise RefusedLinkError("AccessDenied")
        try:
            signed_at = datetime.strptime(query["X-Amz-Date"], SIGNED_AT).replace(tzinfo=UTC)
            expires = int(query["X-Amz-Expires"])
        except (KeyError, ValueError) as exc:
            raise RefusedLinkError("AuthorizationQueryParametersError") from exc
        if datetime.now(UTC) > signed_at + timedelta(seconds=expires):
            raise RefusedLinkError("AccessDenied")
        if not hmac.compare_digest(query["X-Amz-Signature"], self._signature(environ, query["X-Amz-Date"], expires)):
            raise RefusedLinkError("SignatureDoesNotMatch")

    def _signature(self, environ: Mapping[str, Any], signed_at: str, expires: int) -> str:
        path, _, query = environ["REQUEST_URI"].partition("?")
        signed = "&".join(part for part in query.split("&") if not part.startswith("X-Amz-Signature="))
        request = AWSRequest(environ["REQUEST_METHOD"], f"{self._origin}{path}?{signed}")
        request.context["timestamp"] = signed_at
        signer = S3SigV4QueryAuth(self._credentials, "s3", REGION, expires=expires)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        signature: str = signer.signature(text, request)
        return signature

    def _send(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        bucket, _, key = environ["PATH_INFO"].encode("latin-1").decode().lstrip("/").partition("/")
        wanted = {"Range": environ["HTTP_RANGE"]} if "HTTP_RANGE" in environ else {}
        query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
        wanted |= {argument: query[name] for name, argument in OVERRIDES.items() if name in query}
        found: dict[str, Any] = dict(self._s3.get_object(Bucket=bucket, Key=key, **wanted))
        headers = [(name, str(found[field])) for name, field in HEADERS.items() if field in found]
        start_response("206 Partial Content" if "ContentRange" in found else "200 OK", headers)
        return () if environ["REQUEST_METHOD"] == "HEAD" else found["Body"].iter_chunks(CHUNK_BYTES)


def _refuse(status: str, code: str, start_response: StartResponse) -> Iterable[bytes]:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'.encode()
    start_response(status, [("content-type", "application/xml"), ("content-length", str(len(body)))])
    return [body]
