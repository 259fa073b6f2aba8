"""contracts/wave.md, "Errors", and what every answer says of the face's end: RFC 9745, RFC 8594, RFC 8288."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import pytest

from local.stack import LocalStack
from stepcall.domain.access import Grants, RateLimit, Scope
from stepcall.domain.ids import spell_execution, spell_workflow
from stepcall.domain.run import RunStatus
from stepcall.runtime import client_wiring, wiring
from stepcall.use_cases.cancel_run import stop_run
from tests.functional.conftest import Answer, Api
from tests.functional.missed_runs import starts_throttled
from tests.functional.wave import GREETING, Wave, define, wave_with_key
from tests.local.http_client import Client

NOBODY = UUID(int=0)
NO_WORKFLOW = "There is no workflow of this id. `GET /wave/workflows` lists those there are."
NO_RUN = "There is no run of this id. `POST /wave/workflows/{id}/execute` answers with the id of the one it starts."
ROUTES = [
    ("GET", "/workflows"),
    ("GET", f"/workflows/{NOBODY}"),
    ("POST", f"/workflows/{NOBODY}/execute"),
    ("GET", f"/runs/{NOBODY}"),
]


@pytest.fixture(scope="module")
def wave(stack: LocalStack) -> Wave:
    return Wave(stack.url)


@pytest.fixture(scope="module")
def greeting(stack: LocalStack) -> str:
    return define(stack, GREETING)


def require_deprecation(answer: Answer, successor: str = "/workflows") -> None:
    """Every answer says since when, until when, and where to instead."""
    since, until = answer.headers["deprecation"], answer.headers["sunset"]
    assert since[0] == "@"
    assert datetime.fromtimestamp(int(since[1:]), UTC) < parsedate_to_datetime(until)
    assert until.endswith(" GMT")
    links = f'</docs>; rel="deprecation", <{successor}>; rel="successor-version"'
    assert answer.headers["link"] == links


def refusal(answer: Answer, successor: str = "/workflows") -> tuple[int, str]:
    """Its status and its words; every answer to an error is checked to be of Wave's shape, and to be deprecated."""
    assert list(answer.json) == ["message"], answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    require_deprecation(answer, successor)
    message = answer.json["message"]
    assert isinstance(message, str)
    return answer.status, message


def successor_of(path: str) -> str:
    return path.replace(str(NOBODY), spell_workflow(NOBODY)) if path.startswith("/workflows") else "/workflows"


# --- what every answer says


def test_a_success_says_where_its_successor_is(wave: Wave, greeting: str) -> None:
    native = f"/workflows/{spell_workflow(UUID(greeting))}"
    started = wave("POST", f"/workflows/{greeting}/execute", {"name": "you"})
    ended = wave.polled(started.json["id"])
    for answer, successor in (
        (wave("GET", "/workflows"), "/workflows"),
        (wave("GET", f"/workflows/{greeting}"), native),
        (started, f"{native}/execute"),
        (wave("GET", f"/runs/{ended['id']}"), f"{native}/executions/{spell_execution(UUID(ended['id']))}"),
    ):
        assert answer.status == 200, answer.text
        require_deprecation(answer, successor)
        assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")


def test_the_successor_of_what_was_asked_for_is_there(stack: LocalStack, wave: Wave, greeting: str) -> None:
    native = Api(stack.url)
    run_id = wave.run(greeting, {"name": "you"})["id"]
    for path in ("/workflows", f"/workflows/{greeting}", f"/runs/{run_id}"):
        successor = wave("GET", path).headers["link"].partition(", <")[2].partition(">")[0]
        assert native("GET", successor).status == 200
    started = wave("POST", f"/workflows/{greeting}/execute", {"name": "you"})
    successor = started.headers["link"].partition(", <")[2].partition(">")[0]
    assert native("POST", successor, {"input": {"name": "you"}}).status == 202


