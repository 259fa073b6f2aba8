"""Tasks that are done for each element of an array, on the interpreter."""

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest

from local.moto_world.executions import kept_executions
from stepcall.domain.ids import read_run_id, spell_execution_name
from tests.functional.carto import held_pages
from tests.functional.conftest import Api, PageServer
from tests.functional.test_graph_order import end_of, page, start, statuses
from tests.sample_workflows import Document, declare, give, transform

DOCS = Path(__file__).parents[2] / "docs" / "workflows.md"
NUMBERS = declare("numbers", "array", schema={"type": "array", "items": {"type": "number"}})


def double(ref: str = "twice", expression: str = "$ * 2", **more: Any) -> Document:
    return transform(ref, "{{item}}", expression) | {"for_each": "{{input.numbers}}"} | more


def define(api: Api, *tasks: Document, **more: Any) -> str:
    outputs = [give("all", "{{refs.twice.output ?? null}}", "array")]
    return api.define(**{"input": [NUMBERS], "tasks": list(tasks), "output": outputs} | more)


def results(done: Any) -> list[Any]:
    return [output["result"] for output in done["output"]["all"]]


def test_the_outputs_stand_in_the_order_of_the_elements(api: Api) -> None:
    done = api.run(define(api, double()), {"numbers": [5, 3, 9, 1]})
    assert (done["status"], results(done)) == ("COMPLETED", [10, 6, 18, 2])
    assert (done["tasks"][0]["status"], done["tasks"][0]["instances"]) == ("COMPLETED", 4)


def instances(api: Api, done: Any, ref: str = "twice", query: str = "") -> Any:
    path = f"/workflows/{done['workflow_id']}/executions/{done['execution_id']}/tasks/{ref}/instances{query}"
    answer = api("GET", path)
    assert answer.status == 200, answer.text
    return answer.json


def states(api: Api, done: Any, ref: str = "twice") -> list[str]:
    return [one["status"] for one in instances(api, done, ref)["instances"]]


def test_an_item_and_its_index_may_stand_anywhere_in_the_input_and_lead_deeper(api: Api) -> None:
    people = {"type": "array", "items": {"type": "object", "properties": {"names": {"type": "array"}}}}
    task = transform("twice", {"who": '{{index}}: {{item.names[1] ?? "nobody"}}', "all": ["{{item}}"]})
    workflow = define(api, task | {"for_each": "{{input.people}}"}, input=[declare("people", "array", schema=people)])
    done = api.run(workflow, {"people": [{"names": ["a", "b"]}, {}]})
    assert results(done) == [
        {"who": "0: b", "all": [{"names": ["a", "b"]}]},
        {"who": "1: nobody", "all": [{}]},
    ]


def test_an_array_that_is_written_out_may_hold_templates(api: Api) -> None:
    task = transform("twice", "{{item}}") | {"for_each": ["x", "{{input.numbers[1]}}", {"deep": "{{input.numbers}}"}]}
    assert results(api.run(define(api, task), {"numbers": [1, 2]})) == ["x", 2, {"deep": [1, 2]}]


def test_the_bare_results_take_one_task_more(api: Api) -> None:
    bare = transform("bare", "{{refs.twice.output}}", "[$.result]")
    outputs = [give("all", "{{refs.bare.output.result}}", "array")]
    workflow = define(api, double(), bare, output=outputs)
    assert '"input": {"expression": "[$.result]", "data": "{{refs.X.output}}"}' in DOCS.read_text()
    for numbers in ([], [4], [4, 5]):
        assert api.run(workflow, {"numbers": numbers})["output"] == {"all": [2 * number for number in numbers]}


def test_without_elements_a_task_has_completed_with_an_empty_array(api: Api) -> None:
    done = api.run(define(api, double()), {"numbers": []})
    assert (done["status"], done["output"], done["tasks"][0]["instances"]) == ("COMPLETED", {"all": []}, 0)
    assert instances(api, done) == {"instances": []}


def test_a_task_whose_condition_is_false_is_skipped_as_a_whole(api: Api) -> None:
    never = {"left": "{{input.numbers[0]}}", "operator": ">", "right": 100}
    done = api.run(define(api, double(condition=never)), {"numbers": [1, 2]})
    assert (done["status"], statuses(done), done["output"]) == ("COMPLETED", {"twice": "SKIPPED"}, {"all": None})
    assert instances(api, done) == {"instances": []}


TOO_LARGE = "$ > 2 ? $error('too large') : $"


