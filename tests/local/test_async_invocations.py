"""Lambda's queue of asynchronous invocations: retries and failure destinations."""

import json
import logging

import pytest

from local.background.agenda import Agenda
from local.background.async_invocations import AsyncInvocations, AsyncSettings
from tests.local.held_calls import HeldCalls
from tests.local.manual_clock import ManualClock

ARN, QUEUE = "arn:aws:lambda:us-east-1:123456789012:function:f", "arn:aws:sqs:us-east-1:123456789012:failures"


class Scene:
    def __init__(self, settings: AsyncSettings | None = None) -> None:
        self.clock, self.calls, self.sent = ManualClock(), HeldCalls(), list[tuple[str, str]]()
        self.agenda = Agenda(self.clock)
        told = {} if settings is None else {ARN: settings}
        self.invocations = AsyncInvocations(self.agenda, self.calls, lambda *sent: self.sent.append(sent), told)
        self.invocations.invoke(ARN, '{"a": 1}')

    def fail_after(self, seconds: float) -> None:
        """Nothing is tried before these seconds; then it fails."""
        self.clock.pass_by(seconds - 0.1, self.agenda)
        assert not self.calls
        self.clock.pass_by(0.1, self.agenda)
        self.calls.take().fail()


def test_an_event_that_was_taken_is_not_brought_again() -> None:
    scene = Scene()
    call = scene.calls.take()
    assert (call.function, call.event) == (ARN, {"a": 1})
    call.succeed()
    scene.clock.pass_by(3600, scene.agenda)
    assert not scene.calls


def test_a_function_that_fails_is_tried_again_after_one_and_after_two_minutes() -> None:
    scene = Scene()
    scene.calls.take().fail()
    scene.fail_after(60)
    scene.fail_after(120)
    scene.clock.pass_by(7200, scene.agenda)
    assert not scene.calls
    assert scene.sent == []  # without a destination


def test_an_event_that_is_given_up_goes_to_the_failure_destination(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene(AsyncSettings(retries=1, on_failure=QUEUE))
    with caplog.at_level(logging.WARNING):
        scene.calls.take().fail()
        scene.fail_after(60)
    [(queue, text)] = scene.sent
    assert queue == QUEUE
    record = json.loads(text)
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["requestContext"]["functionArn"] == f"{ARN}:$LATEST"
    assert record["requestPayload"] == {"a": 1}
    assert record["responsePayload"]["errorType"] == "FailingError"
    assert record["timestamp"] == "2025-10-09T08:54:20.000Z"
    assert "as the test says" in caplog.text  # and a developer sees why


def test_an_event_that_would_be_too_old_is_not_tried_again() -> None:
    scene = Scene(AsyncSettings(max_age_seconds=100, on_failure=QUEUE))
    scene.calls.take().fail()
    scene.fail_after(60)
    assert json.loads(scene.sent[0][1])["requestContext"]["condition"] == "EventAgeExceeded"


def test_a_function_may_be_set_not_to_be_tried_again() -> None:
    scene = Scene(AsyncSettings(retries=0, on_failure=QUEUE))
    scene.calls.take().fail()
    assert len(scene.sent) == 1
