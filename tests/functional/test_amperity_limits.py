"""contracts/amperity.md, "Errors and limits": 429, by the face's own limit and by that of the key; what headers say."""

import re
import time
from dataclasses import replace

from local.stack import LocalStack
from stepcall.domain.access import RateLimit, Scope
from stepcall.domain.ids import read_run_id
from stepcall.runtime.wiring import face_dependencies
from tests.functional.amperity import RUNS, amperity_with_key, configure, refusal
from tests.functional.conftest import Api


def test_more_than_ten_requests_a_second_of_one_tenant_are_429_and_other_tenants_are_served(stack: LocalStack) -> None:
    clients = [amperity_with_key(stack, f"sc_amperity_busy_{number}", tenant="busy") for number in range(2)]
    hasty = [replace(client, waits=False) for client in clients]
    answers = [hasty[number % 2]("GET", RUNS) for number in range(40)]
    refused = [answer for answer in answers if answer.status == 429]
    assert {answer.status for answer in answers[:10]} == {200}
    assert refused
    assert int(refused[0].headers["retry-after"]) == 1
    assert "10 requests a second" in refusal(refused[0])[1]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"requests";q=10;w=1'}
    assert '"requests";r=0;t=1' in {answer.headers["ratelimit"] for answer in refused}
    calm = amperity_with_key(stack, "sc_amperity_calm", tenant="calm")
    assert replace(calm, waits=False)("GET", RUNS).status == 200


def test_who_may_do_nothing_here_and_a_job_token_take_nothing_from_the_tenant(stack: LocalStack) -> None:
    owner = amperity_with_key(stack, "sc_amperity_shared", tenant="shared")
    native = Api(stack.url, "sc_amperity_shared")
    run = read_run_id(owner.start(configure(native))["id"])
    workflow_id = face_dependencies().runs.get_for_end(run).run.workflow_id
    token = native("POST", f"/workflows/{workflow_id}/executions/{run}/token").json["token"]
    reader = replace(owner, token=token, waits=False)
    scopeless = amperity_with_key(
        stack, "sc_amperity_scopeless", tenant="shared", scopes=frozenset({Scope.KEYS_MANAGE})
    )
    time.sleep(1.1)  # until all ten are back
    read = [reader("GET", f"{RUNS}/{run}") for _ in range(40)]
    assert {answer.status for answer in read} == {200, 429}
    assert '"requests";r=0;t=1' in {answer.headers["ratelimit"].rpartition(", ")[2] for answer in read}
    for method, path in (("GET", RUNS), ("POST", RUNS), ("GET", "/api/nothing"), ("PUT", RUNS)):
        assert {replace(scopeless, waits=False)(method, path).status for _ in range(6)} <= {403, 404, 405}
    hasty = replace(owner, waits=False)
    assert {hasty("GET", RUNS).status for _ in range(10)} == {200}


def test_answers_say_where_the_keys_limit_stands_and_where_the_faces(stack: LocalStack) -> None:
    client = amperity_with_key(stack, "sc_amperity_told", tenant="told", rate_limit=RateLimit(2, 5))
    config_id = configure(Api(stack.url, "sc_amperity_told"))
    started = replace(client, waits=False).post({"config_id": config_id})
    assert started.headers["ratelimit-policy"] == '"default";q=2;w=1, "requests";q=10;w=1'
    # of the ten, one may be back by now
    assert re.fullmatch(r'"default";r=4;t=1, "requests";r=(9;t=1|10;t=0)', started.headers["ratelimit"])
    for untold in (replace(client, token=None)("GET", RUNS), client("GET", "/api/openapi.json")):
        assert not {"ratelimit", "ratelimit-policy"} & untold.headers.keys()


def test_a_key_that_starts_too_many_is_429(stack: LocalStack) -> None:
    amperity_with_key(stack, "sc_amperity_owner", tenant="slow")
    client = amperity_with_key(stack, "sc_amperity_slow", tenant="slow", rate_limit=RateLimit(1, 1))
    config_id = configure(Api(stack.url, "sc_amperity_owner"))
    hasty = replace(client, waits=False)
    answers = [hasty.post({"config_id": config_id}) for _ in range(4)]
    refused = [answer for answer in answers if answer.status == 429]
    assert answers[0].status == 200
    assert "This key may start 1 execution per second" in refusal(refused[0])[1]
    assert int(refused[0].headers["retry-after"]) == 1
