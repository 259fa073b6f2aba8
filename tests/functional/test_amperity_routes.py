"""contracts/amperity.md, row by row: its routes, its headers, its token, and the description it gives of itself."""

import pytest

from amperity_api.app import ACCESS, app
from local.seed import KEY_ID, PRINCIPAL, TENANT
from local.stack import LocalStack
from stepcall.domain.ids import spell_api_key
from tests.functional.amperity import RUNS, Amperity, configure
from tests.functional.conftest import Api


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
    assert amperity("POST", f"/api/v0/oauth2/token{slash}", {"grant_type": "client_credentials"}).status == 401


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
    sent = {"content-type": "application/x-www-form-urlencoded"}
    answer = nobody("POST", "/api/v0/oauth2/token", raw=form.encode(), headers=sent)
    assert answer.status == 200, answer.text
    assert answer.json.items() >= {"expires_in": 3600, "token_type": "Bearer"}.items()
    assert answer.headers["amperity-request-id"]
    run = Amperity(amperity.url, answer.json["access_token"]).start(courier)
    assert (run["principal_id"], run["principal_name"]) == (spell_api_key(KEY_ID), PRINCIPAL)


def test_every_answer_names_its_request_errors_too(amperity: Amperity, courier: str) -> None:
    stranger = Amperity(amperity.url, token=None)
    answers = [
        amperity("GET", RUNS),
        amperity("POST", RUNS, {"config_id": courier}),
        amperity("POST", RUNS, {}),
        amperity("PUT", RUNS),
        amperity("GET", "/api/nothing"),
        stranger("GET", RUNS),
        stranger("POST", "/api/v0/oauth2/token", {}),
        stranger("GET", "/api/openapi.json"),
    ]
    assert [answer.status for answer in answers] == [200, 200, 400, 405, 404, 401, 401, 200]
    names = [answer.headers["amperity-request-id"] for answer in answers]
    assert len(set(names)) == len(names)
    assert all(answer.headers["x-content-type-options"] == "nosniff" for answer in answers)


def test_anybody_may_read_the_description_and_keep_it(amperity: Amperity) -> None:
    answer = Amperity(amperity.url, token=None)("GET", "/api/openapi.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    described = {f"{method.upper()} /api{path}" for path, item in answer.json["paths"].items() for method in item}
    assert described == {name.replace("<run_id>", "{workflow-id}") for name in ACCESS}
