"""contracts/amperity.md, row by row: its routes, its headers, its token, and the description it gives of itself."""

import json
from dataclasses import replace

import pytest

from amperity_api.app import ACCESS, app
from local.seed import KEY_ID, PRINCIPAL, TENANT
from local.stack import LocalStack
from stepcall.domain.ids import spell_api_key
from tests.functional.amperity import FORM, RUNS, Amperity, configure
from tests.functional.conftest import Api

TOKEN = "/api/v0/oauth2/token"


@pytest.fixture
def amperity(stack: LocalStack) -> Amperity:
    return Amperity(stack.url)


@pytest.fixture(scope="module")
def courier(stack: LocalStack) -> str:
    """The `config_id` of a workflow with a task of each stage."""
    return configure(Api(stack.url))


def test_every_route_has_its_row_and_is_declared() -> None:
    routes = {f"{route.method} {route.path}" for route in (*app._static_routes, *app._dynamic_routes)}
    assert routes == set(ACCESS)
    assert {name for name, scope in ACCESS.items() if scope is None} == {
        "POST /api/v0/oauth2/token",
        "GET /api/openapi.json",
    }


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_slash_at_the_end_makes_no_difference_on_any_path(amperity: Amperity, courier: str, slash: str) -> None:
    started = amperity("POST", f"{RUNS}{slash}", {"config_id": courier})
    assert started.status == 200, started.text
    run = f"{RUNS}/{started.json['id']}"
    assert amperity("GET", f"{RUNS}{slash}").status == 200
    assert amperity("GET", f"{RUNS}{slash}?limit=1").status == 200
    assert amperity("GET", f"{run}{slash}").status == 200
    assert amperity("POST", f"{run}/stop{slash}").status in {200, 409}
    assert amperity("GET", f"/api/openapi.json{slash}").status == 200
    assert amperity("POST", f"{TOKEN}{slash}", {"grant_type": "client_credentials"}).status == 401


def test_the_names_of_headers_are_taken_in_any_case(amperity: Amperity, courier: str) -> None:
    nameless = Amperity(amperity.url, token=None, tenant=None, version=None)
    for tenant, version in (("Amperity-Tenant", "Api-Version"), ("X-Amperity-Tenant", "API-VERSION")):
        sent = {"AUTHORIZATION": f"bearer {amperity.token}", tenant: TENANT, version: "2024-04-01"}
        answer = nameless("POST", RUNS, {"config_id": courier}, headers=sent)
        assert answer.status == 200, answer.text


def test_without_a_tenant_and_a_version_the_keys_tenant_and_the_newest_version_count(
    amperity: Amperity, courier: str
) -> None:
    bare = Amperity(amperity.url, tenant=None, version=None)
    run = bare.start(courier)
    assert run["tenant"] == TENANT
    assert bare.run(run["id"])["id"] == run["id"]


@pytest.mark.parametrize("query", ["?api_version=2024-04-01", "?api-version=2024-04-01", ""])
def test_the_version_is_taken_as_a_header_in_the_query_and_in_the_body(
    amperity: Amperity, courier: str, query: str
) -> None:
    bare = Amperity(amperity.url, version=None)
    body = {"config_id": courier} | ({} if query else {"api_version": "2024-04-01"})
    assert bare("POST", f"{RUNS}{query}", body).status == 200
    assert bare.post_form(f"config_id={courier}", "api_version=2024-04-01").status == 200


def test_the_header_counts_before_the_query_and_the_query_before_the_body(amperity: Amperity, courier: str) -> None:
    other = {"config_id": courier, "api_version": "2019-01-01"}
    assert amperity("POST", f"{RUNS}?api_version=2019-01-01", other).status == 200
    bare = Amperity(amperity.url, version=None)
    assert bare("POST", f"{RUNS}?api_version=2024-04-01", other).status == 200
    assert bare("POST", RUNS, other).status == 400


