"""What a task may say of its attempts and its time, on the interpreter."""

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.functional.carto import held_pages
from tests.functional.conftest import Api, PageServer
from tests.functional.test_graph_order import end_of, page, start, statuses
from tests.sample_workflows import declare, give, transform

FLAKY = "/flaky"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each page was asked for; the flaky one is there at the third time."""
    counted, serve = Counter[str](), PageServer.do_GET
    monkeypatch.setattr(PageServer, "pages", dict(PageServer.pages))

    def count(handler: PageServer) -> None:
        counted[handler.path] += 1
        status = 200 if counted[FLAKY] > 2 else 503
        PageServer.pages[FLAKY] = (status, "text/html", b"<p>here")
        serve(handler)

    monkeypatch.setattr(PageServer, "do_GET", count)
    return counted


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    with held_pages(monkeypatch) as opened:
        yield opened


def test_a_task_is_tried_as_often_as_its_author_says(api: Api, page_host: str, asked: Counter[str]) -> None:
    retry = {"attempts": 3, "delay": 1, "multiplier": 1, "jitter": True}
    done = api.run(api.define(tasks=[page("flaky", page_host, FLAKY) | {"retry": retry}]))
    assert (done["status"], done["tasks"][0]["attempts"], asked[FLAKY]) == ("COMPLETED", 3, 3)


def test_one_attempt_is_one_and_its_error_the_runs(api: Api, page_host: str, asked: Counter[str]) -> None:
    done = api.run(api.define(tasks=[page("flaky", page_host, FLAKY) | {"retry": {"attempts": 1}}]))
    assert (done["status"], done["error"]["location"], asked[FLAKY]) == ("FAILED", "flaky", 1)


def test_what_cannot_pass_is_not_tried_again(api: Api, page_host: str, asked: Counter[str]) -> None:
    done = api.run(api.define(tasks=[page("gone", page_host, "/gone") | {"retry": {"attempts": 5}}]))
    assert (done["status"], done["error"]["reason"], asked["/gone"]) == ("FAILED", "notFound", 1)


def test_a_task_that_takes_longer_than_its_author_lets_it_has_failed_with_timeout(
    api: Api, page_host: str, gate: threading.Event
) -> None:
    slow = page("slow", page_host, "/held") | {"timeout_seconds": 1, "retry": {"attempts": 3}}
    done = end_of(api, start(api, api.define(tasks=[slow])))
    gate.set()
    assert (done["error"]["reason"], done["error"]["location"]) == ("timeout", "slow")
    assert (done["tasks"][0]["status"], done["tasks"][0]["attempts"]) == ("FAILED", 1)


def test_a_run_that_takes_longer_than_its_workflow_lets_it_has_failed_with_timeout(
    api: Api, page_host: str, gate: threading.Event
) -> None:
    path = start(api, api.define(timeout_seconds=1, tasks=[page("slow", page_host, "/held")]))
    done = end_of(api, path)
    gate.set()
    assert (done["error"]["reason"], done["error"]["location"]) == ("timeout", "query")
    assert "timeout_seconds" in done["error"]["message"]
    assert done["tasks"][0]["status"] == "FAILED"


def sort_in(api: Api, amount: int) -> Any:
    large = {"left": "{{input.amount}}", "operator": ">", "right": 100}
    tasks = [
        transform("review", "{{input.amount}}", "$ * 2") | {"condition": large},
        transform("book", "{{refs.review.output.result ?? 0}}"),
        transform("tell", "{{refs.review.output.result ?? null}}") | {"condition": {"not": large}},
    ]
    outputs = [
        give("booked", "{{refs.book.output.result}}", "integer"),
        give("told", 'told: {{refs.tell.output.result ?? "no"}}'),
    ]
    return api.run(api.define(input=[declare("amount", "integer")], tasks=tasks, output=outputs), {"amount": amount})


def test_a_task_whose_condition_is_false_is_skipped_and_defaults_stand_for_what_it_would_have_given(api: Api) -> None:
    done = sort_in(api, 5)
    assert (done["status"], statuses(done)["review"], done["output"]["booked"]) == ("COMPLETED", "SKIPPED", 0)
    assert done["tasks"][0].keys() & {"output", "attempts"} == set()


def test_a_task_whose_condition_is_true_is_done(api: Api) -> None:
    done = sort_in(api, 500)
    assert statuses(done) == {"review": "COMPLETED", "book": "COMPLETED", "tell": "SKIPPED"}
    assert done["output"] == {"booked": 1000, "told": "told: no"}


def test_a_condition_that_comes_to_neither_true_nor_false_fails_its_task(api: Api) -> None:
    tasks = [transform("what", 3), transform("bad") | {"condition": "{{refs.what.output.result}}"}]
    done = api.run(api.define(tasks=tasks))
    assert (done["error"]["location"], done["error"]["reason"]) == ("bad", "invalid")
    assert done["error"]["message"] == "The condition must be true or false, not a number."


FAILING = "$error('no such luck')"


def test_a_run_goes_on_after_a_task_whose_author_says_so(api: Api) -> None:
    tasks = [
        transform("bad", expression=FAILING) | {"on_error": "continue"},
        transform("after", "{{refs.bad.output.result ?? 7}}"),
    ]
    done = api.run(api.define(tasks=tasks, output=[give("seen", "{{refs.after.output.result}}", "integer")]))
    assert (done["status"], done["output"], "error" in done) == ("COMPLETED", {"seen": 7}, False)
    assert statuses(done) == {"bad": "FAILED", "after": "COMPLETED"}
    assert done["tasks"][0]["error"]["location"] == "bad"


def test_a_task_that_took_too_long_is_shown_as_failed_before_the_run_goes_on(
    api: Api, page_host: str, gate: threading.Event
) -> None:
    """Its worker has written nothing, and works on."""
    slow = page("slow", page_host, "/held") | {"timeout_seconds": 1, "on_error": "continue"}
    done = end_of(api, start(api, api.define(tasks=[slow])))
    gate.set()
    assert (done["status"], done["tasks"][0]["status"]) == ("COMPLETED", "FAILED")
    assert done["tasks"][0]["error"]["reason"] == "timeout"


def test_a_branch_whose_task_may_fail_stops_no_other(api: Api) -> None:
    tasks = [
        transform("bad", expression=FAILING) | {"on_error": "continue"},
        transform("good"),
        transform("both", ["{{refs.bad.output.result ?? null}}", "{{refs.good.output.result}}"]),
    ]
    done = api.run(api.define(order="graph", tasks=tasks))
    assert statuses(done) == {"bad": "FAILED", "good": "COMPLETED", "both": "COMPLETED"}


INSTEAD = {"type": "Data.Transform", "input": {"expression": "$ + 1", "data": 41}}


@pytest.mark.parametrize("order", ["sequence", "graph"])
def test_what_is_tried_in_a_failed_tasks_place_gives_its_output(api: Api, order: str) -> None:
    tasks = [
        transform("bad", expression=FAILING) | {"fallback": INSTEAD},
        transform("beside"),
        transform("after", ["{{refs.bad.output.result}}", "{{refs.beside.output.result}}"]),
    ]
    outputs = [give("seen", "{{refs.bad.output.result}}", "integer")]
    done = api.run(api.define(order=order, tasks=tasks, output=outputs))
    assert (done["status"], done["output"]) == ("COMPLETED", {"seen": 42})
    told = done["tasks"][0]
    assert (told["status"], told["used_fallback"]) == ("COMPLETED", True)
    assert told["error"]["message"].startswith("no such luck")  # why it was needed
    assert "used_fallback" not in done["tasks"][1]


def test_a_fallback_that_is_not_needed_is_not_tried(api: Api) -> None:
    done = api.run(api.define(tasks=[transform("good") | {"fallback": INSTEAD}]))
    assert "used_fallback" not in done["tasks"][0]


@pytest.mark.parametrize(("on_error", "status"), [("fail", "FAILED"), ("continue", "COMPLETED")])
def test_when_the_fallback_fails_too_the_task_has_failed(api: Api, on_error: str, status: str) -> None:
    worse = {"type": "Data.Transform", "input": {"expression": "$error('worse')"}}
    task = transform("bad", expression=FAILING) | {"fallback": worse, "on_error": on_error}
    done = api.run(api.define(tasks=[task]))
    told = done["tasks"][0]
    assert (done["status"], told["status"], told["used_fallback"]) == (status, "FAILED", True)
    assert told["error"]["location"] == "bad"
    assert told["error"]["message"].startswith("worse")


def test_a_task_that_took_too_long_is_replaced_whatever_its_worker_comes_to(
    api: Api, page_host: str, gate: threading.Event
) -> None:
    slow = page("slow", page_host, "/held") | {"timeout_seconds": 1, "fallback": INSTEAD}
    path = start(api, api.define(tasks=[slow]))
    done = end_of(api, path)
    gate.set()
    assert (done["status"], done["tasks"][0]["used_fallback"]) == ("COMPLETED", True)
    assert api("GET", path).json["tasks"] == done["tasks"]


def test_a_resumed_run_does_not_try_again_what_its_fallback_has_done(
    api: Api, page_host: str, asked: Counter[str]
) -> None:
    """The third task's page is there at the third time; what came before is kept."""
    tasks = [
        page("gone", page_host, "/gone") | {"fallback": INSTEAD},
        transform("seen", "{{refs.gone.output}}"),
        page("flaky", page_host, FLAKY) | {"retry": {"attempts": 1}},
    ]
    workflow_id = api.define(tasks=tasks)
    path = start(api, workflow_id)
    assert end_of(api, path)["status"] == "FAILED"
    asked[FLAKY] = 2
    assert api("POST", f"{path}/resume").status == 202
    done = end_of(api, path)
    assert (done["status"], asked["/gone"], done["tasks"][0]["used_fallback"]) == ("COMPLETED", 1, True)
