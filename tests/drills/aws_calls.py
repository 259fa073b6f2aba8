"""Every AWS call that a function makes, seen on its way through botocore, and harmed where a drill says so."""

import json
import math
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from io import BytesIO
from typing import Any, NamedTuple

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError
from moto.core.models import botocore_stubber

from tests.drills.processes import Processes


class Call(NamedTuple):
    """`occurrence` counts from 1, within a drill."""

    function: str
    operation: str
    occurrence: int

    def __str__(self) -> str:
        return f"{self.function}: {self.operation} {self.occurrence}"


class Harm(StrEnum):
    DIES_BEFORE = "dies before"
    DIES_AFTER = "dies after"
    THROTTLED = "throttled"
    """As often as botocore tries: the caller is told."""
    THROTTLED_ONCE = "throttled once"
    """botocore tries again."""
    ANSWER_LOST = "answer lost"
    """Done, and not heard of: botocore sends it again."""


class Point(NamedTuple):
    call: Call
    harm: Harm

    def __str__(self) -> str:
        return f"{self.call}, {self.harm}"


class Outage(NamedTuple):
    """A service, by botocore's name, that takes no call of a function: it throttles, or cannot be reached."""

    service: str
    throttles: bool = True
    until: float = math.inf
    """In seconds since 1970, by the clock of the drill."""


Plant = Callable[[str, str, dict[str, Any]], None]
"""Told function, operation and parameters, which it may change: a fault that a test plants."""


class AwsCalls:
    """Calls of everybody else, such as the test's own, are let alone."""

    def __init__(self, processes: Processes, now: Callable[[], float]) -> None:
        self.outage: Outage | None = None
        self.plant: Plant | None = None
        self.seen: list[Call] = []
        self.point: Point | None = None
        self.was_harmed = False
        self.turned_away = 0
        """How many requests an outage has refused since this was watched."""
        self._processes = processes
        self._now = now
        self._is_watching = False
        self._number: Counter[tuple[str, str]] = Counter()
        self._here = threading.local()

    def watch(self, point: Point | None = None) -> None:
        """From here on calls are seen and counted, and that one is harmed."""
        self.seen, self.point, self.was_harmed, self.turned_away = [], point, False, 0
        self._number.clear()
        self._is_watching = True

    def ignore(self) -> None:
        self._is_watching, self.point = False, None

    def hooks(self, of_botocore: Sequence[Any]) -> list[Any]:
        """BUILTIN_HANDLERS for sessions that are opened from then on, moto's own handler behind these.

        botocore asks every handler, although one has answered: moto would do what was said to be throttled.
        """
        others = [handler for handler in of_botocore if handler[1] is not botocore_stubber]
        assert len(others) == len(of_botocore) - 1, "moto is no longer among botocore's handlers"
        return [
            ("before-parameter-build", self._before_build),
            ("before-call", self._before_call),
            ("before-send", self._send),
            ("after-call", self._after_call),
            *others,
        ]

    def _before_build(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if self.plant and (process := self._processes.current):
            self.plant(process.function, model.name, params)

    def _before_call(self, model: Any, **_: Any) -> None:
        self._here.call, self._here.sent = None, 0
        process = self._processes.current
        if process is None or not self._is_watching:
            return
        self._number[process.function, model.name] += 1
        call = Call(process.function, model.name, self._number[process.function, model.name])
        self.seen.append(call)
        self._here.call = call
        if self._harms(Harm.DIES_BEFORE):
            process.die()

    def _send(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        """Once for each attempt of botocore's."""
        service = event_name.split(".")[1]
        if self._processes.current is not None:
            if self.outage and self.outage.service == service and self._now() < self.outage.until:
                self.turned_away += 1
                return turn_away(request.url, self.outage)
            self._here.sent += 1
            is_first = self._here.sent == 1
            if self._harms(Harm.THROTTLED) or (is_first and self._harms(Harm.THROTTLED_ONCE)):
                return throttling(request.url, service)
            if is_first and self._harms(Harm.ANSWER_LOST):
                botocore_stubber(event_name, request)
                raise ConnectionClosedError(endpoint_url=request.url)
        return botocore_stubber(event_name, request)

    def _after_call(self, **_: Any) -> None:
        process = self._processes.current
        if process is not None and self._harms(Harm.DIES_AFTER):
            process.die()

    def _harms(self, harm: Harm) -> bool:
        is_meant = self.point is not None and self.point == (getattr(self._here, "call", None), harm)
        self.was_harmed |= is_meant
        return is_meant


def turn_away(url: str, outage: Outage) -> AWSResponse:
    if outage.throttles:
        return throttling(url, outage.service)
    raise EndpointConnectionError(endpoint_url=url)


class Body(BytesIO):
    """What botocore reads an answer's body from."""

    def stream(self, **_: Any) -> Any:
        yield self.read()


def throttling(url: str, service: str) -> AWSResponse:
    """What each service says. Source: botocore/data/_retry.json and the services' API references."""
    if service == "s3":
        text = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
        return AWSResponse(url, 503, HTTPHeaders.from_dict({"content-type": "application/xml"}), Body(text.encode()))
    codes = {"dynamodb": "ProvisionedThroughputExceededException", "lambda": "TooManyRequestsException"}
    code = codes.get(service, "ThrottlingException")
    headers = HTTPHeaders.from_dict({"content-type": "application/x-amz-json-1.0", "x-amzn-errortype": code})
    body = json.dumps({"__type": code, "message": "Rate exceeded"}).encode()
    return AWSResponse(url, 429 if service == "lambda" else 400, headers, Body(body))
