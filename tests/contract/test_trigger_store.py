"""What every store of triggers does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock
from uuid import UUID

import pytest
from botocore.exceptions import ClientError

from stepcall.domain.trigger import (
    MAX_TRIGGERS,
    Bus,
    EventSource,
    LastError,
    LastRun,
    ScheduleSource,
    Trigger,
    TriggerStatus,
)
from stepcall.stores.dynamo_transactions import CHANGE_ATTEMPTS
from stepcall.stores.dynamo_trigger_store import DynamoTriggerStore
from stepcall.stores.trigger_store import (
    TooManyTriggersError,
    TriggerIsChangingError,
    TriggerNotFoundError,
    TriggerStore,
    UnsettledTrigger,
)
from tests.contract.conftest import in_parallel, nth_id
from tests.contract.test_dynamo_faults import FaultyClient, canceled, refused

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

CREATED_AT = datetime(2026, 3, 4, 5, 6, 7, 891234, UTC)
LATER = CREATED_AT + timedelta(minutes=5)
WORKFLOW = nth_id(1)
HOURLY = Trigger(
    tenant="acme",
    workflow_id=WORKFLOW,
    trigger_id=nth_id(7),
    source=ScheduleSource("rate(1 hour)", "Europe/Berlin", datetime(2026, 3, 4, 6, 6, 7, tzinfo=UTC)),
    input={"at": "{{event.time}}", "big": 2**80, "ratio": 0.1, "deep": [{"a": None}]},
    created_at=CREATED_AT,
)
ON_EVENT = replace(HOURLY, trigger_id=nth_id(8), source=EventSource({"source": ["aws.s3"]}, Bus.DEFAULT), input={})
NIGHTLY = replace(HOURLY, source=ScheduleSource("cron(0 3 * * ? *)"))
CHANGES = [NIGHTLY, replace(HOURLY, input={}), replace(HOURLY, enabled=False)]
RUN = LastRun(nth_id(40), LATER)
ERROR = LastError(LATER, "workflow_not_found", "It is deleted.")


def numbered(number: int) -> Trigger:
    return replace(HOURLY, trigger_id=nth_id(number))


def stored(store: TriggerStore, trigger: Trigger = HOURLY) -> Trigger:
    return store.get(trigger.tenant, trigger.workflow_id, trigger.trigger_id)


def ids(store: TriggerStore) -> list[int]:
    return [trigger.trigger_id.int & 0xFFFF for trigger in store.list_by_workflow("acme", WORKFLOW)]


def change(store: TriggerStore, trigger: Trigger, *, seen: Trigger = HOURLY) -> Trigger:
    changed = store.replace(trigger, seen=seen, now=LATER)
    assert changed
    return changed


def unsettled(store: TriggerStore) -> list[UnsettledTrigger]:
    return list(store.list_unsettled(limit=100))


@pytest.mark.parametrize("trigger", [HOURLY, ON_EVENT, *CHANGES])
def test_a_trigger_is_read_as_it_was_put_and_is_unsettled(trigger_store: TriggerStore, trigger: Trigger) -> None:
    trigger_store.put(replace(trigger, is_settled=True))
    assert stored(trigger_store, trigger) == trigger
    assert stored(trigger_store, trigger).status is TriggerStatus.PENDING
    assert trigger_store.list_by_workflow("acme", WORKFLOW) == [trigger]
    assert unsettled(trigger_store) == [UnsettledTrigger(trigger.key, CREATED_AT)]


@pytest.mark.parametrize("changed", CHANGES)
def test_a_trigger_is_replaced_and_back_with_one_more_revision_each_time(
    trigger_store: TriggerStore, changed: Trigger
) -> None:
    trigger_store.put(HOURLY)
    second = change(trigger_store, changed)
    assert second == replace(changed, revision=2) == stored(trigger_store)
    third = change(trigger_store, HOURLY, seen=second)
    assert third == replace(HOURLY, revision=3) == stored(trigger_store)


def test_what_has_changed_meanwhile_is_not_replaced(trigger_store: TriggerStore) -> None:
    trigger_store.put(HOURLY)
    second = change(trigger_store, NIGHTLY)
    assert trigger_store.replace(replace(HOURLY, enabled=False), seen=HOURLY, now=LATER) is None
    assert stored(trigger_store) == second


def test_one_of_many_that_replace_what_they_have_seen_does(trigger_store: TriggerStore) -> None:
    trigger_store.put(HOURLY)
    replaced: list[int] = []

    def move(number: int) -> None:
        if trigger_store.replace(replace(HOURLY, input={"number": number}), seen=HOURLY, now=LATER):
            replaced.append(number)

    assert set(in_parallel([partial(move, number) for number in range(8)])) == {None}
    [winner] = replaced
    assert stored(trigger_store) == replace(HOURLY, input={"number": winner}, revision=2)


def test_runs_and_errors_that_are_recorded_meanwhile_stay_with_what_is_replaced(trigger_store: TriggerStore) -> None:
    trigger_store.put(HOURLY)
    trigger_store.record_run(HOURLY.key, RUN)
    trigger_store.record_error(HOURLY.key, ERROR)
    assert change(trigger_store, NIGHTLY).revision == 2
    assert stored(trigger_store) == replace(NIGHTLY, revision=2, last_run=RUN, last_error=ERROR)


def test_of_runs_and_errors_the_latest_is_kept_in_whatever_order_they_are_recorded(trigger_store: TriggerStore) -> None:
    trigger_store.put(HOURLY)
    other = replace(RUN, run_id=nth_id(41))
    for run in (RUN, replace(RUN, at=CREATED_AT), other):
        trigger_store.record_run(HOURLY.key, run)
    for error in (ERROR, replace(ERROR, at=CREATED_AT, code="earlier")):
        trigger_store.record_error(HOURLY.key, error)
    assert stored(trigger_store) == replace(HOURLY, last_run=other, last_error=ERROR)


def test_recording_neither_settles_nor_unsettles(trigger_store: TriggerStore) -> None:
    trigger_store.put(HOURLY)
    assert trigger_store.settle(HOURLY.key, 1)
    trigger_store.record_run(HOURLY.key, RUN)
    trigger_store.record_error(HOURLY.key, ERROR)
    assert stored(trigger_store).is_settled
    assert unsettled(trigger_store) == []


def test_what_is_recorded_of_a_deleted_trigger_brings_nothing_back(trigger_store: TriggerStore) -> None:
    trigger_store.record_run(HOURLY.key, RUN)
    trigger_store.record_error(HOURLY.key, ERROR)
    assert trigger_store.list_by_workflow("acme", WORKFLOW) == []


def test_settled_at_its_revision_a_trigger_is_active_or_disabled_and_waits_no_more(trigger_store: TriggerStore) -> None:
    trigger_store.put(HOURLY)
    for _ in range(2):
        assert trigger_store.settle(HOURLY.key, 1)
        assert stored(trigger_store).status is TriggerStatus.ACTIVE
        assert unsettled(trigger_store) == []
    change(trigger_store, replace(HOURLY, enabled=False))
    assert unsettled(trigger_store) == [UnsettledTrigger(HOURLY.key, LATER)]
    assert trigger_store.settle(HOURLY.key, 2)
    assert stored(trigger_store).status is TriggerStatus.DISABLED


@pytest.mark.parametrize("revision", [None, 1, 3])
def test_what_eventbridge_has_of_another_revision_settles_nothing(
    trigger_store: TriggerStore, revision: int | None
) -> None:
    trigger_store.put(HOURLY)
    change(trigger_store, NIGHTLY)
    assert not trigger_store.settle(HOURLY.key, revision)
    assert not stored(trigger_store).is_settled
    assert unsettled(trigger_store) == [UnsettledTrigger(HOURLY.key, LATER)]


def test_a_deleted_trigger_waits_until_eventbridge_has_forgotten_it(trigger_store: TriggerStore) -> None:
    for trigger in (HOURLY, ON_EVENT):
        trigger_store.put(trigger)
        assert trigger_store.settle(trigger.key, 1)
        for _ in range(2):
            trigger_store.delete(trigger, LATER)
        assert unsettled(trigger_store) == [UnsettledTrigger(trigger.key, LATER)]
        assert not trigger_store.settle(trigger.key, 1)
        assert unsettled(trigger_store) == [UnsettledTrigger(trigger.key, LATER)]
        for _ in range(2):
            assert trigger_store.settle(trigger.key, None)
        assert unsettled(trigger_store) == []


def test_one_that_is_deleted_before_it_was_settled_waits_once(trigger_store: TriggerStore) -> None:
    trigger_store.put(HOURLY)
    trigger_store.delete(stored(trigger_store), LATER)
    assert unsettled(trigger_store) == [UnsettledTrigger(HOURLY.key, LATER)]


def test_what_was_deleted_is_gone_and_not_brought_back(trigger_store: TriggerStore) -> None:
    trigger_store.put(HOURLY)
    trigger_store.delete(HOURLY, LATER)
    assert trigger_store.list_by_workflow("acme", WORKFLOW) == []
    with pytest.raises(TriggerNotFoundError):
        stored(trigger_store)
    with pytest.raises(TriggerNotFoundError):
        trigger_store.replace(NIGHTLY, seen=HOURLY, now=LATER)
    assert trigger_store.list_by_workflow("acme", WORKFLOW) == []


@pytest.mark.parametrize("trigger", [HOURLY, ON_EVENT])
def test_one_to_be_checked_again_waits_there_or_gone_and_stays_settled(
    trigger_store: TriggerStore, trigger: Trigger
) -> None:
    trigger_store.recheck(trigger.key, CREATED_AT)
    assert unsettled(trigger_store) == [UnsettledTrigger(trigger.key, CREATED_AT)]
    assert trigger_store.list_by_workflow("acme", WORKFLOW) == []
    assert trigger_store.settle(trigger.key, None)
    trigger_store.put(trigger)
    assert trigger_store.settle(trigger.key, 1)
    trigger_store.recheck(trigger.key, LATER)
    assert stored(trigger_store, trigger) == replace(trigger, is_settled=True)
    assert unsettled(trigger_store) == [UnsettledTrigger(trigger.key, LATER)]
    assert trigger_store.settle(trigger.key, 1)
    assert unsettled(trigger_store) == []


def test_who_has_it_checked_again_and_again_does_not_have_it_wait_for_ever(trigger_store: TriggerStore) -> None:
    trigger_store.put(HOURLY)
    trigger_store.recheck(HOURLY.key, LATER)
    assert unsettled(trigger_store) == [UnsettledTrigger(HOURLY.key, CREATED_AT)]


def test_those_that_wait_longest_are_listed_first_of_all_tenants_and_workflows(trigger_store: TriggerStore) -> None:
    waiting = [
        replace(numbered(3), created_at=LATER),
        replace(numbered(9), workflow_id=nth_id(2)),
        replace(numbered(5), created_at=LATER + timedelta(seconds=1), tenant="of # all"),
    ]
    for trigger in waiting:
        trigger_store.put(trigger)
    expected = [UnsettledTrigger(each.key, each.created_at) for each in (waiting[1], waiting[0], waiting[2])]
    assert unsettled(trigger_store) == expected
    assert list(trigger_store.list_unsettled(limit=2)) == expected[:2]


def test_another_tenants_or_workflows_trigger_is_neither_read_nor_changed(trigger_store: TriggerStore) -> None:
    trigger_store.put(HOURLY)
    assert trigger_store.settle(HOURLY.key, 1)
    for tenant, workflow_id in (
        *((tenant, WORKFLOW) for tenant in ("other", "", "acm", "acme#", "ACME")),
        ("acme", nth_id(2)),
    ):
        other = replace(HOURLY, tenant=tenant, workflow_id=workflow_id)
        with pytest.raises(TriggerNotFoundError):
            stored(trigger_store, other)
        with pytest.raises(TriggerNotFoundError):
            trigger_store.replace(replace(other, enabled=False), seen=other, now=LATER)
        assert trigger_store.list_by_workflow(tenant, workflow_id) == []
        trigger_store.delete(other, LATER)
        trigger_store.record_error(other.key, ERROR)
    assert stored(trigger_store) == replace(HOURLY, is_settled=True)
    assert unsettled(trigger_store) == []


def test_triggers_are_listed_oldest_first(trigger_store: TriggerStore) -> None:
    for number in (5, 3, 9, 1):
        trigger_store.put(numbered(number))
    assert ids(trigger_store) == [1, 3, 5, 9]


def test_a_workflow_has_so_many_triggers_and_no_more_and_room_comes_back(trigger_store: TriggerStore) -> None:
    for number in range(MAX_TRIGGERS):
        trigger_store.put(numbered(number))
    with pytest.raises(TooManyTriggersError, match=f"may have {MAX_TRIGGERS} triggers"):
        trigger_store.put(numbered(99))
    assert len(unsettled(trigger_store)) == MAX_TRIGGERS
    trigger_store.put(replace(numbered(99), workflow_id=nth_id(2)))
    for _ in range(2):
        trigger_store.delete(numbered(4), LATER)
    trigger_store.put(numbered(99))
    with pytest.raises(TooManyTriggersError):
        trigger_store.put(numbered(98))
    assert len(ids(trigger_store)) == MAX_TRIGGERS


def test_a_race_for_the_last_places_gives_each_of_them_and_no_more(trigger_store: TriggerStore) -> None:
    for number in range(MAX_TRIGGERS - 3):
        trigger_store.put(numbered(number))
    raised = in_parallel([partial(trigger_store.put, numbered(50 + number)) for number in range(12)])
    assert [type(error) for error in raised].count(TooManyTriggersError) == 9
    assert len(ids(trigger_store)) == len(unsettled(trigger_store)) == MAX_TRIGGERS


def test_many_who_delete_one_make_room_for_one(trigger_store: TriggerStore) -> None:
    for number in range(MAX_TRIGGERS):
        trigger_store.put(numbered(number))
    assert set(in_parallel([partial(trigger_store.delete, numbered(4), LATER)] * 6)) == {None}
    trigger_store.put(numbered(99))
    with pytest.raises(TooManyTriggersError):
        trigger_store.put(numbered(98))


def test_a_change_and_who_settles_what_was_before_leave_it_unsettled(trigger_store: TriggerStore) -> None:
    for number in range(10):
        trigger = numbered(number)
        trigger_store.put(trigger)
        calls = [
            partial(trigger_store.settle, trigger.key, 1),
            partial(trigger_store.replace, replace(trigger, enabled=False), seen=trigger, now=LATER),
            partial(trigger_store.record_run, trigger.key, RUN),
        ]
        assert set(in_parallel(calls)) == {None}
        assert stored(trigger_store, trigger) == replace(trigger, enabled=False, revision=2, last_run=RUN)
        assert UnsettledTrigger(trigger.key, LATER) in unsettled(trigger_store)


def test_of_a_deletion_and_a_replacement_nothing_is_left_but_that_eventbridge_has_to_forget(
    trigger_store: TriggerStore,
) -> None:
    for number in range(10):
        trigger = numbered(number)
        trigger_store.put(trigger)
        in_parallel(
            [
                partial(trigger_store.delete, trigger, LATER),
                partial(trigger_store.replace, replace(trigger, enabled=False), seen=trigger, now=LATER),
                partial(trigger_store.settle, trigger.key, 1),
            ]
        )
        assert ids(trigger_store) == []
        assert UnsettledTrigger(trigger.key, LATER) in unsettled(trigger_store)


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException"])
def test_a_write_that_failed_is_taken_for_nothing_else(dynamodb: "DynamoDBClient", code: str) -> None:
    client: Any = FaultyClient(dynamodb, refused(code))
    store = DynamoTriggerStore(client, "WorkflowsTable")
    for write in writes_of(store):
        with pytest.raises(ClientError, match=code):
            write()


def test_who_others_are_always_before_is_told_so(dynamodb: "DynamoDBClient") -> None:
    client: Any = FaultyClient(dynamodb, canceled("TransactionConflict", "None"))
    writes = writes_of(DynamoTriggerStore(client, "WorkflowsTable"))
    for write in writes:
        with pytest.raises(TriggerIsChangingError):
            write()
    assert client.calls == CHANGE_ATTEMPTS * len(writes)


def test_firings_side_by_side_do_not_refuse_each_others_records_as_transactions_would(
    dynamodb: "DynamoDBClient",
) -> None:
    DynamoTriggerStore(dynamodb, "WorkflowsTable").put(HOURLY)
    client = Mock(wraps=dynamodb)
    client.transact_write_items.side_effect = canceled("TransactionConflict")
    store = DynamoTriggerStore(client, "WorkflowsTable")
    store.record_run(HOURLY.key, RUN)
    store.record_error(HOURLY.key, ERROR)
    assert stored(store) == replace(HOURLY, last_run=RUN, last_error=ERROR)


def test_a_record_that_meets_a_transaction_is_written_after_it_or_said_to_be_in_the_way(
    dynamodb: "DynamoDBClient",
) -> None:
    client: Any = FaultyClient(dynamodb, refused("TransactionConflictException"))
    store = DynamoTriggerStore(client, "WorkflowsTable")
    with pytest.raises(TriggerIsChangingError):
        store.record_run(HOURLY.key, RUN)
    assert client.calls == CHANGE_ATTEMPTS


def writes_of(store: TriggerStore) -> list[Any]:
    return [
        partial(store.put, HOURLY),
        partial(store.replace, NIGHTLY, seen=HOURLY, now=LATER),
        partial(store.delete, HOURLY, LATER),
        partial(store.settle, HOURLY.key, 1),
        partial(store.recheck, HOURLY.key, LATER),
        partial(store.record_run, HOURLY.key, RUN),
        partial(store.record_error, HOURLY.key, ERROR),
    ]


def test_a_list_of_workflows_does_not_meet_triggers(dynamodb: "DynamoDBClient") -> None:
    DynamoTriggerStore(dynamodb, "WorkflowsTable").put(HOURLY)
    assert dynamodb.scan(TableName="WorkflowsTable", IndexName="by_tenant")["Items"] == []


def test_since_when_it_is_as_it_is_and_whose_runs_set_it_off_is_kept(trigger_store: TriggerStore) -> None:
    for heard in (None, frozenset[UUID](), frozenset({nth_id(1), nth_id(2)})):
        trigger = replace(ON_EVENT, trigger_id=nth_id(3 if heard is None else 4 + len(heard)), heard=heard)
        trigger_store.put(trigger)
        assert (stored(trigger_store, trigger).heard, stored(trigger_store, trigger).changed_at) == (heard, None)
        changed = trigger_store.replace(replace(trigger, heard=frozenset()), seen=trigger, now=LATER)
        assert changed
        kept = stored(trigger_store, trigger)
        assert (kept.heard, kept.changed_at, changed.changed_at) == (frozenset(), LATER, LATER)
