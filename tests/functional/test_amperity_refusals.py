"""contracts/amperity.md, "Errors and limits": each documented refusal as `{status, message}` that says what to do."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.stack import LocalStack
from stepcall.domain.access import Grants, Scope
from tests.functional.amperity import COURIER, RUNS, Amperity, amperity_with_key, configure, staged
from tests.functional.amperity import refusal as shown_refusal
from tests.functional.conftest import Answer, Api

SECRET = "zq7-nobodys-word"
NO_RUN = "wf-20260101-00000-000000000000000"


@pytest.fixture
def amperity(stack: LocalStack) -> Amperity:
    return Amperity(stack.url)


@pytest.fixture(scope="module")
def courier(stack: LocalStack) -> str:
    return configure(Api(stack.url))


def refusal(answer: Answer) -> tuple[int, str]:
    """What was sent is not repeated."""
    assert SECRET not in answer.text
    return shown_refusal(answer)


# --- 400


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"config_id": ""}, "`config_id` is missing"),
        ({"config_id": None}, "`config_id` is missing"),
        ({"config_id": 7}, "`config_id` must be text, not a number"),
        ({"config_id": ["a"]}, "`config_id` must be text, not an array"),
        ({"config_id": {"a": 1}}, "`config_id` must be text, not an object"),
        ({"run_mode": SECRET}, "`run_mode` must be one of `source`, `refresh`, `full`"),
        ({"run_mode": "Source"}, "`run_mode` must be one of `source`, `refresh`, `full`"),
        ({"run_mode": ""}, "`run_mode` must be one of `source`, `refresh`, `full`"),
        ({"run_mode": True}, "`run_mode` must be text, not a boolean"),
        ({"range_to": "2025-04-18"}, "`range_to` needs `range_from`"),
        ({"range_from": "2025-04-18", "range_to": "2025-04-18"}, "for one day send the next day, or leave it out"),
        ({"range_from": "2025-04-18", "range_to": "2025-04-17"}, "`range_to` must be later than `range_from`"),
        ({"range_from": "2025-04-18Z"}, "`range_from` has an offset and no time of day"),
        ({"range_from": "10000-01-01"}, "`range_from` is later than the year 9999"),
        ({"a\x00\x1b[31mb": "1"}, "fields that there are not: `a\ufffd\ufffd[31mb`"),
        ({"range_from": "2025-04-18T01:00+02:00", "range_to": "2025-04-17T23:00Z"}, "later than `range_from`"),
        ({"range_from": "18.04.2025"}, "`range_from` must be an ISO 8601 time, such as `2025-04-18`"),
        ({"range_from": "2025-02-30"}, "`range_from` is no time that there is"),
        ({"range_from": "2025-04-18", "range_to": SECRET}, "`range_to` must be an ISO 8601 time"),
        ({"range_from": "9999-12-31"}, "`range_from` has no day after it"),
        ({"range_from": 1745000000}, "`range_from` must be text, not a number"),
        ({"parameters": {}}, "fields that there are not: `parameters`. It may have config_id, run_mode"),
        ({"x" * 500: "1", "Config_id": "1"}, "…`, `Config_id`."),
        ({"api_version": "2023-01-01"}, "not supported. There is 2024-04-01"),
    ],
)
def test_a_start_that_cannot_be_meant_is_400(amperity: Amperity, courier: str, fields: Any, says: str) -> None:
    bare = Amperity(amperity.url, version=None)
    status, message = refusal(bare.post({"config_id": courier} | fields))
    assert status == 400
    assert says in message


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "`config_id` is missing"),
        (b" \r\n ", "`config_id` is missing"),
        (b"{}", "`config_id` is missing"),
        (b"config_id=%ff%fe", "neither a JSON object nor a form"),
        (b'{"config_id"="cg-123ABc4DE"}', "This is not JSON"),  # the vendor's own page has this example
        (b'{"config_id": "a", ', "This is not JSON"),
        (b'["config_id"]', "JSON, and no object"),
        (b'"config_id"', "JSON, and no object"),
        (b"null", "neither a JSON object nor a form"),
        (b"config_id", "neither a JSON object nor a form"),
        (b'--x\r\nContent-Disposition: form-data; name="config_id"\r\n\r\na\r\n--x--', "neither a JSON object nor"),
        (b'{"config_id": "a", "config_id": "b"}', "Sent more than once: `config_id`"),
        (b"config_id=a&run_mode=full&run_mode=full", "Sent more than once: `run_mode`"),
        (b"config_id=a&mode=full", "fields that there are not: `mode`"),
        (b"config_id=a&mode=", "fields that there are not: `mode`"),
        (b"config_id=&run_mode=full", "`config_id` is missing"),
        (b"&".join([b"a=1"] * 200), "neither a JSON object nor a form"),
        (b" " * (1024 * 1024 + 1), "may have 1,048,576 bytes"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "This is not JSON"),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_a_body_that_cannot_be_read_is_400_and_says_what_to_send(
    amperity: Amperity, body: bytes, says: str, content_type: str
) -> None:
    status, message = refusal(amperity("POST", RUNS, raw=body, headers={"content-type": content_type}))
    assert status == 400
    assert says in message


def test_a_body_that_is_not_utf_8_is_400(amperity: Amperity) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}  # of JSON the gateway makes text itself
    assert refusal(amperity("POST", RUNS, raw=b"config_id=\xff\xfe", headers=form)) == (
        400,
        "The body is not UTF-8 text.",
    )


def test_a_workflow_with_an_input_without_a_default_is_400_and_names_it(amperity: Amperity, api: Api) -> None:
    declared = [
        {"name": "city", "type": "string", "description": "Where"},
        {"name": "n", "type": "integer", "default": 1},
    ]
    status, message = refusal(amperity.post({"config_id": configure(api, input=declared)}))
    assert status == 400
    assert "give each input of the workflow a default" in message
    assert "The input `city` is missing: Where" in message
    assert "`n`" not in message


def test_a_run_mode_that_leaves_nothing_to_run_is_400(amperity: Amperity, api: Api) -> None:
    config_id = configure(api, tasks=[staged("send", "activation")])
    status, message = refusal(amperity.post({"config_id": config_id, "run_mode": "source"}))
    assert (status, "leaves nothing to run" in message) == (400, True)
    assert amperity.post({"config_id": config_id}).status == 200


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"api-version": "2023-01-01"}, ""),
        ({"API-Version": "2024-4-1"}, ""),
        ({}, "?api_version=2023-01-01"),
        ({}, "?api-version=latest"),
    ],
)
def test_a_version_that_is_not_supported_is_400_on_every_route(
    amperity: Amperity, headers: Mapping[str, str], query: str
) -> None:
    bare = Amperity(amperity.url, version=None)
    for method, path in (("GET", RUNS), ("POST", RUNS), ("GET", f"{RUNS}/{NO_RUN}"), ("POST", f"{RUNS}/{NO_RUN}/stop")):
        status, message = refusal(bare(method, f"{path}{query}", headers=headers))
        assert (status, "2024-04-01" in message) == (400, True)


def test_a_view_that_there_is_not_is_400(amperity: Amperity, courier: str) -> None:
    run = amperity.start(courier)
    status, message = refusal(amperity("GET", f"{RUNS}/{run['id']}?view={SECRET}"))
    assert (status, "`overview`, `verbose`" in message) == (400, True)
    assert amperity("GET", f"{RUNS}/{run['id']}?view=overview&unknown=1").status == 200


def test_a_stop_with_a_field_that_there_is_not_is_400(amperity: Amperity, courier: str) -> None:
    run = amperity.start(courier)
    status, message = refusal(amperity("POST", f"{RUNS}/{run['id']}/stop", {"reason": "late"}))
    assert (status, "`reason`" in message) == (400, True)


# --- 401, 403


@pytest.mark.parametrize("token", [None, "sc_unknown", "eyJhbGciOiJub25lIn0.e30.", "é".encode().decode("latin-1")])
def test_no_key_and_no_good_one_is_401(amperity: Amperity, token: str | None) -> None:
    answer = Amperity(amperity.url, token)("GET", RUNS)
    assert refusal(answer)[0] == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_an_expired_key_is_401(stack: LocalStack) -> None:
    ended = datetime.now(UTC) - timedelta(seconds=1)
    assert refusal(amperity_with_key(stack, "sc_amperity_expired", expires_at=ended)("GET", RUNS))[0] == 401


@pytest.mark.parametrize("header", ["amperity-tenant", "Amperity-Tenant", "X-Amperity-Tenant"])
def test_the_header_of_another_tenant_is_403_on_every_route(amperity: Amperity, courier: str, header: str) -> None:
    bare = Amperity(amperity.url, tenant=None)
    run = amperity.start(courier)["id"]
    for method, path in (("GET", RUNS), ("POST", RUNS), ("GET", f"{RUNS}/{run}"), ("POST", f"{RUNS}/{run}/stop")):
        assert refusal(bare(method, path, headers={header: SECRET}))[0] == 403
    both = {"amperity-tenant": "local", "x-amperity-tenant": SECRET}
    assert refusal(bare("GET", RUNS, headers=both))[0] == 403


@pytest.mark.parametrize("scope", Scope)
def test_each_route_needs_its_own_scope(stack: LocalStack, courier: str, scope: Scope) -> None:
    client = amperity_with_key(stack, f"sc_amperity_only_{scope}", scopes=frozenset({scope}))
    asked = {
        Scope.RUNS_START: ("POST", RUNS, {"config_id": courier}),
        Scope.RUNS_READ: ("GET", RUNS, None),
        Scope.RUNS_CANCEL: ("POST", f"{RUNS}/{NO_RUN}/stop", None),
    }
    for needed, (method, path, body) in asked.items():
        answer = client(method, path, body)
        assert (answer.status == 403) == (scope is not needed), (needed, answer.text)
        if answer.status == 403:
            assert f"`{needed}`" in refusal(answer)[1]


def test_a_workflow_that_is_not_granted_is_403(stack: LocalStack, courier: str) -> None:
    narrow = amperity_with_key(stack, "sc_amperity_nothing", grants=Grants())
    assert refusal(narrow.post({"config_id": courier}))[0] == 403


# --- 404, 405, 409


@pytest.mark.parametrize(
    "config_id",
    ["cg-unknown", "wf-0000000000000000000000000", "00000000-0000-7000-8000-000000000000", "a b/ü", "x" * 5000],
)
def test_a_configuration_that_there_is_not_is_404(amperity: Amperity, config_id: str) -> None:
    assert refusal(amperity.post({"config_id": config_id})) == (
        404,
        "No workflow has this `config_id`: it must be the id of a workflow, or the `config_id` of its definition.",
    )


def test_another_tenants_configuration_and_run_are_404(stack: LocalStack, amperity: Amperity, courier: str) -> None:
    other = amperity_with_key(stack, "sc_amperity_elsewhere", tenant="elsewhere")
    run = amperity.start(courier)["id"]
    assert refusal(other.post({"config_id": courier}))[0] == 404
    assert refusal(other("GET", f"{RUNS}/{run}"))[0] == refusal(other.stop(run))[0] == 404


def test_a_deleted_configuration_is_404(amperity: Amperity, api: Api) -> None:
    spelled = api.define(**{**COURIER, "config_id": "cg-soon-deleted"})
    assert api("DELETE", f"/workflows/{spelled}").status == 204
    for config_id in (spelled, "cg-soon-deleted"):
        assert refusal(amperity.post({"config_id": config_id}))[0] == 404


@pytest.mark.parametrize("run", [NO_RUN, "wf-20260230-00000-000000000000000", "nothing", "wf-%00", "x" * 3000])
def test_a_run_that_there_is_not_is_404(amperity: Amperity, run: str) -> None:
    assert refusal(amperity("GET", f"{RUNS}/{run}"))[0] == 404
    assert refusal(amperity("POST", f"{RUNS}/{run}/stop"))[0] == 404


@pytest.mark.parametrize("path", ["/api/nothing", "/api/workflow", "/api/workflow/runs/a/b", "/api/v1/oauth2/token"])
def test_a_path_that_there_is_not_is_404(amperity: Amperity, path: str) -> None:
    assert refusal(amperity("GET", path))[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", RUNS, "GET, POST"),
        ("PUT", f"{RUNS}/{NO_RUN}", "GET"),
        ("GET", f"{RUNS}/{NO_RUN}/stop", "POST"),
        ("GET", "/api/v0/oauth2/token", "POST"),
    ],
)
def test_a_method_that_a_path_does_not_take_is_405_and_says_which_it_does(
    amperity: Amperity, method: str, path: str, allowed: str
) -> None:
    answer = amperity(method, path)
    assert refusal(answer) == (405, f"This path takes {allowed}.")
    assert answer.headers["allow"] == allowed


def test_a_run_that_has_ended_is_not_stopped_but_409(amperity: Amperity, courier: str) -> None:
    run = amperity.ended(amperity.start(courier)["id"])
    assert refusal(amperity.stop(run["id"])) == (409, "The run has ended, and is not stopped.")
    assert amperity.run(run["id"]) == run
