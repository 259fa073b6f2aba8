"""Batches of a stream: in order, retried, divided, given up, each as the mapping says."""

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from moto.events.models import EventPattern

from local.background.agenda import Agenda
from local.background.stream_mappings import POLL_SECONDS, StreamDelivery, StreamMapping
from local.background.stream_records import find_first_failure
from local.lambda_runtime import Invocation
from tests.local.held_calls import HeldCall, HeldCalls
from tests.local.manual_clock import ManualClock

QUEUE = "arn:aws:sqs:us-east-1:123456789012:failures"
MAPPING = StreamMapping("function", "stream", "table", partition_key="pk", on_failure=QUEUE)


class Scene:
    def __init__(self, **changes: Any) -> None:
        self.clock, self.calls, self.sent = ManualClock(), HeldCalls(), list[tuple[str, str]]()
        self.agenda = Agenda(self.clock)
        mapping = MAPPING._replace(**changes)
        self._delivery = StreamDelivery(mapping, self.agenda, self.calls, lambda *sent: self.sent.append(sent))
        self._number = 0

    def write(self, *partitions: str) -> None:
        """Records of these partitions, numbered from 1, and the next time that the stream is asked."""
        self.write_unseen(*partitions)
        self.clock.pass_by(POLL_SECONDS, self.agenda)

    def write_unseen(self, *partitions: str) -> None:
        for partition in partitions:
            self._number += 1
            self._delivery.add(stored_record(partition, str(self._number), self.clock()))

    def deliver(self, *stored: dict[str, Any]) -> None:
        for record in stored:
            self._delivery.add(record)
        self.clock.pass_by(POLL_SECONDS, self.agenda)

    def end(self, call: HeldCall, *failures: str, raised: bool = False) -> None:
        if raised:
            call.fail()
        else:
            call.succeed({"batchItemFailures": [{"itemIdentifier": number} for number in failures]})
        self.agenda.run_due()

    def given_up(self) -> list[Any]:
        assert {queue for queue, _ in self.sent} <= {QUEUE}
        return [json.loads(text) for _, text in self.sent]


def stored_record(partition: str, number: str, instant: float) -> dict[str, Any]:
    written = datetime.fromtimestamp(instant, UTC).replace(tzinfo=None)  # as moto does
    change = {"Keys": {"pk": {"S": partition}}, "SequenceNumber": number, "ApproximateCreationDateTime": written}
    return {"eventID": number, "eventName": "INSERT", "dynamodb": change}


def numbers(call: HeldCall) -> list[str]:
    return [record["dynamodb"]["SequenceNumber"] for record in call.event["Records"]]


def written(scene: Scene, image: Any) -> None:
    stored = stored_record("a", "1", scene.clock())
    stored["dynamodb"]["NewImage"] = {"key": image}
    scene.deliver(stored)


# --- In order --------------------------------------------------------------------------------------------------------


def test_a_record_is_brought_as_lambda_brings_it() -> None:
    scene = Scene()
    scene.write("a")
    [record] = scene.calls.take().event["Records"]
    assert record == {
        "eventID": "1",
        "eventName": "INSERT",
        "eventSourceARN": "stream",
        "dynamodb": {
            "Keys": {"pk": {"S": "a"}},
            "SequenceNumber": "1",
            "ApproximateCreationDateTime": scene.clock.seconds - POLL_SECONDS,
        },
    }


def test_binary_values_are_brought_as_base64_text_and_filters_see_them_so() -> None:
    scene = Scene(filters=(EventPattern.load(json.dumps({"dynamodb": {"NewImage": {"key": {"B": ["AP8="]}}}})),))
    written(scene, {"B": b"\x00\xff"})
    [record] = scene.calls.take().event["Records"]
    assert record["dynamodb"]["NewImage"] == {"key": {"B": "AP8="}}