# --- 401, 403


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("key", [None, "sc_unknown", "eyJhbGciOiJIUzI1NiJ9.e30.x", "x"])
def test_no_key_or_an_unknown_one_is_401(stack: LocalStack, key: str | None, method: str, path: str) -> None:
    answer = Wave(stack.url, key)(method, path)
    status, words = refusal(answer, successor_of(path))
    assert (status, words) == (401, "There is no API key in the header `x-api-key`, or none that counts.")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_workflow_that_is_not_granted_has_no_successor_but_the_list(stack: LocalStack, greeting: str) -> None:
    narrow = wave_with_key(stack, "sc_wave_nothing", grants=Grants())
    for method, path in (("GET", f"/workflows/{greeting}"), ("POST", f"/workflows/{greeting}/execute")):
        assert refusal(narrow(method, path, {} if method == "POST" else None))[0] == 403


def routes() -> set[str]:
    from wave_api.app import app  # noqa: PLC0415 - importable while the stack runs

    return {f"{route.method} {route.path}" for route in (*app._static_routes, *app._dynamic_routes)}


def test_every_route_says_who_may_call_it() -> None:
    from wave_api.app import ACCESS  # noqa: PLC0415

    assert routes() == ACCESS.keys()
    assert len(ROUTES) == len(ACCESS)


@pytest.mark.parametrize("scope", Scope)
def test_every_route_needs_its_scope(stack: LocalStack, scope: Scope) -> None:
    from wave_api.app import ACCESS  # noqa: PLC0415

    caller = wave_with_key(stack, f"sc_wave_{scope}", scopes=frozenset({scope}))
    opened = set()
    for route in ACCESS:
        method, _, path = route.partition(" /wave")
        path = path.replace("<workflow_id>", str(NOBODY)).replace("<run_id>", str(NOBODY))
        answer = caller(method, path)
        if answer.status != 403:
            opened.add(route)
        else:
            assert f"`{ACCESS[route]}`" in refusal(answer, successor_of(path))[1]
    assert opened == {route for route, needed in ACCESS.items() if needed is scope}


# --- 400


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"{", "This is not JSON"),
        (b"name=you", "This is not JSON"),
        (b"\xff", "This is not JSON"),
        (b'{"name": NaN}', "This is not JSON"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'"name"', "must be a JSON object"),
        (b"5", "must be a JSON object"),
    ],
)
def test_a_body_that_is_no_map_of_parameters_is_400(wave: Wave, greeting: str, raw: bytes, words: str) -> None:
    native = f"/workflows/{spell_workflow(UUID(greeting))}/execute"
    status, message = refusal(wave("POST", f"/workflows/{greeting}/execute", raw=raw), native)
    assert (status, words in message) == (400, True), message


def test_every_problem_of_the_parameters_is_in_one_message_that_says_where(wave: Wave, greeting: str) -> None:
    native = f"/workflows/{spell_workflow(UUID(greeting))}/execute"
    sent = {"nam": "a secret", "times": "another secret"}
    status, message = refusal(wave("POST", f"/workflows/{greeting}/execute", sent), native)
    assert status == 400
    assert message == (
        "The parameters have 3 problems. /name: The input `name` is missing. "
        "/times: The input `times` must be of type integer, not text. "
        "/nam: The workflow has no input `nam`; did you mean `name`?"
    )


def test_a_wrapper_is_an_unknown_parameter(wave: Wave, greeting: str) -> None:
    answer = wave("POST", f"/workflows/{greeting}/execute", {"input": {"name": "you"}})
    assert (answer.status, "/input: The workflow has no input `input`" in answer.json["message"]) == (400, True)


def test_a_list_goes_on_after_nothing_but_a_workflow(wave: Wave) -> None:
    assert refusal(wave("GET", "/workflows?after=x"))[0] == 400


# --- 404, 405, 413


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("GET", f"/workflows/{NOBODY}", NO_WORKFLOW),
        ("POST", f"/workflows/{NOBODY}/execute", NO_WORKFLOW),
        ("GET", f"/runs/{NOBODY}", NO_RUN),
        ("GET", "/workflows/x", NO_WORKFLOW),
        ("POST", "/workflows/ex-0/execute", NO_WORKFLOW),
        ("GET", f"/runs/{'0' * 32}", NO_RUN),
        ("GET", "/runs", "There is no such route."),
        ("GET", "/nothing/at/all", "There is no such route."),
    ],
)
def test_what_is_not_there_is_404(wave: Wave, method: str, path: str, words: str) -> None:
    status, message = refusal(wave(method, path, {} if method == "POST" else None))
    assert (status, message.startswith(words)) == (404, True), message


