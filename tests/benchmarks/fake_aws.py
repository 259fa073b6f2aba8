"""AWS clients that answer at once from a dict and count their calls: what is measured is our own work."""

from collections import Counter, defaultdict
from typing import Any

Item = dict[str, Any]
KEYS = {"workflows": ("pk", "sk"), "runs": ("run_id", "item")}


class FakeDynamoDb:
    """As much of the client as the stores use to define, execute and read. Conditions are not looked at."""

    def __init__(self, calls: Counter[str]) -> None:
        self._calls = calls
        self._partitions: dict[tuple[str, str], dict[str, Item]] = defaultdict(dict)
        self._tats: dict[str, int] = {}

    def put_item(self, *, TableName: str, Item: Item, **_: Any) -> Item:  # noqa: N803 (the client's own names)
        self._calls["PutItem"] += 1
        self._put(TableName, Item)
        return {}

    def transact_write_items(self, *, TransactItems: list[Any]) -> Item:  # noqa: N803
        self._calls["TransactWriteItems"] += 1
        for item in TransactItems:
            self._put(item["Put"]["TableName"], item["Put"]["Item"])
        return {}

    def update_item(self, *, Key: Item, ExpressionAttributeValues: Item, **_: Any) -> Item:  # noqa: N803
        """A start counted in its bucket: `tat` set, or added to. Or a slot taken: there is always one."""
        self._calls["UpdateItem"] += 1
        if "bucket" not in Key:
            return {}
        bucket = Key["bucket"]["S"]
        values = {name: int(value["N"]) for name, value in ExpressionAttributeValues.items()}
        self._tats[bucket] = values[":tat"] if ":tat" in values else self._tats[bucket] + values[":interval"]
        return {"Attributes": {"tat": {"N": str(self._tats[bucket])}}}

    def get_item(self, *, TableName: str, Key: Item, **_: Any) -> Item:  # noqa: N803
        self._calls["GetItem"] += 1
        partition, sort = _key(TableName, Key)
        found = self._partitions[partition].get(sort)
        return {"Item": found} if found else {}

    def query(self, *, TableName: str, ExpressionAttributeValues: Item, **_: Any) -> Item:  # noqa: N803
        """A partition in the order of its sort key, or its last item when that begins with `:version`."""
        self._calls["Query"] += 1
        values = ExpressionAttributeValues
        items = self._partitions[TableName, (values.get(":pk") or values[":run_id"])["S"]]
        keys = sorted(key for key in items if key.startswith(values.get(":version", {"S": ""})["S"]))
        return {"Items": [items[key] for key in (keys[-1:] if ":version" in values else keys)]}

    def _put(self, table: str, item: Item) -> None:
        partition, sort = _key(table, item)
        self._partitions[partition][sort] = item


class FakeStepFunctions:
    """Every machine is there already."""

    def __init__(self, calls: Counter[str]) -> None:
        self._calls = calls

    def start_execution(self, **_: Any) -> Item:
        self._calls["StartExecution"] += 1
        return {}


def _key(table: str, item: Item) -> tuple[tuple[str, str], str]:
    """The item's partition, and its place there."""
    partition, sort = KEYS[table]
    return (table, item[partition]["S"]), item[sort]["S"]
