"""The whole service in this process, over real HTTP: one for all tests, as moto keeps one world per process."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest

from local.own_functions import OwnFunction
from local.seed import API_KEY, TENANT
from local.stack import LocalStack
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from tests import amperity_description
from tests.api_keys import api_key
from tests.described_answers import DescribedAnswers
from tests.functional.model_endpoint import ModelEndpoint, model_at_a_port_of_its_own
from tests.functional.web_server import WebServer
from workflows_api.describe.api import describe_api

DESCRIBED = DescribedAnswers(describe_api())
TOLD = pytest.StashKey[list[tuple[str, list[str]]]]()
Tell = Callable[[str, list[str]], None]
OWN_FUNCTIONS = [
    OwnFunction(name, Path(__file__).parent / "own_functions.py", name)
    for name in ("echo", "whose", "fail", "grow", "hold")
]
ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED"})


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    """By lower-case name."""
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class KeyClient:
    """Sends an API key with each request, to the face at `BASE`."""

    BASE: ClassVar[str] = ""
    IS_DESCRIBED: ClassVar[bool] = True
    url: str
    key: str | None = API_KEY

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        carried = {"x-api-key": self.key} if self.key else {}
        path = f"{self.BASE}{path}"
        answer = send(self.url, method, path, body, headers={**carried, **(headers or {})}, raw=raw)
        # whatever a test asks: the answer is as the API describes it
        assert not self.IS_DESCRIBED or faults(method, path, answer) == []
        return answer


class Api(KeyClient):
    """A client as a user would write it."""

    def define(self, **definition: Any) -> str:
        answer = self("POST", "/workflows", {"name": "test"} | definition)
        assert answer.status == 201, answer.text
        workflow_id: str = answer.json["workflow_id"]
        return workflow_id

    def run(self, workflow_id: str, parameters: dict[str, Any] | None = None) -> Any:
        """Execute, and wait for the end; the finished execution."""
        path = f"/workflows/{workflow_id}/execute"
        answer = self("POST", path, {"input": parameters or {}}, headers={"prefer": "wait=25"})
        assert answer.status == 200, answer.text
        return answer.json


def faults(method: str, path: str, answer: Answer) -> list[str]:
    """What the description of the face that has answered says otherwise."""
    if path.startswith(f"{amperity_description.BASE_PATH}/"):
        return amperity_description.faults(method, path, answer)
    return DESCRIBED.faults(method, path, answer.status, answer.headers, answer.text)


def send(
    url: str,
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: dict[str, str] | None = None,
    raw: bytes | None = None,
) -> Answer:
    """One request, with `body` as its JSON or `raw` as its bytes."""
    request = urllib.request.Request(
        url + path,
        method=method,
        data=raw if raw is not None else None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"} | (headers or {}),
    )
    try:
        with urllib.request.urlopen(request, timeout=40) as answer:
            return _answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return _answer(refusal.code, refusal.headers, refusal.read())


def _answer(status: int, headers: Any, body: bytes) -> Answer:
    return Answer(status, {name.lower(): value for name, value in headers.items()}, body.decode())


def put_key(stack: LocalStack, text: str, tenant: str = TENANT, **changes: Any) -> str:
    """The text of a key that counts from now on."""
    keys = DynamoApiKeyStore(boto3.client("dynamodb"), stack.deployment.names["WorkflowsTable"])
    keys.put(api_key(text, tenant, **changes))
    return text


class PageServer(BaseHTTPRequestHandler):
    """Serves `pages` by path: (status, content type, body). Anything else is 404."""

    pages: ClassVar[dict[str, tuple[int, str, bytes]]] = {}

    def do_GET(self) -> None:
        status, content_type, body = self.pages.get(self.path, (404, "text/plain", b"no such page"))
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep the test output clean."""


@pytest.fixture(scope="session")
def page_host() -> Iterator[str]:
    """`host:port` of a web server that the stack may download from."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), PageServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def model_endpoint() -> Iterator[ModelEndpoint]:
    with model_at_a_port_of_its_own() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def receiver() -> Iterator[WebServer]:
    """What webhooks may be sent to."""
    with WebServer() as server:
        yield server


@pytest.fixture(scope="session")
def stack(page_host: str, model_endpoint: ModelEndpoint, receiver: WebServer) -> Iterator[LocalStack]:
    parameters = {"OpenAiBaseUrl": model_endpoint.url, "Athena": "true"}
    hosts = (page_host, receiver.host)
    with LocalStack(port=0, allowed_hosts=hosts, parameters=parameters, own=OWN_FUNCTIONS) as running:
        # tests say when runs are swept: some have runs that wait, and are to wait
        boto3.client("events").disable_rule(Name=running.deployment.names["SweepRunsFunctionEveryMinute"])
        yield running


@pytest.fixture(scope="session")
def tell(pytestconfig: pytest.Config) -> Tell:
    """Shows lines under a heading at the end of the test output, whether tests pass or not."""
    told = pytestconfig.stash.setdefault(TOLD, [])
    return lambda heading, lines: told.append((heading, lines))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):  # of one process of several
        session.config.workeroutput["told"] = session.config.stash.get(TOLD, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    told = getattr(node, "workeroutput", {}).get("told", [])
    node.config.stash.setdefault(TOLD, []).extend((heading, lines) for heading, lines in told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for heading, lines in config.stash.get(TOLD, []):
        terminalreporter.section(heading)
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture
def api(stack: LocalStack) -> Api:
    return Api(stack.url)
