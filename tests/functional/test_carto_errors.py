"""contracts/carto.md, "Errors" and CORS: every refusal in one shape, with the headers of every answer."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ConnectTimeoutError

from carto_api.requests import SqlRequest, read_command
from local.seed import API_KEY, PRINCIPAL, TENANT
from local.stack import LocalStack
from stepcall.domain.access import Caller, RateLimit, Scope
from stepcall.runtime import client_wiring, wiring
from stepcall.use_cases.call_procedure import call_procedure
from stepcall.use_cases.engine import ExecutionStatus
from tests.functional.carto import CLUSTERS, LIGHT, PARAMETERS, Carto, Deployed, carto_with_key, enable, url_of
from tests.functional.conftest import Answer
from tests.functional.missed_runs import starts_throttled
from tests.local.http_client import Client

JOB, QUERY = "/v3/sql/carto_dw/job", "/v3/sql/carto_dw/query"
NO_JOB = f"{JOB}/job_{'0' * 28}"


@pytest.fixture(scope="module")
def light(stack: LocalStack) -> Deployed:
    return enable(stack, LIGHT)


def refusal(answer: Answer) -> tuple[int, str]:
    """Its status and its words; every answer to an error is checked to be of CARTO's shape."""
    assert list(answer.json) == ["error", "status"], answer.text
    assert answer.json["status"] == answer.status
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    error = answer.json["error"]
    assert isinstance(error, str)
    return answer.status, error


@pytest.mark.parametrize(
    ("method", "path"), [("POST", JOB), ("GET", JOB), ("GET", NO_JOB), ("DELETE", NO_JOB), ("GET", "/v3/sql/jobs")]
)
def test_without_a_token_nothing_is_answered(stack: LocalStack, method: str, path: str) -> None:
    assert refusal(Carto(stack.url, token=None)(method, path)) == (401, "Token not defined")
    for token in ("sc_unknown", "eyJhbGciOiJIUzI1NiJ9.e30.x", "x"):
        answer = Carto(stack.url, token)(method, path)
        assert refusal(answer) == (401, "Invalid token: it is unknown, or has expired")
        assert answer.headers["www-authenticate"] == "Bearer"


def routes() -> list[str]:
    from carto_api.app import app  # noqa: PLC0415 - importable while the stack runs

    return sorted(f"{route.method} {route.path}" for route in (*app._static_routes, *app._dynamic_routes))


def ask_everything(carto: Carto) -> Iterator[tuple[str, Answer]]:
    for route in routes():
        method, _, path = route.partition(" ")
        yield route, carto(method, path.replace("<connection>", "carto_dw").replace("<external_id>", "job_x"))


def test_every_route_says_who_may_call_it_and_is_closed_to_strangers(stack: LocalStack) -> None:
    from carto_api.app import ACCESS  # noqa: PLC0415

    assert routes() == sorted(ACCESS)
    assert {refusal(answer) for _, answer in ask_everything(Carto(stack.url, token=None))} == {
        (401, "Token not defined")
    }


@pytest.mark.parametrize("scope", Scope)
def test_every_route_needs_its_scope(stack: LocalStack, scope: Scope) -> None:
    from carto_api.app import ACCESS  # noqa: PLC0415

    carto = carto_with_key(stack, f"sc_carto_{scope}", scopes=frozenset({scope}))
    opened = {route for route, answer in ask_everything(carto) if answer.status != 403}
    assert opened == {route for route, needed in ACCESS.items() if needed is scope}


class Bad(NamedTuple):
    body: Any
    words: str
    raw: bytes | None = None


BAD_BODIES = {
    "no body": Bad(None, "has no body", b""),
    "no JSON": Bad(None, "This is not JSON", b"{"),
    "an array": Bad([], "JSON object"),
    "no query": Bad({}, '"query" is missing'),
    "a query of another type": Bad({"query": 5}, '"query" is missing'),
    "an empty query": Bad({"query": " \n"}, '"query" is missing'),
    "parameters of another type": Bad({"query": "CALL p()", "queryParameters": "x"}, "queryParameters must be"),
    "the other route's word": Bad({"q": "CALL p()"}, '"query" is missing'),
    "no call": Bad({"query": "DROP TABLE x"}, "Syntax error: Expected CALL at [1:1]"),
    "a select": Bad({"query": "-- all\nSELECT 1"}, "send a SELECT to /v3/sql/carto_dw/query, as `q`"),
    "two statements": Bad({"query": "CALL p(); DROP TABLE x"}, "Syntax error: Expected the end of the input"),
    "half a call": Bad(
        {"query": "CALL p(@a,"}, "Syntax error: Expected a parameter or a literal but got end of script"
    ),
    "too long a call": Bad({"query": f"CALL p('{'x' * 17_000}')"}, "send large values as queryParameters"),
}


