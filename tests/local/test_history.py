"""moto's interpreter writes as many events as `asl/history.py` counts, on the good road and on the longest."""

from collections import Counter
from dataclasses import replace
from typing import Any

from stepcall.asl.each_states import MapState, SizeState
from stepcall.asl.history import count_events
from stepcall.asl.states import (
    ALL_ERRORS,
    EACH_PATH,
    WAIT_PATH,
    Catcher,
    FailState,
    LambdaTaskState,
    ParallelState,
    Retrier,
    StateMachine,
)
from stepcall.asl.wait_states import WaitState
from tests.local.http_client import Client

WORKER = "WORK"  # the fixture service puts the ARN of its worker in its place


def retry(attempts: int) -> tuple[Retrier, ...]:
    return (Retrier(("NotTodayError",), interval_seconds=1, max_attempts=attempts, backoff_rate=1.0),)


def worker(name: str, do: str, attempts: int = 0, to: str | None = None, catch: str | None = None) -> LambdaTaskState:
    payload = {"do": do, "attempt.$": "$$.State.RetryCount"}
    catchers = (Catcher((ALL_ERRORS,), next=catch, result_path="$.error"),) if catch else ()
    return LambdaTaskState(name, WORKER, payload, 20, retry(attempts) if attempts else (), catchers, to)


def events_of(client: Client, machine: StateMachine) -> list[Any]:
    asl = machine.to_asl()
    _drop_empty_retries(asl)
    events: list[Any] = client("POST", "/machine", asl).json["events"]
    return events


def _drop_empty_retries(machine: Any) -> None:
    for state in machine["States"].values():
        if not state.get("Retry", True):
            del state["Retry"]
        for branch in [*state.get("Branches", []), *([state["ItemProcessor"]] if "ItemProcessor" in state else [])]:
            _drop_empty_retries(branch)


def test_the_good_road_has_five_events_for_each_task(client: Client) -> None:
    machine = StateMachine("", (worker("One", "nothing", to="Two"), worker("Two", "nothing")))
    events = events_of(client, machine)
    assert events == ["ExecutionStarted", *events[1:-1], "ExecutionSucceeded"]
    assert len(events) == count_events(machine) == 12


def test_the_longest_road_has_three_more_for_every_retry_and_one_for_fail(client: Client) -> None:
    """All retries used, caught, the bad road tried again, and Fail: what a compiled machine does at its worst."""
    machine = StateMachine(
        "",
        (
            worker("Work", "raise", attempts=2, catch="Tell"),
            worker("Tell", "raise at first", attempts=1, to="Failed"),
            FailState("Failed", error="E", cause="C"),
        ),
    )
    events = events_of(client, machine)
    assert events[-2:] == ["FailStateEntered", "ExecutionFailed"]
    assert (events.count("TaskFailed"), events.count("TaskStateExited")) == (4, 2)
    assert len(events) == count_events(machine) == 22


def test_branches_have_four_events_around_those_of_each(client: Client) -> None:
    branches = ((worker("One", "nothing", to="Two"), worker("Two", "nothing")), (worker("Beside", "nothing"),))
    machine = StateMachine("", (ParallelState("Both", branches, next="After"), worker("After", "nothing")))
    events = events_of(client, machine)
    assert [event for event in events if event.startswith("Parallel")] == [
        "ParallelStateEntered",
        "ParallelStateStarted",
        "ParallelStateSucceeded",
        "ParallelStateExited",
    ]
    assert len(events) == count_events(machine) == 2 + 4 + 3 * 5 + 5


def test_a_branch_that_fails_writes_no_more_than_is_counted(client: Client) -> None:
    bad = (worker("Bad", "raise", attempts=1, catch="Bad failed"), FailState("Bad failed", "E", "C"))
    catch = (Catcher((ALL_ERRORS,), next="Failed", result_path="$.error"),)
    machine = StateMachine("", (ParallelState("Both", (bad,), catch), FailState("Failed", error="E", cause="C")))
    events = events_of(client, machine)
    assert "ParallelStateFailed" in events
    assert len(events) <= count_events(machine)


def test_a_wait_has_two_events(client: Client) -> None:
    """For a time that is past."""
    begin = replace(worker("Begin", "nothing", to="Wait"), kept={"until": "2001-02-03T04:05:06Z"}, kept_at=WAIT_PATH)
    machine = StateMachine("", (begin, WaitState("Wait", "End"), worker("End", "nothing")))
    events = events_of(client, machine)
    assert [event for event in events if event.startswith("Wait")] == ["WaitStateEntered", "WaitStateExited"]
    assert len(events) == count_events(machine) == 2 + 5 + 2 + 5


def for_each(number: int, do: str = "nothing", attempts: int = 0, most_inline: int = 3) -> StateMachine:
    """A machine whose worker says for how many, with both Maps of one state."""
    said: Any = {"indexes": [*range(number)], "number": number}
    begin = replace(worker("Begin", "nothing", to="Size"), kept=said, kept_at=EACH_PATH)
    item = replace(worker("Item", do, attempts), payload={"do": do, "attempt.$": "$$.State.RetryCount"})
    catch = (Catcher((ALL_ERRORS,), next="End", result_path=EACH_PATH),)
    few = MapState("Few", ((item,),), min(number, most_inline), 40, catch, "End")
    many = MapState("Many", ((replace(item, name="One"),),), number, 40, catch, "End", "each1")
    size = SizeState("Size", most_inline, "Few" if number <= most_inline else "Many", "Many")
    return StateMachine("", (begin, size, few, many, worker("End", "nothing")))


def test_a_map_has_four_events_and_two_around_those_of_each_item(client: Client) -> None:
    machine = for_each(3)
    events = events_of(client, machine)
    assert Counter(event for event in events if event.startswith("Map")) == {
        "MapStateEntered": 1,
        "MapStateStarted": 1,
        "MapIterationStarted": 3,
        "MapIterationSucceeded": 3,
        "MapStateSucceeded": 1,
        "MapStateExited": 1,
    }
    assert events.count("ChoiceStateEntered") == events.count("ChoiceStateExited") == 1
    assert len(events) == count_events(machine) == 2 + 5 + 2 + 4 + 3 * (2 + 5) + 5


def test_a_map_whose_items_are_executions_has_six_events_however_many_they_are(client: Client) -> None:
    machine = for_each(4)
    events = events_of(client, machine)
    assert (events.count("MapRunStarted"), events.count("MapRunSucceeded")) == (1, 1)
    assert len(events) == count_events(machine) == 2 + 5 + 2 + 6 + 5


def test_items_that_fail_write_no_more_than_is_counted(client: Client) -> None:
    machine = for_each(3, "raise", attempts=1)
    events = events_of(client, machine)
    assert "MapIterationFailed" in events
    assert len(events) <= count_events(machine)
