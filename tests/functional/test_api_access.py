"""API access over HTTP: enabled, shown with calls that work as they are pasted, kept in step, taken away."""

import json
import shlex
import urllib.request
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from local.seed import API_KEY
from tests.functional.conftest import Answer, Api

INPUTS: list[dict[str, Any]] = [
    {"name": "number_of_clusters", "type": "integer", "default": 2},
    {"name": "store_type", "type": "string", "default": "Ben & Jerry's, 50 % <off> +1 \u017dofie"},
    {"name": "threshold", "type": "number"},
    {"name": "ratio", "type": "number", "required": False},
    {"name": "is_open", "type": "boolean"},
    {
        "name": "area",
        "type": "object",
        "schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
    },
]
TASKS = [{"ref": "echo", "type": "Data.Transform", "input": {"expression": "1", "data": {}}}]
SQL_TASKS = [{"ref": "one", "type": "Sql.Query", "input": {"query": "SELECT 1 AS one"}}]


def define(api: Api, **more: Any) -> str:
    return api.define(**{"tasks": TASKS} | more)


def enable(api: Api, workflow_id: str, **said: Any) -> Any:
    answer = api("POST", f"/workflows/{workflow_id}/api-access", said)
    assert answer.status in {200, 201}, answer.text
    return answer.json


def ask(api: Api, method: str, workflow_id: str, body: Any = None) -> Answer:
    return api(method, f"/workflows/{workflow_id}/api-access", body)


def listed(api: Api, workflow_id: str) -> bool:
    [found] = [each for each in api("GET", "/workflows").json["workflows"] if each["workflow_id"] == workflow_id]
    flag: bool = found["api_access"]
    return flag


def test_a_workflow_is_enabled_and_shown_and_listed_as_such(api: Api) -> None:
    workflow_id = define(api)
    assert ask(api, "GET", workflow_id).json == {"enabled": False}
    assert listed(api, workflow_id) is False
    answer = ask(api, "POST", workflow_id)
    assert answer.status == 201
    shown = answer.json
    name = shown["procedure"]
    assert name.split(".")[1] == "workflows_temp"
    assert name.split(".")[2].startswith("wfproc_")
    assert shown == {
        "enabled": True,
        "workflow_version": 1,
        "procedure": name,
        "in_sync": True,
        "cache": True,
        "connection": "carto_dw",
        "output_table": False,
        "examples": shown["examples"],
    }
    assert ask(api, "GET", workflow_id).json == shown
    assert listed(api, workflow_id) is True
    again = ask(api, "POST", workflow_id, {"cache": False})
    assert (again.status, again.json) == (200, shown | {"cache": False})


def test_an_update_brings_the_newest_version_and_the_name_stays(api: Api) -> None:
    workflow_id = define(api)
    before = enable(api, workflow_id)
    api("PUT", f"/workflows/{workflow_id}", {"name": "changed", "tasks": TASKS, "input": INPUTS})
    moved_on = ask(api, "GET", workflow_id).json
    assert moved_on == before | {"in_sync": False}
    updated = ask(api, "PUT", workflow_id, {"cache": False})
    assert updated.status == 200
    assert updated.json == before | {"workflow_version": 2, "cache": False, "examples": updated.json["examples"]}
    assert "@number_of_clusters" in updated.json["examples"]["post"]
    assert ask(api, "PUT", workflow_id).json == updated.json


def test_what_is_disabled_is_neither_shown_nor_updated(api: Api) -> None:
    workflow_id = define(api)
    enable(api, workflow_id)
    assert ask(api, "DELETE", workflow_id).status == 204
    assert ask(api, "GET", workflow_id).json == {"enabled": False}
    assert listed(api, workflow_id) is False
    refused = ask(api, "PUT", workflow_id)
    assert (refused.status, refused.json["type"]) == (409, "urn:stepcall:problem:api-access-disabled")
    assert ask(api, "DELETE", workflow_id).status == 204


