"""An HTTP request as API Gateway hands it to a function: an HTTP API's payload format 2.0.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
Known from live gateways rather than from that page: `rawPath` is decoded, `rawQueryString` is not, and a body is text
only for the types below; every other type, forms and a missing type too, comes in base64.
One difference stays: the server joins headers sent twice by a comma and a space, where AWS uses a comma.
"""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from local.routes import Match

TEXT_TYPES = frozenset({"application/json", "application/xml", "application/javascript"})
NOT_FORWARDED = frozenset({"connection", "keep-alive", "te", "upgrade", "cookie"})  # cookies have a place of their own
ACCOUNT_ID = "123456789012"
Event = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What a WSGI environ says of a request. Header names are in lower case; `path` is decoded."""

    method: str
    path: str
    query: str
    protocol: str
    source_ip: str
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def read(cls, environ: Mapping[str, Any]) -> "Request":
        headers = {_header_name(key): value for key, value in environ.items() if key.startswith("HTTP_")}
        headers |= {_header_name(f"HTTP_{key}"): environ[key] for key in ("CONTENT_TYPE",) if environ.get(key)}
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        return cls(
            method=environ["REQUEST_METHOD"],
            path=environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace") or "/",
            query=environ.get("QUERY_STRING", ""),
            protocol=environ["SERVER_PROTOCOL"],
            source_ip=environ.get("REMOTE_ADDR", ""),
            headers={**headers, "content-length": str(len(body))},
            body=body,
        )


def build_event(request: Request, match: Match, api_id: str, request_id: str, now: datetime) -> Event:
    """`now` is when the request came in, in UTC."""
    query = _join_repeated(request.query)
    cookies = [cookie.strip() for cookie in request.headers.get("cookie", "").split(";") if cookie.strip()]
    return {
        "version": "2.0",
        "routeKey": match.route.key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        **({"cookies": cookies} if cookies else {}),
        "headers": _forwarded_headers(request, now),
        **({"queryStringParameters": query} if query else {}),
        "requestContext": _request_context(request, match, api_id, request_id, now),
        **({"pathParameters": dict(match.path_parameters)} if match.path_parameters else {}),
        **_body(request),
    }


def _request_context(request: Request, match: Match, api_id: str, request_id: str, now: datetime) -> Event:
    host = request.headers.get("host", "")
    return {
        "accountId": ACCOUNT_ID,
        "apiId": api_id,
        "domainName": host,
        "domainPrefix": host.split(".")[0].split(":")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": match.route.key,
        "stage": "$default",
        "time": now.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),
    }


def _forwarded_headers(request: Request, now: datetime) -> dict[str, str]:
    headers = {name: value for name, value in request.headers.items() if name not in NOT_FORWARDED}
    port = headers.get("host", "").rpartition(":")[2]
    before = headers.get("x-forwarded-for")
    trace = f"Root=1-{int(now.timestamp()):08x}-{os.urandom(12).hex()}"
    return (
        {"x-amzn-trace-id": trace}
        | headers
        | {
            "x-forwarded-for": f"{before}, {request.source_ip}" if before else request.source_ip,
            "x-forwarded-port": port if port.isdigit() else "80",
            "x-forwarded-proto": "http",
        }
    )


def _join_repeated(query: str) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _body(request: Request) -> Event:
    if not request.body:
        return {"isBase64Encoded": False}
    if _is_text(request.headers):
        return {"body": request.body.decode("utf-8", "replace"), "isBase64Encoded": False}
    return {"body": base64.b64encode(request.body).decode(), "isBase64Encoded": True}


def _is_text(headers: Mapping[str, str]) -> bool:
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    return (kind.startswith("text/") or kind in TEXT_TYPES) and "content-encoding" not in headers


def _header_name(key: str) -> str:
    return key.removeprefix("HTTP_").replace("_", "-").lower()