def test_the_token_route_gives_a_token_for_an_hour_that_starts_runs(amperity: Amperity, courier: str) -> None:
    nobody = Amperity(amperity.url, token=None, tenant=None, version=None)
    form = f"grant_type=client_credentials&client_id={spell_api_key(KEY_ID)}&client_secret={amperity.token}"
    answer = nobody("POST", TOKEN, raw=form.encode(), headers={"content-type": FORM})
    assert answer.status == 200, answer.text
    assert answer.json.items() >= {"expires_in": 3600, "token_type": "Bearer"}.items()
    assert answer.headers["amperity-request-id"]
    bearer = Amperity(amperity.url, answer.json["access_token"])
    run = bearer.start(courier)
    assert (run["principal_id"], run["principal_name"]) == (spell_api_key(KEY_ID), PRINCIPAL)
    assert replace(bearer, tenant="another")("GET", RUNS).status == 403


@pytest.mark.parametrize("route", [TOKEN, "/oauth/token"])
def test_curl_asks_for_a_token_by_json_that_it_labels_as_a_form(
    amperity: Amperity, stack: LocalStack, route: str
) -> None:
    client = {"client_id": spell_api_key(KEY_ID), "client_secret": amperity.token}
    sent = json.dumps({"grant_type": "client_credentials"} | client).encode()
    answer = Api(stack.url, None)("POST", route, raw=sent, headers={"content-type": FORM})
    assert (answer.status, answer.json["token_type"]) == (200, "Bearer"), answer.text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_request"),
        (b"grant_type=client_credentials", 401, "invalid_client"),
        (b"grant_type=password&client_id={id}&client_secret={key}", 400, "unsupported_grant_type"),
        (b"grant_type=client_credentials&client_id={id}&client_secret=sc_another", 401, "invalid_client"),
    ],
)
def test_refusals_of_the_token_route_are_those_of_oauth(
    amperity: Amperity, body: bytes, status: int, code: str
) -> None:
    raw = body.replace(b"{id}", spell_api_key(KEY_ID).encode()).replace(b"{key}", str(amperity.token).encode())
    answer = Amperity(amperity.url, None)("POST", TOKEN, raw=raw, headers={"content-type": FORM})
    assert (answer.status, answer.json["error"]) == (status, code)
    assert answer.json.keys() == {"error", "error_description"}


def test_a_body_too_large_for_the_token_route_is_400_in_the_words_of_the_face(amperity: Amperity) -> None:
    answer = Amperity(amperity.url, None)("POST", TOKEN, raw=b" " * (1024 * 1024 + 1), headers={"content-type": FORM})
    assert (answer.status, answer.json.keys()) == (400, {"status", "message"})


def test_the_token_route_takes_no_other_method_and_says_so_to_who_may_ask(amperity: Amperity) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = amperity(method, TOKEN)
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
        assert Amperity(amperity.url, None)(method, TOKEN).status == 401


def test_every_answer_names_its_request_errors_too(amperity: Amperity, courier: str) -> None:
    stranger = Amperity(amperity.url, token=None)
    answers = [
        amperity("GET", RUNS),
        amperity("POST", RUNS, {"config_id": courier}),
        amperity("POST", RUNS, {}),
        amperity("PUT", RUNS),
        amperity("GET", "/api/nothing"),
        stranger("GET", RUNS),
        stranger("POST", TOKEN, {}),
        stranger("GET", "/api/openapi.json"),
    ]
    assert [answer.status for answer in answers] == [200, 200, 400, 405, 404, 401, 401, 200]
    names = [answer.headers["amperity-request-id"] for answer in answers]
    assert len(set(names)) == len(names)
    assert names == [answer.headers["apigw-requestid"] for answer in answers]  # the gateway's own name for it
    assert all(answer.headers["x-content-type-options"] == "nosniff" for answer in answers)


def test_anybody_may_read_the_description_and_keep_it(amperity: Amperity) -> None:
    answer = Amperity(amperity.url, token=None)("GET", "/api/openapi.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    described = {f"{method.upper()} /api{path}" for path, item in answer.json["paths"].items() for method in item}
    assert described == {name.replace("<run_id>", "{workflow-id}") for name in ACCESS}
