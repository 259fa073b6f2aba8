"""Raw requests, and the event each becomes: `<name>.http` is sent as it stands, `<name>.event.json` comes out."""

import json
import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

EVENTS = Path(__file__).parent / "gateway_events"
REQUESTS = sorted(path.stem for path in EVENTS.glob("*.http"))
TRACE_ID = r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}"
VARYING = {
    "requestId": r"[A-Za-z0-9+/]{15}=",
    "time": r"\d\d/[A-Z][a-z]{2}/\d{4}(:\d\d){3} \+0000",
    "timeEpoch": r"\d{13}",
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_becomes_the_event_api_gateway_would_send(service_url: str, name: str) -> None:
    address = urlsplit(service_url)
    head, _, body = (EVENTS / f"{name}.http").read_bytes().partition(b"\n\n")
    request = (
        head.replace(b"HOST", address.netloc.encode()).replace(b"\n", b"\r\n") + b"\r\nConnection: close\r\n\r\n" + body
    )
    event = json.loads(send(address.hostname or "", address.port or 0, request).partition(b"\r\n\r\n")[2])
    assert re.fullmatch(TRACE_ID, event["headers"].pop("x-amzn-trace-id"))
    for key, pattern in VARYING.items():
        assert re.fullmatch(pattern, str(event["requestContext"].pop(key))), key
    assert with_fixed_port(event, address.port or 0) == json.loads((EVENTS / f"{name}.event.json").read_text())


def test_every_expected_event_has_its_request() -> None:
    assert sorted(path.name.removesuffix(".event.json") for path in EVENTS.glob("*.json")) == REQUESTS


def send(host: str, port: int, request: bytes) -> bytes:
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def with_fixed_port(event: Any, port: int) -> Any:
    return json.loads(json.dumps(event).replace(str(port), "3000"))
