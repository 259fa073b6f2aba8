"""`make delete` finds the rules that triggers made, and no other, as CloudFormation does not know them."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.clock import Clock
from tests.trigger_world import AWS_EVENT, BUS, EVERY_KIND, OWN_EVENT, STACK, EventBridge
from tools.deployment.trigger_rules import DEFAULT_BUS, delete_rule, find_trigger_rules


@pytest.fixture
def eventbridge() -> Iterator[EventBridge]:
    with mock_aws():
        world = EventBridge()
        world.set_up()
        for trigger in EVERY_KIND:
            world.sources(Clock()).ensure(trigger)
        yield world
        world.tear_down()


def test_all_rules_of_triggers_go_and_those_of_others_stay(eventbridge: EventBridge) -> None:
    pattern = '{"source": ["x"]}'
    eventbridge.events.put_rule(Name=f"{STACK}-sweep", EventPattern=pattern)
    eventbridge.events.put_rule(Name=f"{STACK}-execute", EventBusName=BUS, EventPattern=pattern)
    found = find_trigger_rules(eventbridge.events, STACK, BUS)
    assert [bus for bus, _ in found] == [BUS, DEFAULT_BUS]
    for bus, rule in found * 2:  # the second time they are gone
        delete_rule(eventbridge.events, bus, rule)
    assert find_trigger_rules(eventbridge.events, STACK, BUS) == []
    left = [rule["Name"] for bus in (BUS, DEFAULT_BUS) for rule in eventbridge.rules(bus)]
    assert left == [f"{STACK}-execute", f"{STACK}-sweep"]


def test_a_deletion_that_has_taken_the_bus_already_can_be_repeated(eventbridge: EventBridge) -> None:
    assert [bus for bus, _ in find_trigger_rules(eventbridge.events, STACK, "no-such-bus")] == [DEFAULT_BUS]
    sources = eventbridge.sources(Clock())
    for trigger in (OWN_EVENT, AWS_EVENT):
        sources.remove(trigger.key)
    assert find_trigger_rules(eventbridge.events, STACK, "no-such-bus") == []
