"""Pre-signed links to objects of the bucket, opened on the local stack's own port.

boto3 signs them for the endpoint of AWS_ENDPOINT_URL_S3, which is this one. Only GET, HEAD and PUT of one object are
served: everything else that S3 can do is for boto3 clients inside the process.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

import boto3
from botocore.exceptions import ClientError

from local.link_signatures import RefusedLinkError, check_link
from local.template import REGION

if TYPE_CHECKING:
    from botocore.credentials import Credentials

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
FORM = "application/x-www-form-urlencoded"
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class ObjectLinks:
    """A WSGI application. `origin` is the scheme, host and port it is reached at."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._s3 = boto3.client("s3", region_name=REGION)
        self._credentials = cast("Credentials", boto3.Session().get_credentials())  # moto's, from the environment

    def __call__(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        try:
            if environ["REQUEST_METHOD"] not in ("GET", "HEAD", "PUT"):
                raise RefusedLinkError("MethodNotAllowed")
            raw_path = environ["REQUEST_URI"].partition("?")[0].removeprefix(environ["SCRIPT_NAME"])
            url = self._origin + environ["REQUEST_URI"]
            check_link(environ["REQUEST_METHOD"], url, raw_path, self._credentials, REGION)
            if environ["REQUEST_METHOD"] == "PUT":
                return self._keep(environ, start_response)
            return self._send(environ, start_response)
        except RefusedLinkError as exc:
            return _refuse("403 Forbidden", str(exc), start_response)
        except ClientError as exc:
            return _refuse("404 Not Found", exc.response["Error"]["Code"], start_response)

    def _keep(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """In one piece: the server has read all of it by now, and takes 64 MB where S3 takes 5 GB."""
        bucket, key = _place(environ)
        sent = environ.get("CONTENT_TYPE", "")
        # moto would take a form apart, which is what clients call any content unless they are told otherwise
        kind = {} if not sent or sent.startswith(FORM) else {"ContentType": sent}
        kept = self._s3.put_object(Bucket=bucket, Key=key, Body=environ["wsgi.input"].read(), **kind)
        start_response("200 OK", [("etag", kept["ETag"]), ("content-length", "0")])
        return []

    def _send(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        bucket, key = _place(environ)
        wanted = {"Range": environ["HTTP_RANGE"]} if "HTTP_RANGE" in environ else {}
        query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
        wanted |= {argument: query[name] for name, argument in OVERRIDES.items() if name in query}
        found: dict[str, Any] = dict(self._s3.get_object(Bucket=bucket, Key=key, **wanted))
        headers = [(name, str(found[field])) for name, field in HEADERS.items() if field in found]
        start_response("206 Partial Content" if "ContentRange" in found else "200 OK", headers)
        chunks: Iterable[bytes] = found["Body"].iter_chunks(CHUNK_BYTES)
        return chunks


def _place(environ: Mapping[str, Any]) -> tuple[str, str]:
    bucket, _, key = environ["PATH_INFO"].encode("latin-1").decode().lstrip("/").partition("/")
    return bucket, key


def _refuse(status: str, code: str, start_response: StartResponse) -> Iterable[bytes]:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'.encode()
    start_response(status, [("content-type", "application/xml"), ("content-length", str(len(body)))])
    return [body]