def test_sql_is_called_on_its_own_connection(api: Api) -> None:
    for name in ("of_sql", "of_others"):
        assert api("POST", "/connections", {"name": name}).status == 201
    workflow_id = define(api, tasks=SQL_TASKS, connection="of_sql")
    assert enable(api, workflow_id)["connection"] == "of_sql"
    for name, code in (("of_others", "other_connection"), ("carto_dw", "other_connection"), ("1", "invalid_value")):
        refused = ask(api, "POST", workflow_id, {"connection": name})
        assert (refused.status, refused.json["errors"][0]["code"]) == (400, code)
        assert refused.json["errors"][0]["location"] == "/connection"
    elsewhere = define(api)
    assert enable(api, elsewhere, connection="of_others")["connection"] == "of_others"
    assert ask(api, "POST", elsewhere, {"connection": "nowhere"}).json["errors"][0]["code"] == "unknown_connection"


def test_a_connection_in_use_stays_until_its_workflows_are_disabled(api: Api) -> None:
    assert api("POST", "/connections", {"name": "in_use"}).status == 201
    workflow_id = define(api)
    enable(api, workflow_id, connection="in_use")
    refused = api("DELETE", "/connections/in_use")
    assert (refused.status, refused.json["type"]) == (409, "urn:stepcall:problem:connection-in-use")
    assert workflow_id in refused.json["detail"]
    ask(api, "DELETE", workflow_id)
    assert api("DELETE", "/connections/in_use").status == 204


def test_a_deleted_workflow_is_not_called_any_more(api: Api) -> None:
    assert api("POST", "/connections", {"name": "left_behind"}).status == 201
    workflow_id = define(api)
    enable(api, workflow_id, connection="left_behind")
    assert api("DELETE", f"/workflows/{workflow_id}").status == 204
    assert ask(api, "GET", workflow_id).status == 404
    assert api("DELETE", "/connections/left_behind").status == 204


def test_what_the_routes_do_not_know_is_refused(api: Api) -> None:
    workflow_id = define(api)
    for method, body in (("POST", {"cash": True}), ("POST", {"cache": "no"}), ("PUT", {"connection": "carto_dw"})):
        refused = ask(api, method, workflow_id, body)
        assert (refused.status, refused.json["type"]) == (400, "urn:stepcall:problem:invalid-request")
    assert ask(api, "POST", "wf-" + "0" * 25).status == 404


def test_the_examples_say_what_they_call_and_where(api: Api) -> None:
    shown = enable(api, define(api, input=INPUTS))
    address = urlsplit(shown["examples"]["get"])
    assert f"{address.scheme}://{address.netloc}" == api.url
    assert address.path == "/v3/sql/carto_dw/job"
    asked = {name: values[0] for name, values in parse_qs(address.query, strict_parsing=True).items()}
    names = ",".join(f"@{each['name']}" for each in INPUTS)
    assert asked["query"] == f"CALL `{shown['procedure']}`({names})"
    values = {
        "number_of_clusters": 2,
        "store_type": INPUTS[1]["default"],
        "threshold": 1.5,
        "ratio": None,
        "is_open": True,
        "area": {"a": 1},
    }
    assert json.loads(asked["queryParameters"]) == values
    assert asked["access_token"] == "YOUR_TOKEN"
    command = shlex.split(shown["examples"]["post"])
    assert command[:3] == ["curl", "--location", f"{api.url}/v3/sql/carto_dw/job"]
    assert json.loads(command[-1]) == {"query": asked["query"], "queryParameters": values}


@pytest.mark.parametrize("inputs", [INPUTS, []])
def test_the_examples_work_as_they_are_pasted(api: Api, inputs: list[Any]) -> None:
    shown = enable(api, define(api, input=inputs))
    examples = {name: text.replace("YOUR_TOKEN", API_KEY) for name, text in shown["examples"].items()}
    _, _, url, *options = shlex.split(examples["post"])
    sent = dict(options[at + 1].split(": ", 1) for at, option in enumerate(options) if option == "--header")
    posted = urllib.request.Request(url, data=options[-1].encode(), headers=sent)
    for request in (posted, urllib.request.Request(examples["get"])):
        with urllib.request.urlopen(request, timeout=20) as answer:
            job = json.load(answer)
        assert job["externalId"].startswith("job_")
        assert finished(api, job["externalId"]) == {"state": "DONE"}


def finished(api: Api, external_id: str) -> Any:
    while (status := api("GET", f"/jobs/{external_id}").json["status"])["state"] != "DONE":
        pass
    return status
