"""Records as DynamoDB items, and back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcall.domain.errors import ErrorReason
from stepcall.domain.run import ErrorResult, Run, RunStatus, StoredPayload, TaskStatus
from stepcall.stores.dynamo_items import (
    payload_values,
    read_awaited,
    read_error,
    read_payload,
    read_run,
    read_summary,
    read_task,
    read_time,
    read_values,
    run_key,
    run_values,
    task_key,
    workflow_key,
    write_error,
    write_time,
    write_values,
)

TIME = datetime(2026, 3, 4, 5, 6, 7, 891234, UTC)
RUN = Run(
    run_id=UUID(int=7),
    tenant="acme",
    principal="",
    workflow_id=UUID(int=8),
    workflow_version=3,
    content_hash="0" * 32,
    status=RunStatus.PENDING,
    created_at=TIME,
    input=StoredPayload(12, '{"ü":"🌊"}'),
)


def test_a_new_run_reads_back_as_it_was() -> None:
    item = write_values(run_values(RUN))
    assert read_run(item) == RUN
    assert read_summary(item).run_id == RUN.run_id
    assert item["open"] == {"S": "1"}
    assert item["run_id"] == run_key(RUN.run_id)["run_id"]
    assert item["item"] == {"S": "RUN"}


def test_a_provider_key_is_bytes_that_no_list_and_no_repr_shows() -> None:
    run = replace(RUN, provider_key=b"\x00\xffencrypted")
    item = write_values(run_values(run))
    assert item["provider_key"] == {"B": b"\x00\xffencrypted"}
    assert read_run(item) == run
    assert "encrypted" not in f"{run} {read_summary(item)!r}"
    assert "provider_key" not in write_values(run_values(RUN))


def test_a_record_without_its_input_is_not_taken_for_a_run() -> None:
    item = {name: value for name, value in write_values(run_values(RUN)).items() if not name.startswith("input")}
    with pytest.raises(ValueError, match="no input"):
        read_run(item)


@pytest.mark.parametrize(
    "payload", [StoredPayload(4, "null"), StoredPayload(2, '""'), StoredPayload(9000, key="runs/x/y.json")]
)
def test_a_payload_reads_back_inline_or_from_the_bucket(payload: StoredPayload) -> None:
    assert read_payload(read_values(write_values(payload_values("output", payload))), "output") == payload


def test_no_payload_is_nothing_at_all() -> None:
    assert payload_values("output", None) == {}
    assert read_payload({}, "output") is None


def test_a_task_begins_with_what_is_known_of_it() -> None:
    item = task_key(RUN.run_id, "a_b") | write_values({"status": "RUNNING"})
    task = read_task(item)
    assert (task.ref, task.status, task.attempts, task.output) == ("a_b", TaskStatus.RUNNING, 0, None)


@given(st.datetimes(timezones=st.timezones() | st.just(UTC), allow_imaginary=False))
def test_times_are_utc_to_the_microsecond_and_read_back(time: datetime) -> None:
    if (
        not datetime.min.replace(tzinfo=UTC) + timedelta(days=2)
        < time
        < datetime.max.replace(tzinfo=UTC) - timedelta(2)
    ):
        return
    text = write_time(time)
    assert text.endswith("Z")
    assert len(text) == len("2026-03-04T05:06:07.891234Z")
    assert read_time(text) == time.astimezone(UTC)  # two zones compare as unequal in an hour that comes twice


def test_written_times_sort_as_they_came() -> None:
    times = [TIME, TIME + timedelta(microseconds=1), TIME.replace(microsecond=0) + timedelta(seconds=1)]
    elsewhere = [time.astimezone(timezone(timedelta(hours=9))) for time in times]
    assert sorted(map(write_time, elsewhere)) == [write_time(time) for time in times]


def test_an_error_reads_back_whatever_its_text() -> None:
    error = ErrorResult(ErrorReason.INVALID, "fetch", 'quote " back \\ {{x}} \n 🌊')
    assert read_error(write_error(error)) == error
    assert write_error(None) is None
    assert read_error(None) is None


def test_numbers_are_numbers_and_none_is_not_written() -> None:
    values = write_values({"a": 1, "b": "1", "c": None, "d": ""})
    assert values == {"a": {"N": "1"}, "b": {"S": "1"}, "d": {"S": ""}}
    assert read_values(values) == {"a": 1, "b": "1", "d": ""}


def test_the_partition_of_a_list_holds_one_tenants_runs_only() -> None:
    assert workflow_key("a", UUID(int=1)) != workflow_key("b", UUID(int=1))
    assert workflow_key(RUN.tenant, RUN.workflow_id) == run_values(RUN)["workflow_key"]
    moved = replace(RUN, tenant="other")
    assert run_values(moved)["workflow_key"] != run_values(RUN)["workflow_key"]


def test_a_child_that_was_written_without_its_workflow_is_still_known() -> None:
    child = "00000000-0000-0000-0000-000000000007"
    awaited = read_awaited(f'{{"message": null, "expires_at": null, "child_run_id": "{child}"}}')
    assert awaited
    assert (awaited.child_run_id, awaited.child_workflow_id) == (UUID(int=7), None)