def test_an_id_of_another_kind_is_404(wave: Wave, greeting: str) -> None:
    run_id = wave.run(greeting, {"name": "you"})["id"]
    assert refusal(wave("GET", f"/runs/{greeting}"))[0] == 404
    assert wave("GET", f"/workflows/{run_id}").status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/workflows", "GET"),
        ("DELETE", f"/workflows/{NOBODY}", "GET"),
        ("GET", f"/workflows/{NOBODY}/execute", "POST"),
        ("PATCH", f"/runs/{NOBODY}", "GET"),
    ],
)
def test_a_method_that_a_path_does_not_take_is_405(wave: Wave, method: str, path: str, allowed: str) -> None:
    answer = wave(method, path)
    assert (refusal(answer, successor_of(path))[0], answer.headers["allow"]) == (405, allowed)


def test_a_body_over_a_megabyte_is_413(wave: Wave, greeting: str) -> None:
    native = f"/workflows/{spell_workflow(UUID(greeting))}/execute"
    answer = wave("POST", f"/workflows/{greeting}/execute", raw=b" " * (1024 * 1024 + 1))
    assert refusal(answer, native)[0] == 413


# --- 429, 500, 503


def test_starts_over_the_limit_are_429_and_say_when(stack: LocalStack, greeting: str) -> None:
    limited = wave_with_key(stack, "sc_wave_limited", rate_limit=RateLimit(per_second=1, burst=1))
    path, native = f"/workflows/{greeting}/execute", f"/workflows/{spell_workflow(UUID(greeting))}/execute"
    first, second = (limited("POST", path, {"name": "you"}) for _ in range(2))
    assert (first.status, first.headers["ratelimit-policy"]) == (200, '"default";q=1;w=1')
    assert refusal(second, native)[0] == 429
    assert (second.headers["retry-after"], second.headers["ratelimit"].startswith('"default";r=0;t=')) == ("1", True)


@pytest.fixture
def broken_tables() -> Iterator[None]:
    def fail(**_: Any) -> None:
        raise ZeroDivisionError("a bug with a secret in it")

    events = client_wiring.dynamodb().meta.events
    events.register("before-call.dynamodb.Query", fail)
    yield
    events.unregister("before-call.dynamodb.Query", fail)


@pytest.mark.usefixtures("broken_tables")
def test_a_bug_is_500_with_an_id_and_nothing_else(wave: Wave) -> None:
    status, words = refusal(wave("GET", f"/runs/{NOBODY}"))
    assert (status, "secret" in words, "Say the id " in words) == (500, False, True)


def test_a_run_that_step_functions_does_not_take_now_is_running_as_wave_has_no_other_word(
    wave: Wave, greeting: str
) -> None:
    with starts_throttled():
        answer = wave("POST", f"/workflows/{greeting}/execute", {"name": "you"})
    assert (answer.status, answer.json["status"]) == (200, "running")
    run = wiring.worker_dependencies().runs.get_for_end(UUID(answer.json["id"])).run
    assert run.status is RunStatus.PENDING
    stop_run(run, wiring.face_dependencies())


# --- CORS


def test_a_page_of_any_origin_may_read_when_the_face_ends(stack: LocalStack) -> None:
    client = Client(stack.url)
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "x-api-key, content-type"}
    preflight = client("OPTIONS", f"/wave/workflows/{NOBODY}/execute", origin="https://maps.example", **asked)
    client.close()
    assert (preflight.status, dict(preflight.headers)["access-control-allow-origin"]) == (204, "*")
    answer = Wave(stack.url)("GET", "/workflows", headers={"origin": "https://maps.example"})
    exposed = set(answer.headers["access-control-expose-headers"].split(","))
    assert {"deprecation", "sunset", "link", "retry-after"} <= exposed
