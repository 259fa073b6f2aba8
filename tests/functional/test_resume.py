"""Executions that are resumed, over HTTP and on real machines: finished tasks do not work again."""

import threading
from collections import Counter
from typing import Any

import pytest

from local.stack import LocalStack
from stepcall.domain.access import Scope
from stepcall.domain.ids import read_run_id, spell_later_execution
from stepcall.domain.run import RunStatus, TaskStatus
from tests.functional.carto import CLUSTERS, Deployed, enable, held, held_pages
from tests.functional.conftest import Answer, Api, PageServer, put_key
from tests.functional.missed_runs import begun, ended, found, starts_throttled, tell_end
from tests.functional.run_event_queue import queue_on


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each page was asked for."""
    counted, serve = Counter[str](), PageServer.do_GET

    def count(handler: PageServer) -> None:
        counted[handler.path] += 1
        serve(handler)

    monkeypatch.setattr(PageServer, "do_GET", count)
    return counted


def page(ref: str, host: str, path: str | None = None) -> dict[str, Any]:
    return {"ref": ref, "type": "Web.Download", "input": {"url": f"http://{host}{path or '/resume/' + ref}"}}


def three(host: str, *, third: str | None = None) -> dict[str, Any]:
    """Three pages one after the other, of which the third is there when somebody serves it."""
    return {
        "name": "three pages",
        "tasks": [page("one", host), page("two", host), page("three", host, third)],
        "output": [
            {"name": ref, "type": "string", "value": f"{{{{refs.{ref}.output.html_content}}}}"}
            for ref in ("one", "two", "three")
        ],
    }


def serve(path: str, status: int = 200) -> None:
    PageServer.pages[path] = (status, "text/html", f"<p>{path} {status}".encode())


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pages that are there, and a third that is refused for good."""
    monkeypatch.setattr(PageServer, "pages", dict(PageServer.pages))
    serve_three()


def serve_three() -> None:
    for ref, status in (("one", 200), ("two", 200), ("three", 403)):
        serve(f"/resume/{ref}", status)


def path_of(execution: Any) -> str:
    return f"/workflows/{execution['workflow_id']}/executions/{execution['execution_id']}"


def resume(api: Api, execution: Any, body: Any = None, **more: Any) -> Answer:
    return api("POST", f"{path_of(execution)}/resume", body, **more)


def plan_of(answer: Answer) -> dict[str, str]:
    assert answer.status == 202, answer.text
    return {task["ref"]: task["resume"] for task in answer.json["plan"]}


