"""Stream records given on as they are written. moto invokes a mapping's function inside the write, record by record.

Of a transaction they are given on when it is done: one that is cancelled has changed nothing. All of it relies on
DynamoDB doing one call at a time (atomic_calls).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import StreamShard

from local.moto_world.replacing import replaced
from local.template import REGION

Take = Callable[[Mapping[str, Any]], None]
"""Told the record as GetRecords gives it, in the order of the writes, and must not wait for anything."""


@contextmanager
def stream_records_go_to(takers: Mapping[str, Iterable[Take]]) -> Iterator[None]:
    """`takers` of the records of each table, by its name."""
    for table in takers:
        dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].get_table(table).lambda_event_source_mappings.clear()
    records = RecordsOfCall(takers)
    with (
        replaced(StreamShard, "add", records.add_by(StreamShard.add)),
        replaced(DynamoDBBackend, "transact_write_items", records.together(DynamoDBBackend.transact_write_items)),
    ):
        yield


class RecordsOfCall:
    """What the transaction that is being done has written so far; None outside of one."""

    def __init__(self, takers: Mapping[str, Iterable[Take]]) -> None:
        self._takers = takers
        self._held: list[tuple[str, Mapping[str, Any]]] | None = None

    def add_by(self, add: Callable[..., None]) -> Callable[..., None]:
        def add_and_tell(shard: Any, old: Any, new: Any) -> None:
            add(shard, old, new)
            if shard.table.name in self._takers:
                self._take(shard.table.name, shard.items[-1].to_json())

        return add_and_tell

    def together(self, transact: Callable[..., None]) -> Callable[..., None]:
        def transact_and_tell(backend: Any, transact_items: list[dict[str, Any]]) -> None:
            held = self._held = []
            try:
                transact(backend, transact_items)
            finally:
                self._held = None
            for table, record in held:
                self._take(table, record)

        return transact_and_tell

    def _take(self, table: str, record: Mapping[str, Any]) -> None:
        if self._held is not None:
            self._held.append((table, record))
            return
        for take in self._takers[table]:
            take(record)
