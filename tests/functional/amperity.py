"""A client of Amperity's API as its users write one, workflows to start, and keys to start them with."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from local.seed import API_KEY, TENANT
from local.stack import LocalStack
from tests.amperity_description import described
from tests.functional.conftest import Answer, Api, put_key, send

RUNS = "/api/workflow/runs"
VERSION = "2024-04-01"
FORM = "application/x-www-form-urlencoded"
SECONDS_TO_END = 30
STAGES = ("source", "refresh", "activation")


def staged(ref: str, stage: str | None, expression: str = "1", **more: Any) -> dict[str, Any]:
    """A light task of that stage."""
    task = {"ref": ref, "type": "Data.Transform", "input": {"expression": expression}, **more}
    return task | ({"stage": stage} if stage else {})


COURIER: Mapping[str, Any] = {
    "name": "Daily",
    "type": "courier.group/run",
    "warn_after_ms": 60_000,
    "tasks": [
        staged("pull", "source", description="Pulling files"),
        staged("load", "refresh"),
        staged("send", "activation"),
        staged("report", None),
    ],
}
"""One task of each stage, and one of none."""


@dataclass(frozen=True)
class Amperity:
    """Only its base URL and its token are not Amperity's. Every answer is as both descriptions of the API say."""

    url: str
    token: str | None = API_KEY
    tenant: str | None = TENANT
    version: str | None = VERSION
    waits: bool = True
    """Whether it sends a request again that was one too many for its second."""

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        carried = {
            "authorization": f"Bearer {self.token}" if self.token else None,
            "amperity-tenant": self.tenant,
            "api-version": self.version,
        }
        sent = {name: value for name, value in carried.items() if value is not None} | dict(headers or {})
        while True:
            answer = described(method, path, send(self.url, method, path, body, headers=sent, raw=raw))
            if answer.status != 429 or not self.waits:
                return answer
            time.sleep(float(answer.headers["retry-after"]))

    def post(self, fields: Mapping[str, Any]) -> Answer:
        """A start as Python's requests sends it with `json=`."""
        return self("POST", RUNS, fields)

    def post_form(self, *pairs: str, content_type: str = FORM) -> Answer:
        """A start as curl sends it with a `--data` for each pair."""
        return self("POST", RUNS, raw="&".join(pairs).encode(), headers={"content-type": content_type})

    def start(self, config_id: str, **more: str) -> Any:
        """The run that was started."""
        answer = self.post({"config_id": config_id, **more})
        assert answer.status == 200, answer.text
        return answer.json

    def run(self, run_id: str, view: str = "verbose") -> Any:
        answer = self("GET", f"{RUNS}/{run_id}?view={view}")
        assert answer.status == 200, answer.text
        return answer.json

    def stop(self, run_id: str) -> Answer:
        return self("POST", f"{RUNS}/{run_id}/stop")

    def page(self, **query: str | int) -> Answer:
        return self("GET", f"{RUNS}?{urlencode(query, quote_via=quote)}")

    def pages(self, **query: str | int) -> Iterator[Any]:
        """Every page as far as the tokens lead."""
        token: dict[str, str] = {}
        while True:
            page = self.page(**query, **token).json
            yield page
            if "next_token" not in page:
                return
            token = {"next_token": page["next_token"]}

    def ids(self, **query: str | int) -> list[str]:
        """Of the runs on the first page."""
        answer = self.page(**query)
        assert answer.status == 200, answer.text
        return [run["id"] for run in answer.json["data"]]

    def ended(self, run_id: str) -> Any:
        """The whole run once it has ended."""
        return self.until(run_id, lambda run: "ended_at" in run)

    def until(self, run_id: str, is_so: Callable[[Any], bool]) -> Any:
        """The whole run once that is so."""
        deadline = time.monotonic() + SECONDS_TO_END
        while time.monotonic() < deadline:
            if is_so(run := self.run(run_id)):
                return run
            time.sleep(0.1)
        raise AssertionError(f"it is not so after {SECONDS_TO_END} seconds: {run}")


def configure(api: Api, definition: Mapping[str, Any] = COURIER, **changes: Any) -> str:
    """A new workflow of its own type; its `config_id`."""
    named = uuid4().hex[:9]
    own = {"config_id": f"cg-{named}", "type": f"courier.{named}/run"}
    api.define(**{**definition, **own, **changes})
    return own["config_id"]


def type_of(config_id: str) -> str:
    """Of the runs of a workflow that `configure` has made."""
    return f"courier.{config_id.removeprefix('cg-')}/run"


def amperity_with_key(stack: LocalStack, text: str, tenant: str = TENANT, **changes: Any) -> Amperity:
    """A client with a new key of the local tenant, or of the one that is named."""
    return Amperity(stack.url, put_key(stack, text, tenant, **changes), tenant)


def client_of_new_tenant(stack: LocalStack) -> Amperity:
    """Of one whose runs nobody else lists, and whose requests nobody else counts among."""
    named = uuid4().hex
    return amperity_with_key(stack, f"sc_{named}", tenant=f"new-{named[:9]}")


def refusal(answer: Answer) -> tuple[int, str]:
    """The status and the message. That there is no more is checked with every answer."""
    return answer.status, answer.json["message"]


def states_of(tasks: Iterable[Mapping[str, Any]]) -> list[str]:
    return [task["state"] for task in tasks]