def problem_of(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["type"].removeprefix("urn:stepcall:problem:")


@pytest.fixture
def failed(api: Api, page_host: str, pages: None) -> Any:
    """An execution that failed at its third task."""
    execution = api.run(api.define(**three(page_host)))
    assert [task["status"] for task in execution["tasks"]] == ["COMPLETED", "COMPLETED", "FAILED"]
    return execution


def test_an_execution_that_failed_at_its_third_task_completes_without_repeating_the_first_two(
    stack: LocalStack, api: Api, page_host: str, pages: None, asked: Counter[str]
) -> None:
    [function] = [one for one in stack.deployment.functions if one.logical_id == "PublishRunEventsFunction"]
    with queue_on(function.variables["EVENT_BUS"]) as queue:
        failed = api.run(api.define(**three(page_host)))
        serve("/resume/three")
        answer = resume(api, failed)
        assert answer.headers["location"] == path_of(failed)
        assert answer.json["plan"] == [
            {"ref": "one", "resume": "reused", "reason": "It has its output."},
            {"ref": "two", "resume": "reused", "reason": "It has its output."},
            {"ref": "three", "resume": "run again", "reason": "It has no output."},
        ]
        assert (answer.json["status"], answer.json["run_attempt"], "error" in answer.json) == ("PENDING", 2, False)
        run_id = read_run_id(failed["execution_id"])
        ended(run_id)
        told = queue.of_run(str(run_id), 4)
    sequences = {(one["detail"]["sequence"], one["detail"]["run_attempt"]) for one in told}
    assert sequences == {(1, 1), (2, 1), (3, 2), (4, 2)}
    done = api("GET", path_of(failed)).json
    assert (done["status"], done["run_attempt"], done["created_at"]) == ("COMPLETED", 2, failed["created_at"])
    assert done["output"]["three"] == "<p>/resume/three 200"
    assert done["tasks"][:2] == failed["tasks"][:2]
    assert (asked["/resume/one"], asked["/resume/two"], asked["/resume/three"]) == (1, 1, 2)
    assert api("GET", f"/jobs/{failed['externalId']}").json["status"] == {"state": "DONE"}
    assert problem_of(resume(api, failed)) == (409, "not-resumable")


def test_an_execution_that_was_cancelled_completes_without_repeating_what_was_done(
    api: Api, page_host: str, asked: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_pages(monkeypatch) as gate:
        serve_three()
        workflow_id = api.define(**three(page_host, third="/held"))
        started = api("POST", f"/workflows/{workflow_id}/execute").json
        run_id = read_run_id(started["execution_id"])
        wait_for_task(run_id, "three", TaskStatus.RUNNING)
        cancelled = api("POST", f"{path_of(started)}/cancel").json
        assert (cancelled["status"], cancelled["cancelled_from"]) == ("CANCELLED", "RUNNING")
        answer = resume(api, started)
        assert plan_of(answer) == {"one": "reused", "two": "reused", "three": "run again"}
        # the worker of the first attempt is at work still, and now ends
        gate.set()
        done = ended(run_id)
    assert (done.status, done.run_attempt, done.cancelled_from) == (RunStatus.COMPLETED, 2, None)
    assert (asked["/resume/one"], asked["/resume/two"]) == (1, 1)
    assert found(run_id).task("three").run_attempt == 2


def wait_for_task(run_id: Any, ref: str, status: TaskStatus) -> None:
    waiting = threading.Event()
    for _ in range(1500):
        if found(run_id).task(ref).status is status:
            return
        waiting.wait(0.02)
    raise AssertionError(f"{ref} is not {status}")


def test_an_execution_goes_on_with_another_version(api: Api, failed: Any, page_host: str, asked: Counter[str]) -> None:
    serve("/resume/elsewhere")
    path = f"/workflows/{failed['workflow_id']}"
    mended = three(page_host, third="/resume/elsewhere")
    mended["tasks"][1]["description"] = "the same"
    assert api("PUT", path, mended).json["workflow_version"] == 2
    answer = resume(api, failed, {"version": 2})
    assert plan_of(answer) == {"one": "reused", "two": "reused", "three": "run again"}
    ended(read_run_id(failed["execution_id"]))
    done = api("GET", path_of(failed)).json
    assert (done["status"], done["workflow_version"]) == ("COMPLETED", 2)
    assert done["output"]["three"] == "<p>/resume/elsewhere 200"
    assert asked["/resume/one"] == 1


def test_who_prefers_to_wait_is_answered_with_the_end_of_what_he_resumed(api: Api, failed: Any) -> None:
    serve("/resume/three")
    answer = resume(api, failed, headers={"prefer": "wait=25"})
    assert (answer.status, answer.headers["preference-applied"]) == (200, "wait=25")
    assert (answer.json["status"], answer.json["run_attempt"], len(answer.json["plan"])) == ("COMPLETED", 2, 3)
    again = resume(api, failed)
    assert (again.status, again.json["detail"]) == (
        409,
        "The execution is COMPLETED. Those that are FAILED or CANCELLED can be resumed. Start a new one.",
    )


def test_what_cannot_be_resumed_so_says_why(api: Api, failed: Any, page_host: str) -> None:
    path = f"/workflows/{failed['workflow_id']}"
    needing = three(page_host) | {"input": [{"name": "more", "type": "string"}]}
    assert api("PUT", path, needing).json["workflow_version"] == 2
    assert problem_of(resume(api, failed, {"version": 3})) == (404, "version-not-found")
    answer = resume(api, failed, {"version": 2})
    assert problem_of(answer) == (400, "invalid-input")
    assert [(error["location"], error["code"]) for error in answer.json["errors"]] == [("/input/more", "missing")]
    later = spell_later_execution(read_run_id(failed["execution_id"]))
    answer = api("POST", f"{path}/executions/{later}/resume", {"version": 2})
    assert [error["location"] for error in answer.json["errors"]] == ["/inputs/more"]
    for body, location in (({"version": 0}, "/version"), ({"version": "1"}, "/version"), ({"newest": 1}, "/newest")):
        answer = resume(api, failed, body)
        assert (problem_of(answer), answer.json["errors"][0]["location"]) == ((400, "invalid-request"), location)
    answer = resume(api, failed, headers={"x-openai-key": "no good"})
    assert answer.json["errors"][0]["location"] == "/x-openai-key"
    assert api("GET", path_of(failed)).json == failed


def test_who_may_only_start_resumes_and_is_told_of_the_start_only(stack: LocalStack, api: Api, failed: Any) -> None:
    starter = Api(stack.url, put_key(stack, "sc_resumes", scopes=frozenset({Scope.RUNS_START})))
    answer = resume(starter, failed)
    assert (answer.status, answer.json["status"]) == (202, "PENDING")
    assert answer.json.keys() == {"workflow_id", "workflow_version", "execution_id", "externalId", "status"}
    assert ended(read_run_id(failed["execution_id"])).run_attempt == 2


def test_of_resumes_at_once_one_is_taken(api: Api, failed: Any) -> None:
    answers: list[Answer] = []
    with starts_throttled():
        threads = [threading.Thread(target=lambda: answers.append(resume(api, failed))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answer.status for answer in answers) == [202, *[409] * 7]
        told = {answer.json["detail"] for answer in answers if answer.status == 409}
        instead = "Wait for its end, or cancel it first."
        assert told == {f"The execution is PENDING. Those that are FAILED or CANCELLED can be resumed. {instead}"}
        cancelled = api("POST", f"{path_of(failed)}/cancel").json
    assert (cancelled["cancelled_from"], cancelled["run_attempt"]) == ("PENDING", 2)
    assert cancelled["error"]["message"].startswith("The run was cancelled while it was PENDING")


def test_news_of_the_first_execution_changes_nothing_of_the_second_and_its_own_ends_it(
    stack: LocalStack, api: Api, failed: Any
) -> None:
    run_id = read_run_id(failed["execution_id"])
    with starts_throttled():
        assert resume(api, failed).status == 202
    before = found(run_id)
    for name, status in ((str(run_id), "FAILED"), (f"{run_id}-3", "FAILED"), (f"{run_id}-2", "TIMED_OUT")):
        assert found(run_id) == before
        assert tell_end(stack, before.run, status, name=name) is None
    ended_by_its_own = found(run_id).run
    assert (ended_by_its_own.status, ended_by_its_own.run_attempt) == (RunStatus.FAILED, 2)


# --- Jobs


def test_a_job_that_was_stopped_is_resumed_and_writes_its_output_table(
    stack: LocalStack, api: Api, page_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_pages(monkeypatch):
        deployed = enable(stack, held(page_host, CLUSTERS))
        job = deployed.create().json
        run = begun(read_run_id(job["externalId"]))
        stopped = deployed.carto.cancel(job["externalId"]).json
    assert stopped["status"]["errorResult"]["message"] == "The run was cancelled while it was RUNNING."
    execution = {"workflow_id": deployed.workflow_id, "execution_id": job["externalId"]}
    refused = resume(api, execution, {"version": another_version(api, deployed)})
    assert problem_of(refused) == (409, "not-resumable")
    assert resume(api, execution).status == 202
    assert deployed.carto.ended(job["externalId"])["status"] == {"state": "DONE"}
    rows = deployed.carto.query(f"SELECT * FROM `{job['jobMetadata']['workflowOutputTableName']}`").json["rows"]  # noqa: S608
    assert len(rows) == 2
    assert found(run.run_id).run.run_attempt == 2


def another_version(api: Api, deployed: Deployed) -> int:
    path = f"/workflows/{deployed.workflow_id}"
    definition = api("GET", path).json
    number: int = api("PUT", path, definition | {"description": "another"}).json["workflow_version"]
    return number


def test_a_job_whose_output_table_another_call_has_by_now_is_not_resumed(stack: LocalStack, api: Api) -> None:
    deployed = enable(stack, CLUSTERS)
    with starts_throttled():
        first = deployed.create().json["externalId"]
        deployed.carto.cancel(first)
    second = deployed.run()
    assert second["externalId"] != first
    answer = resume(api, {"workflow_id": deployed.workflow_id, "execution_id": first})
    assert problem_of(answer) == (409, "not-resumable")
    assert "output table" in answer.json["detail"]


def test_a_call_that_was_refused_is_not_resumed(stack: LocalStack, api: Api) -> None:
    deployed = enable(stack, CLUSTERS)
    refused = deployed.create("'many',500,'x'").json
    answer = resume(api, {"workflow_id": deployed.workflow_id, "execution_id": refused["externalId"]})
    assert problem_of(answer) == (409, "not-resumable")
    assert "refused before it began" in answer.json["detail"]
