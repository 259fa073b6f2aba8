"""Events of a run reach one receiver in their order, and none is lost, wherever something comes between or dies."""

from collections.abc import Callable, Iterator

import pytest

from stepcall.domain.delivery import DeliveryStatus
from stepcall.domain.run import RunStatus
from tests.unit.delivery_world import NO, OK, WEBHOOK, CrashError, DeliveryWorld, event

START, END = event(), event(RunStatus.COMPLETED)
DELIVERED = [DeliveryStatus.DELIVERED] * 2
IDS = [str(START.event_id), str(END.event_id)]
Act = Callable[[DeliveryWorld], object]


def begun() -> DeliveryWorld:
    """The start is put, and its execution has begun."""
    world = DeliveryWorld()
    world.webhooks.put(WEBHOOK)
    world.tell(START)
    world.points = 0
    return world


def tell_end(world: DeliveryWorld) -> object:
    return world.tell(END)


def attempt_start(world: DeliveryWorld) -> object:
    [started] = [each for each in world.all_executions.started.values() if each.sequence == 1]
    return world.attempt(started)


ACTS: list[tuple[Act, Act]] = [(tell_end, attempt_start), (attempt_start, tell_end)]


def points_of(act: Act) -> int:
    world = begun()
    act(world)
    return world.points


def each_point() -> Iterator[tuple[Act, Act, int]]:
    for act, other in ACTS:
        assert points_of(act) >= 6
        yield from ((act, other, point) for point in range(1, points_of(act) + 1))


def assert_all_arrive_in_order(world: DeliveryWorld) -> None:
    world.play()
    assert [delivery.status for delivery in world.all()] == DELIVERED
    told = [headers["webhook-id"] for _, headers, _ in world.posted]
    assert sorted(set(told), key=told.index) == IDS
    assert told == sorted(told, key=IDS.index)


@pytest.mark.parametrize(("act", "other", "point"), list(each_point()))
def test_the_other_may_come_between_any_two_calls(act: Act, other: Act, point: int) -> None:
    world = begun()
    world.cuts[point] = lambda: void(other(world))
    act(world)
    assert world.cuts == {}
    assert_all_arrive_in_order(world)


@pytest.mark.parametrize(("act", "other", "point"), list(each_point()))
def test_who_dies_before_or_after_any_call_and_is_repeated_loses_nothing(act: Act, other: Act, point: int) -> None:
    world = begun()
    world.cuts[point] = die
    with pytest.raises(CrashError):
        act(world)
    other(world)
    act(world)  # the stream, or the state machine, asks again
    assert_all_arrive_in_order(world)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_while_an_attempt_is_repeated_what_comes_behind_it_waits(number: int) -> None:
    world = begun()
    for _ in range(number):
        world.tell(END)
    assert {each.sequence for each in world.all_executions.started.values()} == {1}


def test_what_was_given_up_lets_those_behind_it_go() -> None:
    world = begun()
    world.answers = [NO, NO, NO, OK]
    world.tell(END)
    world.play()
    assert [delivery.status for delivery in world.all()] == [DeliveryStatus.FAILED, DeliveryStatus.DELIVERED]


def test_a_start_that_the_stream_tells_after_its_end_is_delivered_all_the_same() -> None:
    world = DeliveryWorld()
    world.webhooks.put(WEBHOOK)
    world.tell(END)
    world.play()
    world.tell(START)
    world.play()
    assert [delivery.status for delivery in world.all()] == DELIVERED


def void(_: object) -> None:
    """What a cut comes to is nobody's."""


def die() -> None:
    raise CrashError
