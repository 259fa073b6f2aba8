"""What the runs table's stream says: images of items, before a write and after it."""

from stepcall.domain.run import RunStatus
from stepcall.domain.run_events import RunChange
from stepcall.stores.dynamo_items import PROVIDER_KEY, RUN_ITEM, Item, read_run


def read_change(before: Item | None, after: Item | None) -> RunChange | None:
    """None for what is no run (its tasks, claims, keys), and for a run that was deleted."""
    if not after or after["item"]["S"] != RUN_ITEM:
        return None
    # a caller's own key is nobody's business here, and Lambda spells bytes otherwise than DynamoDB does
    image = {name: value for name, value in after.items() if name != PROVIDER_KEY}
    return RunChange(read_run(image), RunStatus(before["status"]["S"]) if before else None)
