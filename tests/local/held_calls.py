"""Calls of functions whose outcome a test decides."""

import json
from typing import Any, NamedTuple

from local.background.calls import Then
from local.lambda_runtime import Invocation


class HeldCall(NamedTuple):
    function: str
    payload: str
    then: Then

    @property
    def event(self) -> Any:
        return json.loads(self.payload)

    def succeed(self, answer: Any = None) -> None:
        self.then(Invocation(json.dumps(answer)))

    def fail(self) -> None:
        self.then(Invocation.error("FailingError", "as the test says"))


class HeldCalls(list[HeldCall]):
    """Calls in the order in which they were begun; `take` gives the oldest that has no outcome yet."""

    def __call__(self, function: str, payload: str, then: Then) -> None:
        self.append(HeldCall(function, payload, then))

    def take(self) -> HeldCall:
        return self.pop(0)