@pytest.mark.parametrize("kind", BAD_BODIES)
def test_a_body_that_is_no_call_is_refused(stack: LocalStack, kind: str) -> None:
    bad = BAD_BODIES[kind]
    status, words = refusal(Carto(stack.url)("POST", JOB, bad.body, raw=bad.raw))
    assert (status, bad.words in words) == (400, True), words


@pytest.mark.parametrize(
    "asked",
    [
        *(
            "",
            "query=",
            "query=SELECT%201",
            "query=CALL%20p()&queryParameters=%7B",
            "query=CALL%20p()&queryParameters=5",
        ),
        "&".join(f"a{number}=1" for number in range(200)),
    ],
)
def test_a_url_that_is_no_call_is_refused(stack: LocalStack, asked: str) -> None:
    assert refusal(Carto(stack.url).create_by_url(asked))[0] == 400


@pytest.mark.parametrize(
    "body", [{}, {"query": "SELECT 1"}, {"q": 5}, {"q": "CALL p("}, {"q": "SELECT 1", "queryParameters": 1}]
)
def test_a_query_that_is_none_is_refused(stack: LocalStack, body: Any) -> None:
    assert refusal(Carto(stack.url)("POST", QUERY, body))[0] == 400


def test_what_is_not_there_is_404(stack: LocalStack, light: Deployed) -> None:
    carto = Carto(stack.url)
    other = Carto(stack.url, connection="nothing")
    job = light.create("", {}).json["externalId"]
    unknown = [
        (other.create(light.call("")), "There is no such connection. `GET /connections` lists"),
        (other.query("SELECT 1 AS n"), "There is no such connection."),
        (Carto(stack.url, connection="no%20name!").create(light.call("")), "There is no such connection."),
        (carto.create("CALL `p`()"), "There is no such procedure on this connection"),
        (carto.create(f"CALL `{'x' * 5000}`()"), "There is no such procedure on this connection"),
        (carto.job("job_x"), "There is no such job"),
        (carto.job(f"job_{'z' * 28}"), "There is no such job"),
        (carto("GET", NO_JOB), "There is no such job"),
        (carto.cancel("x"), "There is no such job"),
        (other.job(job), "There is no such job"),
        (other.cancel(job), "There is no such job"),
        (carto("GET", "/v3/sql/nothing"), "There is no such route."),
        (carto("POST", "/v3/sql/carto_dw/nothing", {}), "There is no such route."),
    ]
    for answer, words in unknown:
        status, error = refusal(answer)
        assert (status, error.startswith(words)) == (404, True), error


def test_a_method_that_a_path_does_not_take_is_405(stack: LocalStack) -> None:
    for method, path, allowed in (
        ("PUT", JOB, "GET, POST"),
        ("POST", NO_JOB, "DELETE, GET"),
        ("DELETE", "/v3/sql/jobs", "GET"),
        ("PATCH", QUERY, "GET, POST"),
    ):
        answer = Carto(stack.url)(method, path)
        assert refusal(answer)[0] == 405
        assert answer.headers["allow"] == allowed


def test_a_body_over_a_megabyte_is_413(stack: LocalStack) -> None:
    assert refusal(Carto(stack.url)("POST", JOB, raw=b" " * (1024 * 1024 + 1)))[0] == 413


def test_calls_over_the_limit_are_429_and_say_when(stack: LocalStack, light: Deployed) -> None:
    limited = carto_with_key(stack, "sc_limited_carto", rate_limit=RateLimit(per_second=1, burst=1))
    first = limited.create(light.call(""))
    assert first.status == 200
    assert first.headers["ratelimit-policy"] == '"default";q=1;w=1'
    second = limited.create(light.call(""))
    assert refusal(second)[0] == 429
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
def test_a_bug_is_500_with_an_id_and_nothing_else(stack: LocalStack) -> None:
    status, words = refusal(Carto(stack.url)("GET", "/v3/sql/jobs"))
    assert (status, "secret" in words, "Say the id " in words) == (500, False, True)


def test_a_job_that_step_functions_does_not_take_now_is_pending(light: Deployed) -> None:
    with starts_throttled():
        created = light.create("", {})
        assert created.status == 200, created.text
        job = light.carto.job(created.json["externalId"]).json
    assert job["status"] == {"state": "PENDING"}
    assert light.carto.cancel(created.json["externalId"]).status == 200


