"""contracts/wave.md, row by row: workflows, a run started and polled to its end, one identity in all its spellings."""

import json
import re
import shlex
import shutil
import subprocess
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from local.seed import API_KEY
from local.stack import LocalStack
from stepcall.domain.access import Caller, Grants, Scope
from stepcall.domain.ids import read_workflow_id, spell_execution, spell_job, spell_later_execution, spell_workflow
from stepcall.runtime.wiring import face_dependencies
from stepcall.use_cases.read_workflow import read_workflow
from tests.functional.carto import held, held_pages
from tests.functional.conftest import Api
from tests.functional.wave import FAILING, GREETING, Wave, define, wave_with_key
from tests.sample_workflows import give, transform, workflow

WORKFLOW_KEYS = ["appId", "createdAt", "description", "id", "name", "updatedAt"]
MICROSECONDS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
NANOSECONDS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"
# As they stand in the source, but for two names of parameters and their values.
EXECUTE = """curl --request POST 'https://api.wave.stream/workflows/{YOUR_WORKFLOW_ID}/execute' \\
--header 'x-api-key: {YOUR_API_KEY}' \\
--header 'Content-Type: application/json' \\
--data '{
"name": "curl",
"times": 3
}'"""
GET_RESULT = """curl --request GET 'https://api.wave.stream/runs/{RUN_ID_FROM_THE_PREVIOUS_QUERY}' \\
--header 'x-api-key: {YOUR_API_KEY}'"""


@pytest.fixture(scope="module")
def wave(stack: LocalStack) -> Wave:
    return Wave(stack.url)


@pytest.fixture(scope="module")
def greeting(stack: LocalStack) -> str:
    return define(stack, GREETING)


# --- GET /wave/workflows


def test_workflows_are_listed_newest_first_each_in_the_shape_of_the_sources_nested_object(stack: LocalStack) -> None:
    lister = wave_with_key(stack, "sc_wave_lists", tenant="wave lists")
    ids = [define(stack, GREETING | {"name": f"Greeting {number}"}, "sc_wave_lists") for number in range(3)]
    listed = lister("GET", "/workflows")
    assert listed.status == 200, listed.text
    assert [each["id"] for each in listed.json] == ids[::-1]
    assert [each["name"] for each in listed.json] == ["Greeting 2", "Greeting 1", "Greeting 0"]
    for each in listed.json:
        assert list(each) == WORKFLOW_KEYS
        assert re.fullmatch("[0-9a-f]{20}", each["appId"])
        assert re.fullmatch(MICROSECONDS, each["createdAt"])
        assert each["updatedAt"] == each["createdAt"]
        assert each["description"] == GREETING["description"]
    assert len({each["appId"] for each in listed.json}) == 1
    assert 'rel="next"' not in listed.headers["link"]


def test_a_tenant_without_workflows_has_an_empty_list(stack: LocalStack) -> None:
    assert wave_with_key(stack, "sc_wave_empty", tenant="wave empty")("GET", "/workflows").json == []


def test_more_than_an_answer_holds_is_found_by_following_the_links(stack: LocalStack) -> None:
    lister = wave_with_key(stack, "sc_wave_many", tenant="wave many")
    deps = face_dependencies()
    first = define(stack, GREETING | {"description": '"' * 4096}, "sc_wave_many")
    version = read_workflow(UUID(first), Caller("wave many", "test"), deps)
    ids = [first]
    for _ in range(130):
        ids.append(str(deps.new_id()))
        deps.workflows.put_first(replace(version, workflow_id=UUID(ids[-1])))
    path, listed, pages = "/workflows", [], 0
    while path:
        answer = lister("GET", path)
        assert answer.status == 200, answer.text
        listed += [each["id"] for each in answer.json]
        pages += 1
        following = re.search(r'<(/wave)?(/[^>]+)>; rel="next"', answer.headers["link"])
        path = following[2] if following else ""
    assert listed == sorted(ids, reverse=True)
    assert pages == 2


# --- GET /wave/workflows/{id}


def test_a_workflow_is_found_by_every_spelling_of_its_id_and_printed_with_a_uuid(wave: Wave, greeting: str) -> None:
    for spelling in (greeting, greeting.upper(), spell_workflow(UUID(greeting))):
        answer = wave("GET", f"/workflows/{spelling}")
        assert (answer.status, answer.json["id"], answer.json["name"]) == (200, greeting, "Greeting")
        assert list(answer.json) == WORKFLOW_KEYS


