"""What every store of deliveries does: each is put once, and each change is on the condition of the one before."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from stepcall.domain.delivery import Attempt, Delivery, DeliveryStatus, new_delivery
from stepcall.domain.run import RunStatus
from stepcall.stores.delivery_store import (
    DeliveryNotFoundError,
    DeliveryPage,
    DeliveryPlace,
    DeliveryStore,
    life_of_delivery,
)
from stepcall.stores.dynamo_delivery_store import DynamoDeliveryStore
from tests.contract.conftest import RETENTION
from tests.unit.delivery_world import CREATED, RUN, WEBHOOK, event

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

START = new_delivery(event(), WEBHOOK, WEBHOOK.url)
END = new_delivery(event(RunStatus.COMPLETED), WEBHOOK, WEBHOOK.url)
OWN = new_delivery(event(RunStatus.COMPLETED), None, "https://example.com/back")
ATTEMPT = Attempt(round=1, number=1, at=CREATED, duration_ms=12, status_code=500, error="The receiver answered 500.")


def get(store: DeliveryStore, delivery: Delivery) -> Delivery:
    return store.get(delivery.run_id, delivery.target, delivery.sequence)


@pytest.mark.parametrize("delivery", [START, END, OWN])
def test_what_is_put_is_read_as_it_was(delivery_store: DeliveryStore, delivery: Delivery) -> None:
    assert delivery_store.put(delivery)
    assert get(delivery_store, delivery) == delivery


def test_a_delivery_is_put_once_and_what_became_of_it_stays(delivery_store: DeliveryStore) -> None:
    delivery_store.put(START)
    delivered = START.after(ATTEMPT, DeliveryStatus.DELIVERED)
    assert delivery_store.replace(delivered, seen=START)
    assert not delivery_store.put(START)
    assert get(delivery_store, START) == delivered


def test_every_field_of_a_change_is_kept(delivery_store: DeliveryStore) -> None:
    delivery_store.put(OWN)
    unanswered = replace(ATTEMPT, number=2, status_code=None, error="The host did not answer in time. “ü”")
    first = OWN.after(ATTEMPT, DeliveryStatus.PENDING, CREATED + timedelta(seconds=5))
    second = first.to("https://example.com/other").after(unanswered, DeliveryStatus.PENDING)
    third = second.given_up().in_another_round(CREATED + timedelta(days=4))
    for seen, changed in ((OWN, first), (first, second), (second, third)):
        assert delivery_store.replace(changed, seen=seen)
        assert get(delivery_store, OWN) == changed


def test_a_change_of_what_has_changed_meanwhile_is_not_made(delivery_store: DeliveryStore) -> None:
    delivery_store.put(START)
    delivered, failed = START.after(ATTEMPT, DeliveryStatus.DELIVERED), START.given_up()
    assert delivery_store.replace(delivered, seen=START)
    assert not delivery_store.replace(failed, seen=START)
    assert get(delivery_store, START) == delivered


def test_a_change_whose_answer_was_lost_is_made_when_it_is_made_again(delivery_store: DeliveryStore) -> None:
    delivery_store.put(START)
    delivered = START.after(ATTEMPT, DeliveryStatus.DELIVERED)
    assert delivery_store.replace(delivered, seen=START)
    assert delivery_store.replace(delivered, seen=START)


def test_what_is_not_there_is_neither_read_nor_changed(delivery_store: DeliveryStore) -> None:
    with pytest.raises(DeliveryNotFoundError):
        get(delivery_store, START)
    assert not delivery_store.replace(START.given_up(), seen=START)
    with pytest.raises(DeliveryNotFoundError):
        delivery_store.find_by_id(RUN.run_id, START.delivery_id)
    assert delivery_store.find_first_open(RUN.run_id, START.target) is None
    assert delivery_store.list_by_run(RUN.run_id, limit=10) == DeliveryPage([], None)


def test_lists_are_of_one_run_and_by_receiver_in_the_order_of_events(delivery_store: DeliveryStore) -> None:
    other = new_delivery(event(run=replace(RUN, run_id=UUID(int=7))), WEBHOOK, WEBHOOK.url)
    later = [replace(END, sequence=sequence) for sequence in (10, 9)]
    for delivery in (*later, END, OWN, START, other):
        delivery_store.put(delivery)
    whole = [START, END, later[1], later[0], OWN]
    assert delivery_store.list_by_run(RUN.run_id, limit=5) == DeliveryPage(whole, None)
    after: DeliveryPlace | None = None
    for expected in (whole[:2], whole[2:4], whole[4:]):
        page = delivery_store.list_by_run(RUN.run_id, limit=2, after=after)
        assert list(page.deliveries) == expected
        after = page.next_place
    assert after is None
    assert delivery_store.list_by_target(RUN.run_id, START.target) == [START, END, later[1], later[0]]
    assert delivery_store.list_by_target(RUN.run_id, "call") == [OWN]


def test_the_first_open_one_is_of_its_run_and_receiver_and_of_the_lowest_sequence(
    delivery_store: DeliveryStore,
) -> None:
    other = new_delivery(event(run=replace(RUN, run_id=UUID(int=7))), WEBHOOK, WEBHOOK.url)
    later = [replace(END, sequence=sequence) for sequence in (10, 9)]
    for delivery in (*later, OWN, END, other):
        delivery_store.put(delivery)
    for first in (END, later[1], later[0]):
        assert delivery_store.find_first_open(RUN.run_id, START.target) == first
        delivery_store.replace(first.given_up(), seen=first)
    assert delivery_store.find_first_open(RUN.run_id, START.target) is None
    delivery_store.replace(END.given_up().in_another_round(CREATED), seen=END.given_up())
    found = delivery_store.find_first_open(RUN.run_id, START.target)
    assert found
    assert (found.sequence, found.round) == (END.sequence, 2)


def test_one_is_found_by_its_id_in_its_own_run_alone(delivery_store: DeliveryStore) -> None:
    for delivery in (START, END, OWN):
        delivery_store.put(delivery)
    assert delivery_store.find_by_id(RUN.run_id, OWN.delivery_id) == OWN
    with pytest.raises(DeliveryNotFoundError):
        delivery_store.find_by_id(UUID(int=7), OWN.delivery_id)


def test_of_many_at_once_one_puts_it_and_one_changes_it(delivery_store: DeliveryStore) -> None:
    changes = [START.after(replace(ATTEMPT, duration_ms=ms), DeliveryStatus.DELIVERED) for ms in range(16)]
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(delivery_store.put, [START] * 16)).count(True) == 1
        made = list(pool.map(lambda change: delivery_store.replace(change, seen=START), changes))
    assert made.count(True) == 1
    assert get(delivery_store, START) == changes[made.index(True)]


def test_an_item_is_in_no_index_and_goes_with_its_run(dynamodb: "DynamoDBClient") -> None:
    DynamoDeliveryStore(dynamodb, "RunsTable", RETENTION).put(START)
    [item] = scan(dynamodb)
    assert item.keys() & {"tenant", "workflow_key", "open"} == set()
    assert item["run_id"]["S"] == f"DELIVERIES#{RUN.run_id}"
    assert int(item["expires_at"]["N"]) == int((START.created_at + RETENTION).timestamp())


def scan(client: "DynamoDBClient") -> list[Any]:
    return list(client.scan(TableName="RunsTable")["Items"])


def test_a_delivery_outlives_its_attempts_however_short_runs_are_kept() -> None:
    assert life_of_delivery(timedelta(days=1)) == timedelta(days=7)
    assert life_of_delivery(RETENTION) == RETENTION