@pytest.fixture
def no_signing_key() -> Iterator[None]:
    def fail(**_: Any) -> None:
        raise ConnectTimeoutError(endpoint_url="https://secretsmanager")

    def forget() -> None:
        for remembered in (wiring.tokens, wiring.token_keys):
            remembered.cache_clear()

    events = client_wiring.secretsmanager().meta.events
    forget()
    events.register("before-call.secretsmanager.GetSecretValue", fail)
    yield
    events.unregister("before-call.secretsmanager.GetSecretValue", fail)
    forget()


@pytest.mark.usefixtures("no_signing_key")
def test_a_job_for_which_no_token_can_be_signed_is_created_all_the_same(stack: LocalStack, light: Deployed) -> None:
    created = light.create("", {})
    assert created.status == 200, created.text
    assert "token" not in created.json
    assert light.carto.ended(created.json["externalId"])["status"] == {"state": "DONE"}
    token = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImEifQ.e30.eHh4"
    assert refusal(Carto(stack.url, token)("GET", "/v3/sql/jobs"))[0] == 503


CALLS_OF_A_JOB = {
    "first": ["GetItem", "GetItem", "GetItem", "TransactWriteItems", "UpdateItem"],
    "joined or reused": ["GetItem", "GetItem", "GetItem", "Query"],
}


class NoEngine:
    """Starts nothing, so that nothing but the call at hand asks DynamoDB."""

    def start(self, *_: Any) -> None:
        """See StateMachines."""

    def stop(self, *_: Any) -> None:
        """See StateMachines."""

    def describe(self, *_: Any) -> ExecutionStatus:
        return ExecutionStatus.MISSING


def test_a_job_costs_few_calls(stack: LocalStack) -> None:
    """Connection, procedure, claim; then the run and its slot, or a look at the run that has the claim, or a put."""
    deployed = enable(stack, CLUSTERS)
    deployed.run(parameters=PARAMETERS | {"number_of_clusters": 1})  # the version is known from now on
    made: list[str] = []
    events, here = client_wiring.dynamodb().meta.events, threading.get_ident()

    def note(model: Any, **_: Any) -> None:
        if threading.get_ident() == here:  # what earlier tests have started may be under way in others
            made.append(model.name)

    events.register("before-call.dynamodb", note)
    try:
        command = read_command("carto_dw", SqlRequest(deployed.call(), PARAMETERS))
        caller = Caller(TENANT, PRINCIPAL)
        first = call_procedure(command, caller, replace(wiring.face_dependencies(), engine=NoEngine()))
        called, made[:] = list(made), []
        joined = call_procedure(command, caller, wiring.face_dependencies())
    finally:
        events.unregister("before-call.dynamodb", note)
    assert (called, made) == tuple(CALLS_OF_A_JOB.values())
    assert joined.run_id == first.run_id


def test_a_success_has_the_headers_of_every_answer_and_never_an_error(stack: LocalStack) -> None:
    deployed = enable(stack, CLUSTERS)
    created = deployed.create()
    external_id = created.json["externalId"]
    deployed.carto.ended(external_id)
    asked = url_of(query=deployed.call(), queryParameters=str(PARAMETERS).replace("'", '"'))
    for answer in (
        created,
        deployed.carto.create_by_url(asked),
        deployed.carto.job(external_id),
        deployed.carto("GET", "/v3/sql/jobs"),
        deployed.carto.query(deployed.call(), PARAMETERS),
    ):
        assert answer.status == 200, answer.text
        assert "error" not in answer.json
        assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")


@pytest.mark.parametrize("path", [JOB, NO_JOB, "/v3/sql/jobs", QUERY])
def test_a_page_of_any_origin_may_call_with_a_token_and_json(stack: LocalStack, path: str) -> None:
    client = Client(stack.url)
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization, content-type"}
    preflight = client("OPTIONS", path, origin="https://maps.example", **asked)
    client.close()
    allowed = dict(preflight.headers)
    assert (preflight.status, allowed["access-control-allow-origin"]) == (204, "*")
    assert {"authorization", "content-type"} <= set(allowed["access-control-allow-headers"].split(","))
    assert {"GET", "POST", "DELETE"} <= set(allowed["access-control-allow-methods"].split(","))
    answer = Carto(stack.url, API_KEY)("GET", path, headers={"origin": "https://maps.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
