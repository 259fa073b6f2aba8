"""Clients generated from a description parse what the Amperity face answers: from the vendor's, and from our own.

aiopenapi3 makes both: it reads Swagger 2.0 and OpenAPI 3.1, and its models refuse what a description does not have.
"""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiopenapi3
import httpx2
import pytest
from aiopenapi3.errors import HTTPClientError, HTTPStatusError, ResponseSchemaError

from local.seed import API_KEY, KEY_ID, TENANT
from local.stack import LocalStack
from stepcall.domain.ids import spell_api_key
from tests.amperity_description import BASE_PATH, RUNS_PATH, TOKEN_PATH, VENDOR
from tests.functional.amperity import SECONDS_TO_END, Amperity, configure, staged, type_of
from tests.functional.carto import held, held_pages
from tests.functional.conftest import Api

RUN_PATH = f"{RUNS_PATH}/{{workflow-id}}"
STOP_PATH = f"{RUN_PATH}/stop"
NO_RUN = "wf-20261121-00000-000000000000000"
ENDED = frozenset({"succeeded", "failed", "canceled"})
RUNS = 5
Session = Callable[..., httpx2.Client]


@dataclass(frozen=True)
class GeneratedClient:
    """Calls operations and answers with the models that were generated for them."""

    description: aiopenapi3.OpenAPI

    def __call__(self, method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        named = {name.replace("workflow_id", "workflow-id"): value for name, value in parameters.items()}
        while True:
            try:
                # a request of the library's is used once
                return self.description.createRequest((path, method))(data=body, parameters=named)
            except (HTTPStatusError, HTTPClientError) as error:
                if status_of(error) != 429:
                    raise
                time.sleep(1)  # the face takes 10 requests a second

    def pages(self, **parameters: Any) -> Iterator[Any]:
        token: dict[str, str] = {}
        while True:
            page = self("get", RUNS_PATH, **parameters, **token)
            yield page
            if page.next_token is None:
                return
            token = {"next_token": page.next_token}

    def ended(self, run_id: str) -> Any:
        """The run with all that is known of it, once it has ended."""
        deadline = time.monotonic() + SECONDS_TO_END
        while (run := self("get", RUN_PATH, workflow_id=run_id, view="verbose")).state not in ENDED:
            assert time.monotonic() < deadline, f"the run is still {run.state}"
            time.sleep(0.2)
        return run


def status_of(error: HTTPStatusError | HTTPClientError) -> int:
    return int(error.http_status if isinstance(error, HTTPStatusError) else error.status_code)


def session_of(key: str, tenant: str, **more: Any) -> Session:
    """What a caller always sends belongs to the connection: the vendor describes neither header."""
    headers = {"authorization": f"Bearer {key}", "amperity-tenant": tenant, "api-version": "2024-04-01"}

    def session(*args: Any, **options: Any) -> httpx2.Client:
        return httpx2.Client(*args, **options | {"headers": headers} | more)

    return session


def client_of_the_vendor(url: str, key: str = API_KEY, tenant: str = TENANT, **more: Any) -> GeneratedClient:
    """Only its host is another."""
    document = copy.deepcopy(VENDOR) | {"host": url.removeprefix("http://"), "schemes": ["http"]}
    session = session_of(key, tenant, **more)
    return GeneratedClient(aiopenapi3.OpenAPI(f"{url}{BASE_PATH}", document, session_factory=session))


def client_of_our_own(url: str, key: str = API_KEY, tenant: str = TENANT, **more: Any) -> GeneratedClient:
    """From what the service answers itself."""
    session = session_of(key, tenant, **more)
    made = aiopenapi3.OpenAPI.load_sync(f"{url}{BASE_PATH}/openapi.json", session_factory=session)
    made.authenticate(bearer=key)
    return GeneratedClient(made)


EACH_CLIENT = pytest.mark.parametrize("generate", [client_of_the_vendor, client_of_our_own], ids=["vendor", "own"])


@pytest.fixture(scope="module", params=[client_of_the_vendor, client_of_our_own], ids=["vendor", "own"])
def client(request: pytest.FixtureRequest, stack: LocalStack) -> GeneratedClient:
    made: GeneratedClient = request.param(stack.url)
    return made


@pytest.fixture(scope="module")
def own(stack: LocalStack) -> GeneratedClient:
    return client_of_our_own(stack.url)


@pytest.fixture(scope="module")
def some_run(stack: LocalStack, own: GeneratedClient) -> str:
    """One that has succeeded."""
    run_id = start(Api(stack.url), configured(Api(stack.url)))
    assert own.ended(run_id).state == "succeeded"
    return run_id


def configured(api: Api, expression: str = "6 * 7", **more: Any) -> str:
    """The `config_id` of a new workflow of one task."""
    return configure(api, tasks=[staged("only", "source", expression)], **more)


def start(api: Api, config_id: str, **more: str) -> str:
    """A run by the face, whose start the vendor's description does not have."""
    run_id: str = Amperity(api.url).start(config_id, **more)["id"]
    return run_id


def test_a_finished_run_is_read_with_its_tasks(client: GeneratedClient, api: Api) -> None:
    config_id = configured(api, description="Every day.")
    run = client.ended(start(api, config_id, run_mode="source", range_from="2025-04-18"))
    assert (run.state, run.type, run.name, run.tenant) == ("succeeded", type_of(config_id), "Daily", TENANT)
    assert isinstance(run.created_at, datetime)
    assert run.created_at <= run.ended_at
    assert run.error is None
    assert run.warn_after_ms == 60_000
    assert run.launched_version == run.current_version
    assert (run.principal_id, run.principal_email) == (spell_api_key(KEY_ID), None)
    [task] = run.task_instances
    assert (task.state, task.workflow_id, task.execution_type) == ("succeeded", run.id, "run_data_task")
    assert run.created_at <= task.created_at <= task.ended_at <= run.ended_at


def test_an_overview_is_a_run_of_seven_fields(client: GeneratedClient, some_run: str) -> None:
    overview = client("get", RUN_PATH, workflow_id=some_run)
    assert overview.model_fields_set == {"created_at", "ended_at", "id", "name", "state", "tenant", "type"}


def test_a_run_that_failed_says_why(client: GeneratedClient, api: Api) -> None:
    run = client.ended(start(api, configured(api, "$error('no such luck')")))
    assert run.state == "failed"
    assert (run.error.type, run.error.attribution) == ("stepcall.workflow/invalid", "customer")
    assert "no such luck" in run.error.message
    assert run.task_instances[0].error.type == "stepcall.task/invalid"


def test_a_list_is_read_page_by_page(client: GeneratedClient, api: Api) -> None:
    config_id = configured(api)
    started = [start(api, config_id) for _ in range(RUNS)]
    pages = list(client.pages(type=type_of(config_id), limit=2, with_total=True))
    assert [run.id for page in pages for run in page.data] == started[::-1]
    assert [page.total for page in pages] == [RUNS] * len(pages)
    assert all(page.next_token for page in pages[:-1])
    assert "next_token" not in pages[-1].model_fields_set


def test_a_run_is_stopped(client: GeneratedClient, api: Api, page_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = configure(api, held(page_host, {"name": "Waiting", "tasks": []}))
    with held_pages(monkeypatch):
        stopped = client("post", STOP_PATH, {}, workflow_id=start(api, waiting))
    assert (stopped.state, stopped.error.message) == ("canceled", "Workflow manually stopped")
    assert stopped.error.type == "stepcall.workflow/cancel"
    assert stopped.ended_at >= stopped.created_at
    assert [task.state for task in stopped.task_instances] == ["canceled"]


@pytest.mark.parametrize("parameters", [{"state": "sideways"}, {"next_token": "forged"}])
def test_a_refusal_is_read_as_the_error_that_it_is(client: GeneratedClient, parameters: Any) -> None:
    with pytest.raises(HTTPClientError) as caught:
        client("get", RUNS_PATH, **parameters)
    assert (caught.value.status_code, caught.value.data.status) == (400, 400)
    assert caught.value.data.message
    assert type(caught.value.data).model_config["extra"] == "forbid"


@pytest.mark.parametrize(("key", "tenant", "status"), [("sc_nobody", TENANT, 401), (API_KEY, "another", 403)])
@EACH_CLIENT
def test_a_stranger_is_told_so(stack: LocalStack, generate: Any, key: str, tenant: str, status: int) -> None:
    with pytest.raises(HTTPClientError) as caught:
        generate(stack.url, key, tenant)("get", RUNS_PATH)
    assert (caught.value.status_code, caught.value.data.status) == (status, status)


def test_a_run_that_there_is_not_has_no_answer_to_the_vendors_client_and_an_error_to_ours(
    stack: LocalStack, own: GeneratedClient
) -> None:
    """The vendor's description has no body for it."""
    assert client_of_the_vendor(stack.url)("get", RUN_PATH, workflow_id=NO_RUN) is None
    with pytest.raises(HTTPClientError) as caught:
        own("get", RUN_PATH, workflow_id=NO_RUN)
    assert caught.value.data.status == 404


def test_what_the_vendor_does_not_describe_reaches_its_client_as_it_is(
    stack: LocalStack, own: GeneratedClient, some_run: str
) -> None:
    """A run that has ended is not stopped: 409 stands in the vendor's pages, and not in its description."""
    with pytest.raises(HTTPStatusError) as unexpected:
        client_of_the_vendor(stack.url)("post", STOP_PATH, {}, workflow_id=some_run)
    assert unexpected.value.response.json().keys() == {"status", "message"}
    with pytest.raises(HTTPClientError) as caught:
        own("post", STOP_PATH, {}, workflow_id=some_run)
    assert caught.value.data.status == unexpected.value.http_status == 409


def test_a_run_is_started_by_a_client_of_ours(own: GeneratedClient, api: Api) -> None:
    config_id = configured(api)
    started = own("post", RUNS_PATH, {"config_id": config_id, "run_mode": "full"})
    assert (started.state, started.task_instances, started.type) == ("scheduled", [], type_of(config_id))
    assert own.ended(started.id).state == "succeeded"


def test_a_key_is_exchanged_for_a_token_that_opens_the_face(own: GeneratedClient, stack: LocalStack) -> None:
    asked = {"grant_type": "client_credentials", "client_id": spell_api_key(KEY_ID), "client_secret": API_KEY}
    token = own("post", TOKEN_PATH, asked)
    assert (token.token_type, token.expires_in) == ("Bearer", 3600)
    assert client_of_the_vendor(stack.url, token.access_token)("get", RUNS_PATH, limit=1).data is not None
    with pytest.raises(HTTPClientError) as caught:
        own("post", TOKEN_PATH, asked | {"client_secret": "sc_another"})
    assert (caught.value.status_code, caught.value.data.error) == (401, "invalid_client")


@pytest.mark.parametrize("change", [{"more": 1}, {"created_at": "yesterday"}, {"tenant": None}, {"error": {}}])
@EACH_CLIENT
def test_a_generated_client_would_not_take_another_answer(
    stack: LocalStack, some_run: str, generate: Any, change: dict[str, Any]
) -> None:
    """The proof that what is parsed above is looked at: the face's own answer, changed on its way."""

    def change_run(request: httpx2.Request) -> httpx2.Response:
        with httpx2.Client() as direct:
            answer = direct.send(request)
        body = answer.json()
        return httpx2.Response(answer.status_code, json=body | change if "id" in body else body, headers=kept(answer))

    with pytest.raises(ResponseSchemaError):
        generate(stack.url, transport=httpx2.MockTransport(change_run))("get", RUN_PATH, workflow_id=some_run)


def kept(answer: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("amperity")}
