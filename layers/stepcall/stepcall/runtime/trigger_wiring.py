"""What triggers take, put together when somebody first asks for them: no face loads it with itself."""

from functools import cache
from typing import TYPE_CHECKING

from stepcall.aws.triggers import EventBridgeTriggers
from stepcall.runtime.trigger_settings import read_trigger_target
from stepcall.runtime.wiring import make_client, now

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_scheduler import EventBridgeSchedulerClient


@cache
def scheduler() -> "EventBridgeSchedulerClient":
    client: EventBridgeSchedulerClient = make_client("scheduler")
    return client


@cache
def events() -> "EventBridgeClient":
    client: EventBridgeClient = make_client("events")
    return client


@cache
def trigger_sources() -> EventBridgeTriggers:
    """Who makes schedules only makes no client for rules, and the other way round."""
    return EventBridgeTriggers(scheduler, events, read_trigger_target(), now)
