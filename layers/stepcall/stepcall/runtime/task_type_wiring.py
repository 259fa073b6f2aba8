"""Where tenants' own task types are. Loaded when first asked for: most definitions name none."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepcall.stores.task_type_store import TaskTypeStore


@cache
def task_types() -> "TaskTypeStore":
    from stepcall.runtime.client_wiring import dynamodb  # noqa: PLC0415
    from stepcall.runtime.settings import StoreSettings  # noqa: PLC0415 - as said above, as are the next
    from stepcall.stores.dynamo_task_type_store import DynamoTaskTypeStore  # noqa: PLC0415

    return DynamoTaskTypeStore(dynamodb(), StoreSettings.from_env().workflows_table)
