"""API keys over HTTP: shown once, as good as they say, gone when they are deleted."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from local.stack import LocalStack
from stepcall.domain.ids import read_api_key_id
from stepcall.runtime import authentication, wiring
from stepcall.runtime.first_key import first_key_id
from tests.functional.conftest import Answer, Api
from tests.functional.everything_logged import everything_logged
from tools.first_api_key import first_api_key

READER = {"name": "dashboard", "scopes": ["runs:read", "workflows:read"]}
NOWHERE = "key_" + "0" * 25


def create(api: Api, **said: Any) -> Any:
    answer = api("POST", "/api-keys", READER | said)
    assert answer.status == 201, answer.text
    return answer.json


def by(api: Api, made: Any) -> Api:
    return replace(api, key=made["api_key"])


def define(api: Api) -> str:
    return api.define(tasks=[{"ref": "echo", "type": "Data.Transform", "input": {"expression": "1", "data": {}}}])


def wait_a_minute() -> None:
    """Half of it makes a process ask again for what it believes of keys."""
    wiring.known_keys.cache_clear()
    wiring.authenticator.cache_clear()


def test_a_key_is_shown_once_and_works_at_once(api: Api) -> None:
    answer = api("POST", "/api-keys", READER)
    assert answer.status == 201
    made = answer.json
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["location"] == f"/api-keys/{made['key_id']}"
    assert by(api, made)("GET", "/workflows").status == 200
    assert by(api, made)("POST", "/workflows", {"name": "x"}).status == 403
    shown = api("GET", f"/api-keys/{made['key_id']}")
    assert shown.json | {"api_key": made["api_key"]} == made | {"last_used_at": shown.json["last_used_at"]}
    listed = api("GET", "/api-keys?limit=1")
    assert [key["key_id"] for key in listed.json["api_keys"]] == [made["key_id"]]
    for text in (shown.text, listed.text):
        assert made["api_key"] not in text
        assert "hash" not in text


def test_the_text_of_a_key_is_in_no_log(api: Api) -> None:
    with everything_logged() as said:
        made = create(api)
        by(api, made)("GET", "/workflows")
        logging.getLogger("stepcall").debug("it listens")
    assert any("it listens" in line for line in said)
    assert not [line for line in said if made["api_key"] in line and "moto" not in line]


def test_keys_are_listed_newest_first_in_pages_that_follow_each_other(api: Api) -> None:
    made = [create(api, name=f"page {number}")["key_id"] for number in range(3)]
    first = api("GET", "/api-keys?limit=2").json
    second = api("GET", f"/api-keys?limit=2&next_token={first['next_token']}").json
    listed = [key["key_id"] for key in first["api_keys"] + second["api_keys"]]
    assert listed[:3] == made[::-1]
    assert api("GET", "/api-keys?next_token=nonsense").status == 400


def test_a_deleted_key_is_refused_once_nobody_remembers_it(api: Api) -> None:
    made = create(api)
    own = by(api, made)
    assert own("GET", "/workflows").status == 200
    assert api("DELETE", f"/api-keys/{made['key_id']}").status == 204
    wait_a_minute()
    assert own("GET", "/workflows").status == 401
    assert api("DELETE", f"/api-keys/{made['key_id']}").status == 404
    assert authentication.CACHE_SECONDS < 60


def test_the_process_that_deletes_a_key_refuses_it_at_once(api: Api) -> None:
    made = create(api)
    assert by(api, made)("GET", "/workflows").status == 200
    assert api("DELETE", f"/api-keys/{made['key_id']}").status == 204
    assert by(api, made)("GET", "/workflows").status == 401


def test_a_key_that_another_process_deletes_makes_no_key(api: Api) -> None:
    made = create(api, scopes=["keys:manage", "workflows:read"])
    own = by(api, made)
    assert own("GET", "/workflows").status == 200
    key_id = read_api_key_id(made["key_id"])
    wiring.api_keys().delete(wiring.known_keys().of_text(made["api_key"]).tenant, key_id)
    assert own("GET", "/workflows").status == 200  # as far as this process remembers
    assert own("POST", "/api-keys", {"name": "survivor", "scopes": ["workflows:read"]}).status == 401


def test_a_key_neither_outlives_nor_outruns_the_key_that_made_it(api: Api) -> None:
    limit = {"per_second": 2, "burst": 5}
    maker = create(api, scopes=["keys:manage"], expires_at="2099-01-01T00:00:00Z", rate_limit=limit)
    own, wish = by(api, maker), {"name": "more", "scopes": ["keys:manage"]}
    made = own("POST", "/api-keys", wish).json
    assert (made["expires_at"], made["rate_limit"]) == (maker["expires_at"], limit)
    for beyond in ({"expires_at": "2099-01-01T00:00:01Z"}, {"rate_limit": limit | {"burst": 6}}):
        refused = own("POST", "/api-keys", wish | beyond)
        assert (refused.status, refused.json["type"]) == (403, "urn:stepcall:problem:not-granted")


def test_a_key_ends_when_it_said(api: Api) -> None:
    ends = datetime.now(UTC) + timedelta(hours=1)
    made = create(api, expires_at=ends.isoformat())
    assert made["expires_at"] == ends.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert by(api, made)("GET", "/workflows").status == 200
    refused = api("POST", "/api-keys", READER | {"expires_at": "2020-01-01T00:00:00Z"})
    assert (refused.status, refused.json["errors"][0]["location"]) == (400, "/expires_at")


def test_a_key_reaches_what_it_is_granted_and_its_own_keys_no_more(api: Api) -> None:
    mine, other = define(api), define(api)
    grants = {"workflows": [mine]}
    manager = by(api, create(api, scopes=["keys:manage", "workflows:read", "runs:start"], grants=grants))
    assert manager("GET", f"/workflows/{mine}").status == 200
    assert manager("GET", f"/workflows/{other}").status == 403
    assert [listed["workflow_id"] for listed in manager("GET", "/workflows").json["workflows"]] == [mine]
    starter = {"name": "starter", "scopes": ["runs:start"], "grants": grants}
    assert manager("POST", "/api-keys", starter).status == 201
    beyond: list[tuple[dict[str, Any], str]] = [
        ({"grants": None}, "not-granted"),
        ({"grants": {"workflows": [mine, other]}}, "not-granted"),
        ({"grants": {"sources": [{"connection_name": "bq", "source": "*"}]}}, "not-granted"),
        ({"scopes": ["runs:start", "runs:cancel"]}, "missing-scope"),
    ]
    for said, problem in beyond:
        refused = manager("POST", "/api-keys", starter | said)
        assert (refused.status, refused.json["type"]) == (403, f"urn:stepcall:problem:{problem}")


def test_a_key_that_is_not_there_is_not_found(api: Api) -> None:
    for method in ("GET", "DELETE"):
        for key_id in (NOWHERE, "nonsense", "key_" + "z" * 25, "00000000-0000-0000-0000-000000000009"):
            assert api(method, f"/api-keys/{key_id}").status == 404


def test_the_first_key_of_the_deployment_works_and_is_in_no_list(stack: LocalStack, api: Api) -> None:
    session = boto3.Session(region_name="us-east-1")
    text = first_api_key(Stacks(stack), session.client("secretsmanager"), "stepcall")
    first = replace(api, key=text)
    assert len(text) == len("sc_") + 43
    made = first("POST", "/api-keys", READER)
    assert made.status == 201
    listed = [key["key_id"] for key in first("GET", "/api-keys").json["api_keys"]]
    assert made.json["key_id"] in listed
    assert first_key_id(text) not in listed
    assert first("DELETE", f"/api-keys/{first_key_id(text)}").status == 404
    assert api("GET", f"/api-keys/{made.json['key_id']}").status == 200  # on the local stack it is the same tenant's


class Stacks:
    """CloudFormation, as far as the tool asks it: moto's client does not know a stack that the backend has made."""

    def __init__(self, stack: LocalStack) -> None:
        self._names = stack.deployment.names

    def describe_stack_resource(self, **asked: str) -> Any:
        assert asked["StackName"] == "stepcall"
        return {"StackResourceDetail": {"PhysicalResourceId": self._names[asked["LogicalResourceId"]]}}


def test_every_carrier_carries_a_key(api: Api) -> None:
    nobody = replace(api, key=None)
    assert api.key is not None
    answers: list[Answer] = [
        nobody("GET", "/workflows", headers={"x-api-key": api.key}),
        nobody("GET", "/workflows", headers={"authorization": f"Bearer {api.key}"}),
        nobody("GET", f"/workflows?access_token={api.key}"),
    ]
    assert [answer.status for answer in answers] == [200, 200, 200]