def test_the_element_that_fails_is_named_and_those_after_it_are_cancelled(api: Api) -> None:
    done = api.run(define(api, double(expression=TOO_LARGE, max_concurrency=1)), {"numbers": [1, 3, 2, 4]})
    assert (done["status"], done["error"]["location"], done["error"]["reason"]) == ("FAILED", "twice[1]", "invalid")
    assert done["error"]["message"].startswith("Element 1: ")
    assert done["tasks"][0]["error"] == done["error"]
    assert states(api, done) == ["COMPLETED", "FAILED", "CANCELLED", "CANCELLED"]
    [_, failed, never, _] = instances(api, done)["instances"]
    assert (failed["index"], failed["attempts"], failed["error"]["location"]) == (1, 1, "twice[1]")
    assert never.keys() == {"index", "status"}


def test_a_run_goes_on_without_the_outputs_when_its_author_lets_the_task_fail(api: Api) -> None:
    tasks = [double(expression=TOO_LARGE, on_error="continue"), transform("after", "{{refs.twice.output ?? 7}}")]
    outputs = [give("seen", "{{refs.after.output.result}}", "integer")]
    done = api.run(define(api, *tasks, output=outputs), {"numbers": [1, 3]})
    assert (done["status"], done["output"]) == ("COMPLETED", {"seen": 7})
    assert statuses(done) == {"twice": "FAILED", "after": "COMPLETED"}
    assert states(api, done)[1] == "FAILED"


def test_pages_of_instances_follow_each_other(api: Api) -> None:
    done = api.run(define(api, double()), {"numbers": [5, 3, 9, 1, 7]})
    first = instances(api, done, query="?limit=2")
    assert ([one["index"] for one in first["instances"]], first["next_token"]) == ([0, 1], "1")
    second = instances(api, done, query="?limit=3&next_token=1")
    assert ([one["index"] for one in second["instances"]], "next_token" in second) == ([2, 3, 4], False)
    assert instances(api, done, query="?next_token=4") == {"instances": []}


def test_what_has_no_instances_is_not_found(api: Api) -> None:
    done = api.run(define(api, double(), transform("once")), {"numbers": [1]})
    path = f"/workflows/{done['workflow_id']}/executions/{done['execution_id']}/tasks"
    told = {
        ref: (answer.status, answer.json["type"].rpartition(":")[2], answer.json["detail"])
        for ref in ("once", "twise", "twice[0]")
        for answer in [api("GET", f"{path}/{quote(ref)}/instances")]
    }
    once = "The task `once` has no `for_each`: it is done once, and the execution shows what became of it."
    assert told["once"] == (404, "instances-not-found", once)
    assert told["twise"] == (404, "task-not-found", "The execution has no task `twise`; did you mean `twice`?")
    assert told["twice[0]"][:2] == (404, "task-not-found")
    assert api("GET", f"{path}/twice/instances?next_token=x").status == 400


def test_elements_of_one_status_are_found_among_many(api: Api) -> None:
    done = api.run(define(api, double(expression=TOO_LARGE, max_concurrency=1)), {"numbers": [1, 1, 3, 1]})
    by_status = {
        status: [one["index"] for one in instances(api, done, query=f"?status={status}")["instances"]]
        for status in ("COMPLETED", "FAILED", "CANCELLED", "PENDING")
    }
    assert by_status == {"COMPLETED": [0, 1], "FAILED": [2], "CANCELLED": [3], "PENDING": []}
    first = instances(api, done, query="?status=COMPLETED&limit=1")
    assert ([one["index"] for one in first["instances"]], first["next_token"]) == ([0], "0")
    second = instances(api, done, query="?status=COMPLETED&limit=1&next_token=0")
    assert ([one["index"] for one in second["instances"]], "next_token" in second) == ([1], False)
    path = f"/workflows/{done['workflow_id']}/executions/{done['execution_id']}/tasks/twice/instances"
    assert api("GET", f"{path}?status=WELL").status == 400


def test_in_graph_order_tasks_begin_when_all_elements_before_them_are_done(api: Api) -> None:
    tasks = [
        transform("sum", "{{refs.twice.output}}", "$sum($.result)"),
        double(),
        double("beside", expression="-$"),
        transform("last", ["{{refs.sum.output.result}}", "{{refs.beside.output[1].result}}"]),
    ]
    outputs = [give("last", "{{refs.last.output.result}}", "array")]
    done = api.run(define(api, *tasks, order="graph", output=outputs), {"numbers": [1, 2, 3]})
    assert (done["status"], done["output"]) == ("COMPLETED", {"last": [12, -2]})


def test_an_element_of_a_branch_that_fails_ends_the_run_and_says_which_it_was(api: Api) -> None:
    tasks = [double(expression=TOO_LARGE), double("beside"), transform("after", "{{refs.twice.output}}")]
    done = api.run(define(api, *tasks, order="graph"), {"numbers": [1, 2, 3]})
    assert (done["status"], done["error"]["location"]) == ("FAILED", "twice[2]")
    assert statuses(done)["twice"] == "FAILED"
    assert states(api, done)[2] == "FAILED"


