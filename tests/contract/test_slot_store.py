"""What every slot store does."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from stepcall.stores.dynamo_slot_store import DynamoSlotStore
from stepcall.stores.slot_store import Place, Slots, SlotStore, SlotsUnavailableError, Taking
from tests.contract.conftest import in_parallel, nth_id

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

FIRST, SECOND, THIRD = (Place(nth_id(number)) for number in (1, 2, 3))
MANY = 200
TAKEN, HELD, REFUSED = Taking.TAKEN, Taking.HELD, Taking.REFUSED


def take(store: SlotStore, place: Place, *, limit: int = 2, tenant: str = "acme", in_turn: bool = False) -> Taking:
    return store.take(tenant, place, limit=limit, in_turn=in_turn)


def test_as_many_hold_slots_as_there_are_and_each_one(slot_store: SlotStore) -> None:
    assert [take(slot_store, place) for place in (FIRST, FIRST, SECOND, THIRD, FIRST)] == [
        *(TAKEN, HELD, TAKEN, REFUSED, HELD)
    ]
    assert slot_store.read("acme") == Slots(frozenset({FIRST, SECOND}))


def test_a_slot_that_was_given_back_is_free_and_giving_back_again_frees_no_other(slot_store: SlotStore) -> None:
    assert take(slot_store, FIRST) is TAKEN
    assert take(slot_store, SECOND) is TAKEN
    assert slot_store.give_back("acme", [FIRST, THIRD]) == Slots(frozenset({SECOND}))
    assert take(slot_store, THIRD) is TAKEN
    assert slot_store.give_back("acme", [FIRST]) == Slots(frozenset({SECOND, THIRD}))
    assert slot_store.give_back("acme", [SECOND, THIRD]) == slot_store.read("acme") == Slots()


def test_giving_back_what_nobody_has_ever_taken_is_fine(slot_store: SlotStore) -> None:
    assert slot_store.give_back("acme", [FIRST]) == Slots()
    assert take(slot_store, FIRST) is TAKEN


def test_an_attempt_has_a_slot_of_its_own_and_late_news_of_an_earlier_one_does_not_free_it(
    slot_store: SlotStore,
) -> None:
    resumed = Place(FIRST.run_id, 300)
    assert take(slot_store, FIRST) is TAKEN
    assert take(slot_store, resumed) is TAKEN
    assert slot_store.give_back("acme", [FIRST]).holders == {resumed}
    slot_store.put_waiting("acme", resumed)
    assert slot_store.list_waiting("acme", limit=5) == (resumed,)


def test_who_holds_a_slot_keeps_it_under_a_lower_limit(slot_store: SlotStore) -> None:
    assert [take(slot_store, place, limit=3) for place in (FIRST, SECOND)] == [TAKEN] * 2
    assert [take(slot_store, place, limit=1) for place in (FIRST, THIRD)] == [HELD, REFUSED]


def test_while_somebody_waits_only_who_is_in_turn_or_has_one_takes_a_slot(slot_store: SlotStore) -> None:
    assert take(slot_store, FIRST) is TAKEN
    assert slot_store.mark("acme", THIRD) == Slots(frozenset({FIRST}), str(THIRD))
    assert [take(slot_store, FIRST), take(slot_store, SECOND)] == [HELD, REFUSED]
    assert [take(slot_store, SECOND, in_turn=True) for _ in range(2)] == [TAKEN, HELD]
    assert slot_store.read("acme") == Slots(frozenset({FIRST, SECOND}), str(THIRD))


def test_the_mark_goes_only_while_it_is_the_one_that_was_seen(slot_store: SlotStore) -> None:
    slot_store.mark("acme", FIRST)
    slot_store.mark("acme", SECOND)
    slot_store.unmark("acme", str(FIRST))
    assert slot_store.read("acme").mark == str(SECOND)
    slot_store.unmark("acme", str(SECOND))
    slot_store.unmark("acme", str(SECOND))
    assert slot_store.read("acme") == Slots()


def test_who_waits_is_listed_in_the_order_of_acceptance_once_and_leaves_once(slot_store: SlotStore) -> None:
    for place in (THIRD, FIRST, SECOND, FIRST):
        slot_store.put_waiting("acme", place)
    assert slot_store.list_waiting("acme", limit=2) == (FIRST, SECOND)
    assert slot_store.list_waiting("acme", limit=2, after=SECOND) == (THIRD,)
    assert [slot_store.remove_waiting("acme", FIRST) for _ in range(2)] == [True, False]
    assert slot_store.list_waiting("acme", limit=9) == (SECOND, THIRD)


def test_tenants_have_slots_and_lines_of_their_own(slot_store: SlotStore) -> None:
    assert take(slot_store, FIRST, limit=1) is TAKEN
    slot_store.mark("acme", SECOND)
    slot_store.put_waiting("acme", SECOND)
    assert take(slot_store, THIRD, limit=1, tenant="other") is TAKEN
    assert slot_store.read("other") == Slots(frozenset({THIRD}))
    assert slot_store.list_waiting("other", limit=9) == ()
    assert slot_store.remove_waiting("other", SECOND) is False


def test_of_many_at_once_as_many_hold_slots_as_there_are(slot_store: SlotStore) -> None:
    taken: Counter[Taking] = Counter()

    def one(number: int) -> Callable[[], None]:
        return lambda: taken.update([take(slot_store, Place(nth_id(number)), limit=50)])

    assert set(in_parallel([one(number) for number in range(MANY)])) == {None}
    assert taken == {TAKEN: 50, REFUSED: MANY - 50}
    assert len(slot_store.read("acme").holders) == 50


# --- DynamoDB alone


def test_a_full_tenants_item_stays_in_its_nine_kilobytes(dynamodb: "DynamoDBClient") -> None:
    store = DynamoSlotStore(dynamodb, "RunsTable")
    for number in range(500):
        assert take(store, Place(nth_id(number)), limit=500) is TAKEN
    [item] = dynamodb.scan(TableName="RunsTable")["Items"]
    assert (len(item["slots"]["BS"]), sum(map(len, item["slots"]["BS"]))) == (500, 8000)
    assert item.keys() == {"run_id", "item", "owner", "slots"}, "no index holds it"


class Failing:
    """A client every call of which fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def fail(**_: Any) -> None:
            raise self._error

        return fail


