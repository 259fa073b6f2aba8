"""What a run of 3 light tasks asks of DynamoDB, seen at botocore's events in a local stack of this process, as JSON."""

import json
import time
from collections import Counter
from typing import Any, cast

import boto3

from local.stack import LocalStack
from local.template import REGION
from tests.benchmarks.http_client import client_of
from tests.benchmarks.light_workflows import light_workflow
from tests.benchmarks.write_units import Index, Item, index_units, table_units

WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})
IMAGES = "items_before"


class Meter:
    """Counts requests, and the units of those that write. moto's own ConsumedCapacity is the same for every write."""

    def __init__(self) -> None:
        self._tables = boto3.client("dynamodb", region_name=REGION)
        self._descriptions: dict[str, tuple[tuple[str, ...], list[Index]]] = {}
        self.requests: Counter[str] = Counter()
        self.units: Counter[str] = Counter()

    def before(self, **call: Any) -> None:
        name: str = call["model"].name
        self.requests[name] += 1
        if name in WRITES:
            targets = self._targets(call["params"])
            call["context"][IMAGES] = [(table, key, self._read(table, key)) for table, key in targets]

    def after(self, **call: Any) -> None:
        in_transaction = call["model"].name == "TransactWriteItems"
        for table, key, before in call["context"].get(IMAGES, ()):
            now, (_, indexes) = self._read(table, key), self._describe(table)
            self.units["table"] += table_units(before, now, transaction=in_transaction)
            self.units["indexes"] += sum(index_units(index, before, now) for index in indexes)

    def _targets(self, params: dict[str, Any]) -> list[tuple[str, Item]]:
        writes = [write for item in params.get("TransactItems", ()) for write in item.values()] or [params]
        return [(write["TableName"], write.get("Key") or self._key_of(write)) for write in writes]

    def _key_of(self, write: dict[str, Any]) -> Item:
        keys, _ = self._describe(write["TableName"])
        return {key: write["Item"][key] for key in keys}

    def _read(self, table: str, key: Item) -> Item:
        answer: Any = self._tables.get_item(TableName=table, Key=key, ConsistentRead=True)
        return cast("Item", answer.get("Item", {}))

    def _describe(self, table: str) -> tuple[tuple[str, ...], list[Index]]:
        if table not in self._descriptions:
            described = self._tables.describe_table(TableName=table)["Table"]
            keys = tuple(key["AttributeName"] for key in described["KeySchema"])
            indexes = described.get("GlobalSecondaryIndexes", [])
            self._descriptions[table] = keys, [Index.of(index, keys) for index in indexes]
        return self._descriptions[table]


def main() -> None:
    with LocalStack(port=0) as stack, client_of(stack.url) as client:
        from stepcall.runtime import client_wiring  # noqa: PLC0415 (can be imported while the stack runs)

        meter = Meter()
        client_wiring.session().register("provide-client-params.dynamodb", meter.before)
        client_wiring.session().register("after-call.dynamodb", meter.after)
        workflow_id = client.send("POST", "/workflows", light_workflow(3))["workflow_id"]
        client.end_of(client.execute(workflow_id)[1], 0.05)  # fills the caches
        time.sleep(2)  # its slot is given back after its end, and would be counted with the next run's writes
        meter.requests.clear()
        meter.units.clear()
        _, path = client.execute(workflow_id)
        time.sleep(2)  # until it has ended; asking would be counted
        requests, units = dict(meter.requests), dict(meter.units)
        client.end_of(path, 0.05)
    writes = {name: number for name, number in requests.items() if name in WRITES}
    print(json.dumps({"writes": writes, "all_requests": requests, "units": units}))


if __name__ == "__main__":
    main()