def test_each_element_waits_for_itself(api: Api) -> None:
    waits = {"ref": "twice", "type": "Flow.Wait", "for_each": "{{input.numbers}}", "input": {"seconds": "{{item}}"}}
    numbers = declare("numbers", "array", schema={"type": "array", "items": {"type": "integer"}})
    done = api.run(define(api, waits, input=[numbers]), {"numbers": [1, 1]})
    assert (done["status"], done["tasks"][0]["instances"]) == ("COMPLETED", 2)
    assert states(api, done) == ["COMPLETED", "COMPLETED"]
    assert all("until" in output for output in done["output"]["all"])


def all_ask(api: Api, path: str, number: int) -> Any:
    """The execution once so many elements await a decision."""
    for _ in range(1000):
        told = api("GET", path).json
        if sum("awaiting" in one for one in instances(api, told)["instances"]) == number:
            return told
        threading.Event().wait(0.01)
    raise AssertionError("Nobody is asked.")


def test_each_element_is_decided_for_itself(api: Api) -> None:
    asks = {"ref": "twice", "type": "Flow.Approval", "input": {"message": "Pay {{item}}?"}}
    path = start(api, define(api, asks | {"for_each": "{{input.numbers}}"}), {"numbers": [7, 8]})
    asked = all_ask(api, path, 2)
    whole = api("POST", f"{path}/tasks/twice/complete", {})
    assert (whole.status, "decide `twice[0]` (in an address `twice%5B0%5D`)" in whole.json["detail"]) == (409, True)
    assert [one["awaiting"]["message"] for one in instances(api, asked)["instances"]] == ["Pay 7?", "Pay 8?"]
    for ref, data in (("twice[1]", "second"), ("twice[0]", "first")):
        answer = api("POST", f"{path}/tasks/{quote(ref)}/complete", {"data": {"it": data}})
        assert answer.status == 200, answer.text
    done = end_of(api, path)
    assert (done["status"], states(api, done)) == ("COMPLETED", ["COMPLETED", "COMPLETED"])
    assert [output["data"]["it"] for output in done["output"]["all"]] == ["first", "second"]


def crowded(ref: str) -> Document:
    """A task that needs much of the history: beside many of these each has room for few elements."""
    waits = {"ref": ref, "type": "Flow.Wait", "for_each": "{{input.numbers}}", "input": {"seconds": 1}}
    return waits | {"retry": {"attempts": 10}}


@pytest.fixture
def distributed(api: Api) -> str:
    """A workflow whose elements have executions of their own where there are more than a few. It ends before the tasks
    that take their room, by an error that tells the outputs."""
    task = double(expression="$ > 90 ? $error('too large') : $", max_concurrency=5, retry={"attempts": 10})
    told = transform("tell", "{{refs.twice.output}}", "$error('these: ' & $string($.result))")
    return define(api, task, told, *(crowded(f"idle{number}") for number in range(20)))


def most_inline(api: Api, workflow: str) -> int:
    states: Any = api("GET", f"/workflows/{workflow}/definition").json["States"]
    most: int = states["twice size"]["Choices"][0]["NumericLessThanEquals"]
    return most


def map_runs_of(done: Any) -> int:
    name = spell_execution_name(read_run_id(done["execution_id"]), 1)
    [execution] = [one for one in kept_executions() if one.name == name]
    history = boto3.client("stepfunctions").get_execution_history(executionArn=execution.exec_arn, maxResults=1000)
    return sum(event["type"] == "MapRunStarted" for event in history["events"])


def test_more_elements_than_a_history_has_room_for_have_executions_of_their_own(api: Api, distributed: str) -> None:
    most = most_inline(api, distributed)
    assert 5 < most < 30
    few, many = ([*range(number)] for number in (most, most + 1))
    for numbers, map_runs in ((few, 0), (many, 1)):
        done = api.run(distributed, {"numbers": numbers})
        assert done["error"]["location"] == "tell"
        assert f"these: {numbers}".replace(", ", ",") in done["error"]["message"]
        assert set(states(api, done)) == {"COMPLETED"}
        assert map_runs_of(done) == map_runs


