"""What triggers take, put together when somebody first asks for them: no face loads it with itself."""

from functools import cache

from stepcall.runtime.settings import StoreSettings
from stepcall.runtime.wiring import dynamodb
from stepcall.stores.dynamo_trigger_store import DynamoTriggerStore


@cache
def triggers() -> DynamoTriggerStore:
    """For who changes triggers, for who tells EventBridge of them, and for what they set off."""
    return DynamoTriggerStore(dynamodb(), StoreSettings.from_env().workflows_table)
