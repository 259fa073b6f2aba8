"""What a client and the service said to each other, and what of it is the same each time."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.local.http_client import Answer, Client

SECONDS_TO_END = 60
DIFFERS: Mapping[str, str] = {
    # of the gateway that has handled it: API Gateway's are not of one form either
    r"urn:stepcall:request:[^\"]+": "<request>",
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b": "<uuid>",
    r"\b(wf|ex)-[0-9a-z]{20,}": r"<\1>",
    r"\b(wft?)-\d{8}-\d+-[0-9A-Za-z]+": r"<\1>",
    r"\bjob_[0-9A-Za-z]{20,}": "<job>",
    r"\bwfproc_[0-9a-f]{16}": "<procedure>",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z": "<time>",
    r"\"token\":\"[^\"]+\"": '"token":"<token>"',
    r"http://127\.0\.0\.1:\d+": "<origin>",
}
"""Ids, times, random tokens, and the port; nothing else of a body is left out of the comparison."""
OF_THE_SERVER = frozenset(
    {
        "server",
        "date",
        "connection",
        "content-length",  # of bodies with times whose last digits may be missing; the bodies themselves are compared
        "apigw-requestid",
        "amperity-request-id",
        "ratelimit",  # counts seconds
    }
)


@dataclass(frozen=True)
class Exchange:
    """`request` and `answer` as they may be compared."""

    request: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


class Conversation:
    """Sends requests to one service, and keeps what was said."""

    def __init__(self, url: str) -> None:
        self._client = Client(url, timeout=60)
        self.exchanges: list[Exchange] = []

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON of the answer, or its text."""
        return self._keep(method, path, self._client(method, path, body, **headers))

    def poll(self, path: str, has_ended: Callable[[Any], bool], **headers: str) -> Any:
        """Only the last answer is kept: how many come before it is a matter of time."""
        deadline = time.monotonic() + SECONDS_TO_END
        while time.monotonic() < deadline:
            answer = self._client("GET", path, **headers)
            if answer.status != 200 or has_ended(answer.json):
                return self._keep("GET", path, answer)
            time.sleep(0.1)
        raise AssertionError(f"GET {path} does not come to its end: {answer.body!r}")

    def _keep(self, method: str, path: str, answer: Answer) -> Any:
        text = answer.body.decode()
        # that of an answer without a body, whose function names none: sam local says another than API Gateway
        left_out = OF_THE_SERVER if text else OF_THE_SERVER | {"content-type"}
        headers = sorted((name, alike(value)) for name, value in answer.headers if name not in left_out)
        self.exchanges.append(Exchange(alike(f"{method} {path}"), answer.status, tuple(headers), alike(text)))
        return json.loads(text) if text.startswith(("{", "[")) else text

    def close(self) -> None:
        self._client.close()


def alike(text: str) -> str:
    for pattern, name in DIFFERS.items():
        text = re.sub(pattern, name, text)
    return text


def differences(ours: list[Exchange], theirs: list[Exchange]) -> Iterator[str]:
    for one, other in zip(ours, theirs, strict=True):
        for part in ("request", "status", "headers", "body"):
            here, there = getattr(one, part), getattr(other, part)
            if here != there:
                yield f"{one.request}: {part}\n  {_told(here, there)}\n  {_told(there, here)}"


def _told(value: Any, other: Any) -> str:
    """Of headers those that differ, of a long text where it begins to."""
    if isinstance(value, tuple):
        return str([pair for pair in value if pair not in other])
    text, against = str(value), str(other)
    at = next((at for at, (a, b) in enumerate(zip(text, against, strict=False)) if a != b), 0)
    return text[max(0, at - 80) : at + 200]