def test_an_element_with_an_execution_of_its_own_is_named_when_it_fails(api: Api, distributed: str) -> None:
    numbers = [*range(most_inline(api, distributed) + 1)]
    numbers[4] = 99
    done = api.run(distributed, {"numbers": numbers})
    assert (done["status"], done["error"]["location"], done["error"]["reason"]) == ("FAILED", "twice[4]", "invalid")
    assert states(api, done)[4] == "FAILED"


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    with held_pages(monkeypatch) as opened:
        yield opened


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Released once for each page that is asked for."""
    seen, serve = threading.Semaphore(0), PageServer.do_GET

    def count(handler: PageServer) -> None:
        seen.release()
        serve(handler)

    monkeypatch.setattr(PageServer, "do_GET", count)
    return seen


def held_elements(api: Api, host: str, number: int, **more: Any) -> str:
    task = page("twice", host, "/held") | {"for_each": [*range(number)]} | more
    return define(api, task, input=[])


def test_a_cancelled_run_has_cancelled_elements_and_a_resumed_one_does_all_of_them(
    api: Api, page_host: str, gate: threading.Event, asked: threading.Semaphore
) -> None:
    path = start(api, held_elements(api, page_host, 3, max_concurrency=2))
    for _ in range(2):
        assert asked.acquire(timeout=10)
    during = api("GET", path).json
    assert (during["tasks"][0]["status"], during["tasks"][0]["instances"]) == ("RUNNING", 3)
    assert states(api, during) == ["RUNNING", "RUNNING", "PENDING"]
    assert api("POST", f"{path}/cancel", {}).status == 202
    cancelled = end_of(api, path)
    assert states(api, cancelled) == ["CANCELLED"] * 3
    gate.set()
    assert api("POST", f"{path}/resume", {}).status == 202
    done = end_of(api, path)
    assert (done["status"], states(api, done)) == ("COMPLETED", ["COMPLETED"] * 3)


def test_a_resumed_run_keeps_what_a_task_has_given_for_all_elements(api: Api) -> None:
    tasks = [double(), transform("bad", expression="$error('not today')")]
    path = start(api, define(api, *tasks), {"numbers": [1, 2]})
    failed = end_of(api, path)
    assert statuses(failed) == {"twice": "COMPLETED", "bad": "FAILED"}
    assert api("POST", f"{path}/resume", {}).status == 202
    again = end_of(api, path)
    assert again["tasks"][0] == failed["tasks"][0]
    assert states(api, again) == ["COMPLETED", "COMPLETED"]


class Crowd:
    """Answers pages two by two, and knows how many were asked for at once."""

    def __init__(self) -> None:
        self.most = self._now = 0
        self._lock, self._pair = threading.Lock(), threading.Barrier(2, timeout=10)

    def serve(self, handler: PageServer) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self._pair.wait()
        with self._lock:
            self._now -= 1
        handler.send_response(200)
        handler.send_header("content-type", "text/html")
        handler.send_header("content-length", "0")
        handler.end_headers()


def test_no_more_elements_are_under_way_than_their_author_lets_be(
    api: Api, page_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = Crowd()
    monkeypatch.setattr(PageServer, "do_GET", lambda handler: crowd.serve(handler))  # noqa: PLW0108 - a bound method would be no method
    done = api.run(held_elements(api, page_host, 6, max_concurrency=2))
    assert (done["status"], crowd.most) == ("COMPLETED", 2)


def test_each_element_is_tried_as_often_as_its_author_says(
    api: Api, page_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counter[str]()

    def serve_at_second_time(handler: PageServer) -> None:
        counted[handler.path] += 1
        is_there = counted[handler.path] > 1 and handler.path != "/2"
        handler.send_response(200 if is_there else 503)
        handler.send_header("content-type", "text/html")
        handler.send_header("content-length", "0")
        handler.end_headers()

    monkeypatch.setattr(PageServer, "do_GET", serve_at_second_time)
    retry = {"attempts": 2, "delay": 1, "multiplier": 1}
    task = page("twice", page_host, "/{{item}}") | {"for_each": "{{input.numbers}}", "retry": retry}
    whole = declare("numbers", "array", schema={"type": "array", "items": {"type": "integer"}})
    done = api.run(define(api, task, input=[whole]), {"numbers": [1]})
    assert (done["status"], instances(api, done)["instances"][0]["attempts"]) == ("COMPLETED", 2)
    failed = api.run(f"{done['workflow_id']}", {"numbers": [3, 2]})
    assert (failed["error"]["location"], failed["error"]["reason"]) == ("twice[1]", "backendError")
    assert (counted["/2"], instances(api, failed)["instances"][1]["status"]) == (2, "FAILED")


def test_an_element_that_takes_too_long_is_named_though_its_worker_could_not_say_so(
    api: Api, page_host: str, gate: threading.Event
) -> None:
    done = end_of(api, start(api, held_elements(api, page_host, 1, timeout_seconds=1)))
    gate.set()
    assert (done["error"]["location"], done["error"]["reason"]) == ("twice[0]", "timeout")
    assert states(api, done) == ["FAILED"]
