"""A receiver of webhooks as somebody would write it: it verifies what comes by the standard's own library."""

import itertools
import json
import time
from typing import Any

from standardwebhooks import Webhook as Verifier

from tests.functional.conftest import Api
from tests.functional.web_server import Answer, Received, WebServer, answer

PATIENCE_SECONDS = 20
ENDED = ("DELIVERED", "FAILED")
NUMBERS = itertools.count(1)


class Receiver:
    """One URL of the server. It answers by `answers`, one after the other and the last for ever."""

    def __init__(self, server: WebServer, *answers: Answer, query: str = "") -> None:
        self._server = server
        self._answers = list(answers or [answer(204)])
        self.path = f"/hooks/{next(NUMBERS)}{query}"
        self.url = server.serve(self.path, self._respond)

    def _respond(self, handler: Any) -> None:
        (self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])(handler)

    def answers_from_now_on(self, *answers: Answer) -> None:
        self._answers = list(answers)

    @property
    def received(self) -> list[Received]:
        return [request for request in self._server.received if request.path == self.path]

    def verified(self, secret: str) -> list[Any]:
        """The bodies of all that came. Raises WebhookVerificationError."""
        verifier = Verifier(secret)
        return [verifier.verify(request.body, dict(request.headers)) for request in self.received]

    @property
    def ids(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.received]

    @property
    def types(self) -> list[str]:
        return [json.loads(request.body)["type"] for request in self.received]


def deliveries_of(api: Api, execution: Any, number: int, *statuses: str) -> list[Any]:
    """What the API tells of an execution, once so many deliveries have ended, or have one of these statuses."""
    path = f"/workflows/{execution['workflow_id']}/executions/{execution['execution_id']}/deliveries"
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        told: list[Any] = api("GET", path).json["deliveries"]
        if sum(each["status"] in (statuses or ENDED) for each in told) >= number or time.monotonic() > until:
            return told
        time.sleep(0.02)
