"""The state machine of deliveries as it is written: its schedule is the standard's, and Step Functions can run it."""

import json
from pathlib import Path
from typing import Any

from stepcall.asl.check import check_state_machine
from stepcall.runtime.settings import MAX_PREFIX_LENGTH

FILE = Path(__file__).parents[2] / "statemachine" / "webhook_delivery.asl.json"
TEXT = FILE.read_text()
MACHINE: dict[str, Any] = json.loads(TEXT)
STATES = MACHINE["States"]
SECOND, MINUTE, HOUR = 1, 60, 3600
# Standard Webhooks, "Retry schedule": at once, and then so long after the attempt before
STANDARD = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
DELIVER = "${DeliverWebhookArn}"
LONGEST_EXECUTION_HISTORY = 25_000
EVENTS_OF_AN_ATTEMPT = 5 + 3 * 5 + 6
"""A task, its five retries, and the states behind it."""


def tasks() -> dict[str, Any]:
    return {name: state for name, state in STATES.items() if state["Type"] == "Task"}


def test_the_schedule_is_the_standards_and_ends() -> None:
    schedule = STATES["Schedule"]["Result"]
    assert schedule == {"index": 0, "waits_seconds": [*STANDARD, 0]}
    assert len(schedule["waits_seconds"]) == 10


def test_step_functions_can_run_it() -> None:
    check_state_machine(MACHINE)


def test_its_history_stays_far_within_the_limit() -> None:
    attempts = len(STATES["Schedule"]["Result"]["waits_seconds"])
    assert attempts * EVENTS_OF_AN_ATTEMPT < LONGEST_EXECUTION_HISTORY / 50


def test_no_fault_of_aws_loses_a_delivery() -> None:
    for name, task in tasks().items():
        assert [rule["ErrorEquals"] for rule in task["Retry"]] == [["States.ALL"]], name
        assert task["TimeoutSeconds"] >= 60, name
    assert STATES["Attempt"]["Catch"][0]["Next"] == "CountAsFailed"
    assert STATES["CountAsFailed"]["Parameters"]["outcome"] == "retry"
    assert STATES["TellOfExhaustion"]["Catch"][0]["Next"] == STATES["TellOfExhaustion"]["Next"] == "GiveUp"
    assert "Catch" not in STATES["GiveUp"]  # it fails then, and its status event comes to the same function


def test_what_it_calls_is_what_the_template_fills_in() -> None:
    assert {task["Parameters"].get("FunctionName", DELIVER) for task in tasks().values()} == {DELIVER}
    assert STATES["TellOfExhaustion"]["Parameters"]["QueueUrl"] == "${ExhaustedDeliveriesUrl}"
    assert TEXT.count("${") == 3


def test_its_name_has_room_behind_the_longest_name_of_a_stack() -> None:
    assert MAX_PREFIX_LENGTH + len("_webhook-delivery") <= 80