def test_a_changed_workflow_says_when_it_was_updated(stack: LocalStack, wave: Wave) -> None:
    workflow_id = define(stack, GREETING)
    before = wave("GET", f"/workflows/{workflow_id}").json
    changed = Api(stack.url)("PUT", f"/workflows/{workflow_id}", GREETING | {"name": "Welcome"})
    assert changed.json["workflow_version"] == 2
    after = wave("GET", f"/workflows/{workflow_id}").json
    assert (after["name"], after["createdAt"]) == ("Welcome", before["createdAt"])
    assert after["updatedAt"] > before["updatedAt"]


# --- POST /wave/workflows/{id}/execute


def test_executing_answers_200_with_the_run_in_the_shape_of_the_source(wave: Wave, greeting: str) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    answer = wave("POST", f"/workflows/{greeting}/execute", {"name": "you"})
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["retry-after"] == "10"
    run = answer.json
    assert list(run) == ["appId", "id", "params", "startedAt", "status", "workflow"]
    assert str(UUID(run["id"])) == run["id"]
    assert (run["status"], run["params"]) == ("running", {"name": "you", "times": 2})
    assert re.fullmatch(NANOSECONDS, run["startedAt"])
    assert before < datetime.fromisoformat(run["startedAt"]) < datetime.now(UTC) + timedelta(seconds=2)
    assert run["workflow"] == wave("GET", f"/workflows/{greeting}").json
    assert run["appId"] == run["workflow"]["appId"]


@pytest.mark.parametrize("raw", [b"", b"{}"])
def test_a_workflow_without_required_parameters_is_executed_with_an_empty_body_or_map(
    stack: LocalStack, wave: Wave, raw: bytes
) -> None:
    answer = wave("POST", f"/workflows/{define(stack, FAILING)}/execute", raw=raw)
    assert (answer.status, answer.json["params"]) == (200, {})


def test_parameters_have_no_wrapper_not_even_when_one_is_called_input(stack: LocalStack, wave: Wave) -> None:
    inputs = [{"name": "input", "type": "object"}]
    echo = {"ref": "same", "type": "Data.Transform", "input": {"expression": "$", "data": "{{input.input}}"}}
    output = [{"name": "same", "type": "object", "value": "{{refs.same.output.result}}"}]
    workflow_id = define(stack, {"name": "Echo", "input": inputs, "tasks": [echo], "output": output})
    run = wave.run(workflow_id, {"input": {"a": 1}})
    assert (run["params"], run["result"]) == ({"input": {"a": 1}}, {"same": {"a": 1}})


# --- GET /wave/runs/{run_id}


def test_polling_stops_with_the_result_of_a_completed_run(wave: Wave, greeting: str) -> None:
    started = wave.execute(greeting, {"name": "you", "times": 1})
    run = wave.polled(started["id"])
    assert list(run) == ["appId", "id", "params", "result", "startedAt", "status", "workflow"]
    assert run == started | {"result": {"greeting": "Hello you"}, "status": "completed"}
    assert "retry-after" not in wave("GET", f"/runs/{run['id']}").headers


def test_polling_stops_with_the_message_of_a_failed_run(stack: LocalStack, wave: Wave) -> None:
    run = wave.run(define(stack, FAILING), {})
    assert list(run) == ["appId", "errorMessage", "id", "params", "startedAt", "status", "workflow"]
    assert (run["status"], "no such luck" in run["errorMessage"]) == ("failed", True)
    assert run["errorMessage"].startswith("Task `bad`: ")