def test_a_record_that_cannot_be_read_does_not_hold_back_those_behind_it() -> None:
    scene = Scene()
    unreadable = stored_record("a", "1", scene.clock())
    unreadable["dynamodb"]["NewImage"] = {"key": {"S": object()}}
    scene.deliver(unreadable, stored_record("a", "2", scene.clock()))
    assert numbers(scene.calls.take()) == ["2"]


def test_the_stream_is_asked_four_times_a_second() -> None:
    scene = Scene()
    scene.write_unseen("a")
    scene.clock.pass_by(0.24, scene.agenda)
    scene.write_unseen("a")
    assert not scene.calls
    scene.clock.pass_by(0.01, scene.agenda)
    assert numbers(scene.calls.take()) == ["1", "2"]


def test_what_is_written_while_a_batch_is_in_work_waits_for_its_end() -> None:
    scene = Scene()
    scene.write("a")
    scene.write("a", "a")
    first = scene.calls.take()
    assert not scene.calls
    scene.end(first)
    assert numbers(scene.calls.take()) == ["2", "3"]


def test_a_batch_holds_no_more_than_its_size() -> None:
    scene = Scene(batch_size=2)
    scene.write("a", "a", "a")
    first = scene.calls.take()
    assert numbers(first) == ["1", "2"]
    scene.end(first)
    assert numbers(scene.calls.take()) == ["3"]


def test_a_batching_window_is_waited_for_unless_the_batch_is_full() -> None:
    scene = Scene(batch_size=3, window_seconds=5)
    scene.write("a", "a")
    assert not scene.calls
    scene.clock.pass_by(5, scene.agenda)
    first = scene.calls.take()
    assert numbers(first) == ["1", "2"]
    scene.end(first)
    scene.write("a", "a", "a")
    assert numbers(scene.calls.take()) == ["3", "4", "5"]


def test_a_failing_handler_blocks_only_its_shard() -> None:
    scene = Scene()
    others = [str(number) for number in range(20)]
    scene.write("failing")
    scene.end(scene.calls.take(), raised=True)
    scene.write("failing", *others)
    brought = [record["dynamodb"]["Keys"]["pk"]["S"] for call in scene.calls for record in call.event["Records"]]
    assert "failing" not in brought
    assert 0 < len(brought) < len(others)  # some of them share its shard
    scene.clock.pass_by(0.5, scene.agenda)
    assert numbers(scene.calls[-1]) == ["1"]


def test_records_that_no_filter_matches_are_passed_over() -> None:
    pattern = EventPattern.load('{"dynamodb": {"Keys": {"pk": {"S": ["told"]}}}}')
    scene = Scene(filters=(pattern,))
    scene.write("untold", "told")
    assert numbers(scene.calls.take()) == ["2"]
    assert not scene.calls


# --- Again -----------------------------------------------------------------------------------------------------------


