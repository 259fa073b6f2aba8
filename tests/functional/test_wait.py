"""Workflows that wait, on the interpreter: by its clock where seconds pass, and by ours where hours would."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.moto_world.waits import machines_wait_by
from tests.functional.conftest import Api
from tests.functional.test_graph_order import end_of, start, statuses
from tests.sample_workflows import Document, declare, give, transform

HOUR = 3600


def wait(ref: str, **given: Any) -> Document:
    return {"ref": ref, "type": "Flow.Wait", "input": given}


class Hours:
    """Machines wait until the test lets time pass. `told` are the seconds that they were to wait."""

    def __init__(self) -> None:
        self.told: list[float] = []
        self.begun, self._passed = threading.Semaphore(0), threading.Event()

    def sleep(self, seconds: float) -> None:
        self.told.append(seconds)
        self.begun.release()
        assert self._passed.wait(30)

    def pass_by(self) -> None:
        self._passed.set()


@pytest.fixture
def hours() -> Iterator[Hours]:
    clock = Hours()
    with machines_wait_by(clock.sleep):
        yield clock
        clock.pass_by()


def test_a_task_that_waits_is_running_meanwhile_and_completed_afterwards(api: Api, hours: Hours) -> None:
    tasks = [wait("pause", seconds="{{input.pause}}"), transform("say", "{{refs.pause.output.until}}")]
    outputs = [give("said", "{{refs.say.output.result}}")]
    path = start(api, api.define(input=[declare("pause", "integer")], tasks=tasks, output=outputs), {"pause": HOUR})
    assert hours.begun.acquire(timeout=30)
    during = api("GET", path).json
    assert (during["status"], statuses(during)) == ("RUNNING", {"pause": "RUNNING", "say": "PENDING"})
    hours.pass_by()
    done = end_of(api, path)
    assert (done["status"], statuses(done)) == ("COMPLETED", {"pause": "COMPLETED", "say": "COMPLETED"})
    began = datetime.fromisoformat(done["tasks"][0]["started_at"])
    assert datetime.fromisoformat(done["output"]["said"]) - began == timedelta(hours=1)
    assert HOUR - 30 < hours.told[0] <= HOUR + 1


def test_what_follows_a_wait_begins_when_its_time_has_come(api: Api) -> None:
    until = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    done = api.run(api.define(tasks=[wait("pause", until=until), transform("say")]))
    assert done["status"] == "COMPLETED"
    assert datetime.fromisoformat(done["tasks"][1]["started_at"]) >= datetime.fromisoformat(until)


def test_nobody_waits_for_what_is_past_nor_for_what_is_skipped(api: Api, hours: Hours) -> None:
    never = {"left": 1, "operator": "==", "right": 2}
    tasks = [
        wait("past", until="2001-02-03T04:05:06Z"),
        wait("skipped", seconds=HOUR) | {"condition": never},
        transform("say", "{{refs.past.output.until}}"),
    ]
    done = api.run(api.define(order="graph", tasks=tasks))
    assert statuses(done) == {"past": "COMPLETED", "skipped": "SKIPPED", "say": "COMPLETED"}
    assert hours.told == []


def test_waits_side_by_side_are_waited_at_once(api: Api, hours: Hours) -> None:
    tasks = [wait("short", seconds=HOUR), wait("long", seconds=2 * HOUR)]
    path = start(api, api.define(order="graph", tasks=tasks))
    for _ in tasks:
        assert hours.begun.acquire(timeout=30)
    assert statuses(api("GET", path).json) == {"short": "RUNNING", "long": "RUNNING"}
    hours.pass_by()
    assert end_of(api, path)["status"] == "COMPLETED"


def test_a_wait_ends_with_its_cancelled_run_and_a_resumed_one_waits_only_for_what_it_has_not_waited(
    api: Api, hours: Hours
) -> None:
    tasks = [transform("first"), wait("pause", seconds=HOUR), transform("last")]
    path = start(api, api.define(tasks=tasks))
    assert hours.begun.acquire(timeout=30)
    assert api("POST", f"{path}/cancel", {}).status == 202
    cancelled = end_of(api, path)
    assert statuses(cancelled) == {"first": "COMPLETED", "pause": "CANCELLED", "last": "PENDING"}
    hours.pass_by()
    assert api("POST", f"{path}/resume", {}).status == 202
    assert hours.begun.acquire(timeout=30)
    done = end_of(api, path)
    assert statuses(done) == dict.fromkeys(("first", "pause", "last"), "COMPLETED")
    assert [seconds > HOUR - 30 for seconds in hours.told] == [True, True]


def test_a_resumed_run_that_has_waited_does_not_wait_again(api: Api, hours: Hours) -> None:
    hours.pass_by()
    tasks = [wait("pause", seconds=HOUR), transform("bad", "{{input.data}}", "$error('not today')")]
    path = start(api, api.define(input=[declare("data", "string")], tasks=tasks), {"data": "x"})
    failed = end_of(api, path)
    assert statuses(failed) == {"pause": "COMPLETED", "bad": "FAILED"}
    assert api("POST", f"{path}/resume", {}).status == 202
    again = end_of(api, path)
    assert (again["status"], again["tasks"][0]["completed_at"]) == ("FAILED", failed["tasks"][0]["completed_at"])
    assert len(hours.told) == 1


def test_a_wait_ends_when_what_runs_beside_it_fails(api: Api) -> None:
    tasks = [wait("pause", seconds=HOUR), transform("bad", expression="$error('no such luck')")]
    done = end_of(api, start(api, api.define(order="graph", tasks=tasks)))
    assert (done["status"], done["error"]["location"]) == ("FAILED", "bad")
    assert statuses(done) == {"pause": "CANCELLED", "bad": "FAILED"}


def test_a_run_goes_on_after_a_wait_that_its_author_lets_fail(api: Api) -> None:
    tasks = [wait("pause", until="x{{input.when}}") | {"on_error": "continue"}, transform("after")]
    done = api.run(api.define(input=[declare("when", "string")], tasks=tasks), {"when": "tomorrow"})
    assert (done["status"], statuses(done)) == ("COMPLETED", {"pause": "FAILED", "after": "COMPLETED"})


def test_a_wait_beyond_the_runs_deadline_fails_before_it_begins(api: Api, hours: Hours) -> None:
    wanted = declare("pause", "integer")
    workflow = api.define(input=[wanted], tasks=[wait("pause", seconds="{{input.pause}}")])
    done = api.run(workflow, {"pause": 364 * 24 * HOUR})
    assert (done["status"], done["error"]["location"], done["error"]["reason"]) == ("FAILED", "pause", "timeout")
    assert hours.told == []


def test_a_wait_that_is_known_to_end_after_every_deadline_is_refused_when_it_is_defined(api: Api) -> None:
    document = {"name": "Waits", "tasks": [wait("pause", seconds=364 * 24 * HOUR)]}
    refused = api("POST", "/workflows", document)
    assert (refused.status, refused.json["errors"][0]["location"]) == (400, "/tasks")
    assert "RunDeadlineHours" in refused.json["errors"][0]["message"]
