"""A key that may start or cancel, and not read, learns nothing of what runs hold."""

import pytest

from stepcall.domain.access import Scope
from tests.functional.conftest import Api

READABLE = {"tasks", "input", "output", "inputs", "outputs"}


def key_with(api: Api, scope: Scope) -> Api:
    """A caller of the local tenant with that one scope."""
    given = {"name": "narrow", "scopes": [scope.value]}
    return Api(api.url, api("POST", "/api-keys", given).json["api_key"])


@pytest.mark.parametrize(("path", "field"), [("execute", "input"), ("executions", "inputs")])
def test_who_may_only_start_is_told_of_the_start_alone(api: Api, path: str, field: str) -> None:
    workflow_id = api.define(
        input=[{"name": "secret", "type": "string"}],
        tasks=[{"ref": "t", "type": "Data.Transform", "input": {"expression": "$", "data": "{{input.secret}}"}}],
        output=[{"name": "o", "type": "string", "value": "{{refs.t.output.result}}"}],
    )
    starter = key_with(api, Scope.RUNS_START)
    body = {field: {"secret": "hidden"}}
    answer = starter("POST", f"/workflows/{workflow_id}/{path}", body, headers={"prefer": "wait=20"})
    assert answer.status == 202
    assert not READABLE & answer.json.keys()
    assert "preference-applied" not in answer.headers
    assert "hidden" not in answer.text


def test_who_may_only_cancel_is_told_of_the_status_alone(api: Api) -> None:
    workflow_id = api.define(
        input=[{"name": "secret", "type": "string"}],
        tasks=[
            {
                "ref": "t",
                "type": "Data.Transform",
                "input": {"expression": "$sum([1..9000000])", "data": "{{input.secret}}"},
            }
        ],
    )
    started = api("POST", f"/workflows/{workflow_id}/execute", {"input": {"secret": "hidden"}})
    canceller = key_with(api, Scope.RUNS_CANCEL)
    answer = canceller("POST", f"{started.headers['location']}/cancel")
    assert (answer.status, answer.json["status"]) == (202, "CANCELLED")
    assert not READABLE & answer.json.keys()
    assert "hidden" not in answer.text