def test_a_batch_is_tried_again_until_it_succeeds(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    scene.write("a", "a")
    for seconds in (0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60):
        with caplog.at_level(logging.WARNING):
            scene.end(scene.calls.take(), raised=True)
        scene.clock.pass_by(seconds - 0.1, scene.agenda)
        assert not scene.calls
        scene.clock.pass_by(0.1, scene.agenda)
        assert numbers(scene.calls[0]) == ["1", "2"]
    scene.end(scene.calls.take())
    assert scene.given_up() == []
    assert "as the test says" in caplog.text


def test_records_that_are_given_up_go_to_the_failure_destination_and_the_next_are_brought() -> None:
    scene = Scene(retries=2)
    began = "2025-10-09T08:53:20.000Z"
    scene.write("a", "a")
    scene.write("a")
    for _ in range(3):
        scene.end(scene.calls.take(), raised=True)
        scene.clock.pass_by(60, scene.agenda)
    [record] = scene.given_up()
    assert record["requestContext"] | {"requestId": ""} == {
        "requestId": "",
        "functionArn": "function",
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 3,
    }
    assert record["responseContext"]["functionError"] == "Unhandled"
    batch = record["DDBStreamBatchInfo"]
    assert (batch["startSequenceNumber"], batch["endSequenceNumber"], batch["batchSize"]) == ("1", "2", 2)
    assert (batch["approximateArrivalOfFirstRecord"], batch["streamArn"]) == (began, "stream")
    assert numbers(scene.calls.take()) == ["3"]


def test_records_that_are_too_old_are_given_up() -> None:
    scene = Scene(max_age_seconds=60)
    scene.write("a")
    scene.end(scene.calls.take(), raised=True)
    scene.clock.pass_by(61, scene.agenda)
    scene.end(scene.calls.take(), raised=True)
    assert scene.given_up()[0]["requestContext"]["condition"] == "RecordAgeExceeded"


def test_a_failure_destination_that_fails_does_not_hold_up_the_shard() -> None:
    scene = Scene(retries=0)
    scene.sent = None  # type: ignore[assignment]
    scene.write("a")
    scene.write("a")
    scene.end(scene.calls.take(), raised=True)
    assert numbers(scene.calls.take()) == ["2"]


# --- In part ---------------------------------------------------------------------------------------------------------


def test_a_batch_that_failed_in_part_goes_on_at_its_first_failure() -> None:
    scene = Scene(reports_items=True)
    scene.write("a", "a", "a", "a")
    scene.end(scene.calls.take(), "3", "2")
    scene.clock.pass_by(0.5, scene.agenda)
    assert numbers(scene.calls.take()) == ["2", "3", "4"]


def test_a_mapping_that_does_not_say_so_minds_no_partial_failures() -> None:
    scene = Scene()
    scene.write("a", "a")
    scene.end(scene.calls.take(), "2")
    scene.clock.pass_by(60, scene.agenda)
    assert not scene.calls


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}, "text", [1]])
def test_an_answer_that_names_no_failure_is_a_success(answer: Any) -> None:
    assert first_failure(answer) is None


@pytest.mark.parametrize(
    "failures", [[{"itemIdentifier": ""}], [{"itemIdentifier": None}], [{"bad": "2"}], [{"itemIdentifier": "9"}], "2"]
)
def test_an_answer_that_names_no_record_of_the_batch_fails_all_of_it(failures: Any) -> None:
    assert first_failure({"batchItemFailures": failures}) == 0


def first_failure(answer: Any, sequences: Sequence[str] = ("1", "2", "3")) -> int | None:
    return find_first_failure(sequences, Invocation(json.dumps(answer)), reports_items=True)


# --- Divided ---------------------------------------------------------------------------------------------------------


def test_a_poisoned_record_is_found_by_halves_and_the_others_are_done() -> None:
    scene = Scene(bisects=True, retries=1)
    scene.write("a", "a", "a", "a")
    brought, done = list[list[str]](), list[str]()
    for _ in range(8):
        if not scene.calls:
            scene.clock.pass_by(60, scene.agenda)
        if not scene.calls:
            break
        call = scene.calls.take()
        brought.append(numbers(call))
        done += [] if "3" in numbers(call) else numbers(call)
        scene.end(call, raised="3" in numbers(call))
    assert brought == [["1", "2", "3", "4"], ["1", "2"], ["3", "4"], ["3"], ["3"], ["4"]]
    assert done == ["1", "2", "4"]
    [record] = scene.given_up()
    assert (
        record["DDBStreamBatchInfo"]["startSequenceNumber"] == record["DDBStreamBatchInfo"]["endSequenceNumber"] == "3"
    )


def test_a_batch_that_failed_in_part_is_divided_at_its_failure_without_counting_it() -> None:
    scene = Scene(bisects=True, reports_items=True, retries=0)
    scene.write("a", "a")
    scene.end(scene.calls.take(), "2")
    rest = scene.calls.take()
    assert numbers(rest) == ["2"]
    scene.end(rest, "2")
    assert len(scene.given_up()) == 1
