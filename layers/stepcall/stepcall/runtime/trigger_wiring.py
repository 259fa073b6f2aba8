"""What triggers take, put together when somebody first asks for them: no face loads it with itself."""

from functools import cache
from typing import TYPE_CHECKING

from stepcall.aws.triggers import EventBridgeTriggers
from stepcall.runtime.client_wiring import dynamodb, make_client
from stepcall.runtime.settings import StoreSettings
from stepcall.runtime.trigger_settings import TriggerTargetSettings
from stepcall.runtime.wiring import face_dependencies, start_fields
from stepcall.stores.dynamo_trigger_store import DynamoTriggerStore
from stepcall.use_cases.trigger_dependencies import TriggerDependencies

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_scheduler import EventBridgeSchedulerClient


@cache
def triggers() -> DynamoTriggerStore:
    """For who changes triggers, for who tells EventBridge of them, and for what they set off."""
    return DynamoTriggerStore(dynamodb(), StoreSettings.from_env().workflows_table)


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
    return EventBridgeTriggers(scheduler, events, TriggerTargetSettings.from_env().target, start_fields()["now"])


@cache
def trigger_dependencies() -> TriggerDependencies:
    """For who makes and changes triggers."""
    face = face_dependencies()
    return TriggerDependencies(
        triggers=triggers(),
        sources=trigger_sources(),
        now=face.now,
        log=face.log,
        workflows=face.workflows,
        catalog=face.catalog,
        new_id=face.new_id,
    )