def refusal(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Any")  # type: ignore[typeddict-item]


CALLS: dict[str, Callable[[SlotStore], object]] = {
    "take": lambda store: take(store, FIRST),
    "give_back": lambda store: store.give_back("acme", [FIRST]),
    "read": lambda store: store.read("acme"),
    "put_waiting": lambda store: store.put_waiting("acme", FIRST),
    "mark": lambda store: store.mark("acme", FIRST),
    "unmark": lambda store: store.unmark("acme", "seen"),
    "list_waiting": lambda store: store.list_waiting("acme", limit=1),
    "remove_waiting": lambda store: store.remove_waiting("acme", FIRST),
}
PASSING = [
    refusal("ProvisionedThroughputExceededException", 400),
    refusal("InternalServerError", 500),
    EndpointConnectionError(endpoint_url="https://dynamodb"),
]


@pytest.mark.parametrize("error", PASSING, ids=["throttled", "failed", "out of reach"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_passes_is_told_from_what_does_not(call: Callable[[SlotStore], object], error: Exception) -> None:
    with pytest.raises(SlotsUnavailableError):
        call(DynamoSlotStore(Failing(error), "RunsTable"))  # type: ignore[arg-type]
    with pytest.raises(ClientError):
        call(DynamoSlotStore(Failing(refusal("AccessDeniedException", 400)), "RunsTable"))  # type: ignore[arg-type]