def test_what_is_pending_or_under_way_is_running_and_what_was_cancelled_has_failed(
    stack: LocalStack, wave: Wave, page_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    native = Api(stack.url)
    with held_pages(monkeypatch):
        workflow_id = define(stack, held(page_host, GREETING))
        run_id = wave.execute(workflow_id, {"name": "you"})["id"]
        path = f"/workflows/{workflow_id}/executions/{run_id}"
        met: set[str] = set()
        while "RUNNING" not in met:
            met.add(native("GET", path).json["status"])
            polled = wave("GET", f"/runs/{run_id}")
            assert (polled.json["status"], polled.headers["retry-after"]) == ("running", "10")
        assert native("POST", f"{path}/cancel").json["status"] == "CANCELLED"
        cancelled = wave("GET", f"/runs/{run_id}").json
    assert (cancelled["status"], cancelled["errorMessage"]) == ("failed", "The run was cancelled while it was RUNNING.")
    assert "result" not in cancelled


def test_a_run_is_found_by_every_spelling_of_its_id_and_printed_with_a_uuid(wave: Wave, greeting: str) -> None:
    run = wave.run(greeting, {"name": "you"})
    run_id = UUID(run["id"])
    for spelling in (spell_execution(run_id), spell_later_execution(run_id), spell_job(run_id), run["id"].upper()):
        assert wave("GET", f"/runs/{spelling}").json == run


def test_a_run_of_the_native_face_is_polled_by_wave_and_one_of_wave_is_a_native_execution(
    stack: LocalStack, wave: Wave, greeting: str
) -> None:
    native = Api(stack.url)
    execution = native.run(greeting, {"name": "native"})
    run = wave("GET", f"/runs/{execution['execution_id']}").json
    assert (run["status"], run["result"], run["params"]) == ("completed", execution["output"], execution["input"])
    assert run["startedAt"].startswith(execution["created_at"][:-1])
    of_wave = wave.run(greeting, {"name": "wave"})
    seen = native("GET", f"/workflows/{greeting}/executions/{of_wave['id']}").json
    assert (seen["status"], seen["output"]) == ("COMPLETED", of_wave["result"])
    listed = native("GET", f"/workflows/{greeting}/executions").json["executions"]
    assert seen["execution_id"] in {each["execution_id"] for each in listed}
    assert native("GET", f"/jobs/{seen['externalId']}").json["status"] == {"state": "DONE"}


def test_a_run_in_part_of_the_amperity_face_is_completed_and_what_it_left_out_is_null(
    stack: LocalStack, wave: Wave
) -> None:
    tasks = [transform("pull", "pulled") | {"stage": "source"}, transform("send", "{{refs.pull.output.result}}")]
    outputs = [give(task["ref"], f"{{{{refs.{task['ref']}.output.result}}}}") for task in tasks]
    workflow_id = define(stack, workflow(*tasks, outputs=outputs))
    started = Api(stack.url)("POST", "/api/workflow/runs", {"config_id": workflow_id, "run_mode": "source"})
    run = wave.polled(started.json["id"])
    assert (run["status"], run["result"]) == ("completed", {"pull": "pulled", "send": None})
    assert Api(stack.url)("GET", f"/jobs/{run['id']}").json["status"] == {"state": "DONE"}


def test_parameters_and_results_over_256_kb_are_told_by_their_address(stack: LocalStack, wave: Wave) -> None:
    text = "x" * 300_000
    run = wave.run(define(stack, GREETING), {"name": text, "times": 1})
    assert not {"params", "result"} & run.keys()
    for url, value in (
        (run["paramsUrl"], {"name": text, "times": 1}),
        (run["resultUrl"], {"greeting": f"Hello {text}"}),
    ):
        with urllib.request.urlopen(url, timeout=30) as link:
            assert json.loads(link.read()) == value


def test_runs_of_a_deleted_workflow_stay_readable(stack: LocalStack, wave: Wave) -> None:
    workflow_id = define(stack, GREETING)
    run = wave.run(workflow_id, {"name": "you"})
    assert Api(stack.url)("DELETE", f"/workflows/{workflow_id}").status == 204
    assert wave("GET", f"/runs/{run['id']}").json == run
    assert wave("GET", f"/workflows/{workflow_id}").status == 404


# --- the source's own commands


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here")
def test_the_commands_of_the_source_work_as_they_stand(stack: LocalStack, greeting: str) -> None:
    def say(command: str, name: str, identity: str) -> Any:
        filled = command.replace("https://api.wave.stream", f"{stack.url}/wave")
        filled = filled.replace("{YOUR_API_KEY}", API_KEY).replace(name, identity).replace("\\\n", "")
        program, *words = shlex.split(filled)
        done = subprocess.run([program, "--silent", *words], capture_output=True, check=True, timeout=30)  # noqa: S603
        return json.loads(done.stdout)

    started = say(EXECUTE, "{YOUR_WORKFLOW_ID}", greeting)
    assert (started["status"], started["params"]) == ("running", {"name": "curl", "times": 3})
    assert Wave(stack.url).polled(started["id"])["status"] == "completed"
    ended = say(GET_RESULT, "{RUN_ID_FROM_THE_PREVIOUS_QUERY}", started["id"])
    assert (ended["status"], ended["result"]) == ("completed", {"greeting": "Hello curl, Hello curl, Hello curl"})


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_slash_at_the_end_makes_no_difference(wave: Wave, greeting: str, slash: str) -> None:
    started = wave("POST", f"/workflows/{greeting}/execute{slash}", {"name": "you"})
    assert started.status == 200, started.text
    for path in ("/workflows", f"/workflows/{greeting}", f"/runs/{started.json['id']}"):
        assert wave("GET", path + slash).status == 200


# --- auth


@pytest.mark.parametrize("carrier", ["x-api-key", "bearer", "query"])
def test_a_key_is_taken_from_each_of_its_carriers(wave: Wave, stack: LocalStack, greeting: str, carrier: str) -> None:
    headers = {"x-api-key": {"x-api-key": API_KEY}, "bearer": {"authorization": f"Bearer {API_KEY}"}}.get(carrier, {})
    query = f"?access_token={API_KEY}" if carrier == "query" else ""
    answer = Wave(stack.url, None)("GET", f"/workflows/{greeting}{query}", headers=headers)
    assert answer.status == 200


def test_a_job_token_reads_its_run_and_nothing_else(stack: LocalStack, wave: Wave, greeting: str) -> None:
    own, other = (wave.run(greeting, {"name": name})["id"] for name in ("own", "other"))
    token = Api(stack.url)("POST", f"/workflows/{greeting}/executions/{own}/token").json["token"]
    reader = Wave(stack.url, token)
    assert reader("GET", f"/runs/{own}").json == wave("GET", f"/runs/{own}").json
    for method, path in (
        ("GET", f"/runs/{other}"),
        ("GET", "/workflows"),
        ("GET", f"/workflows/{greeting}"),
        ("POST", f"/workflows/{greeting}/execute"),
    ):
        assert reader(method, path, {"name": "x"} if method == "POST" else None).status == 403, path


def test_a_key_with_grants_sees_what_it_is_granted(stack: LocalStack, wave: Wave, greeting: str) -> None:
    other = define(stack, GREETING)
    theirs = wave.run(other, {"name": "other"})["id"]
    narrow = wave_with_key(stack, "sc_wave_narrow", grants=Grants(frozenset({read_workflow_id(greeting)})))
    assert [each["id"] for each in narrow("GET", "/workflows").json] == [greeting]
    assert narrow.run(greeting, {"name": "mine"})["status"] == "completed"
    for method, path in (
        ("GET", f"/workflows/{other}"),
        ("POST", f"/workflows/{other}/execute"),
        ("GET", f"/runs/{theirs}"),
    ):
        assert narrow(method, path, {"name": "x"} if method == "POST" else None).status == 403, path


def test_what_is_another_tenants_is_not_there(stack: LocalStack, wave: Wave, greeting: str) -> None:
    run_id = wave.run(greeting, {"name": "you"})["id"]
    stranger = wave_with_key(stack, "sc_wave_stranger", tenant="wave stranger")
    assert stranger("GET", "/workflows").json == []
    for method, path in (
        ("GET", f"/workflows/{greeting}"),
        ("POST", f"/workflows/{greeting}/execute"),
        ("GET", f"/runs/{run_id}"),
    ):
        refused = stranger(method, path, {"name": "x"} if method == "POST" else None)
        assert (refused.status, list(refused.json)) == (404, ["message"]), path
        assert run_id not in refused.headers["link"]


def test_who_may_only_start_is_not_told_the_parameters(stack: LocalStack, greeting: str) -> None:
    starter = wave_with_key(stack, "sc_wave_starter", scopes=frozenset({Scope.RUNS_START}))
    assert list(starter.execute(greeting, {"name": "you"})) == ["appId", "id", "startedAt", "status", "workflow"]
