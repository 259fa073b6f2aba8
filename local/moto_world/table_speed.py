"""DynamoDB tables whose calls cost what they touch, not what the table holds; and a stream that does not grow for ever.

In moto a Query sorts all items of the table, TransactWriteItems copies whole tables with their streams, and stream
records are kept without end. Both calls work here on a view: the same table with only the items they can touch.
All of it relies on DynamoDB doing one call at a time (atomic_calls).
"""

import copy
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import StreamShard, Table

from local.moto_world.replacing import replaced

STREAM_RECORDS_KEPT = 1000


class TableView(Table):
    """Part of a table. What is written to it reaches the table by `commit`, or never."""

    @classmethod
    def of(cls, table: Any, partitions: Mapping[Any, Any]) -> "TableView":
        view: TableView = copy.copy(table)
        view.__class__ = cls
        view.items = defaultdict(dict, partitions)
        return view

    def __deepcopy__(self, memo: Any) -> "TableView":
        return self  # moto's copy to roll back to: a view is thrown away instead

    def collect_stream_records(self) -> None:
        """Let records of writes to this view wait for `commit`."""
        if self.stream_shard is not None:
            following = self.stream_shard.starting_sequence_number + len(self.stream_shard.items)
            self.stream_shard = copy.copy(self.stream_shard)
            self.stream_shard.items, self.stream_shard.starting_sequence_number = [], following

    def commit(self, table: Any) -> None:
        table.items.update(self.items)
        if self.stream_shard is not None:
            table.stream_shard.items.extend(self.stream_shard.items)


@contextmanager
def fast_tables() -> Iterator[None]:
    with (
        replaced(Table, "query", _query_view(Table.query)),
        replaced(DynamoDBBackend, "transact_write_items", _transact_on_views(DynamoDBBackend.transact_write_items)),
        replaced(StreamShard, "add", _trimming(StreamShard.add)),
        replaced(DynamoType, "cast_value", _string_first(vars(DynamoType)["cast_value"])),
    ):
        yield


def _string_first(cast_value: property) -> property:
    """Keys are compared and hashed by this at every turn, and nearly all are strings."""
    cast: Any = cast_value.fget
    return property(lambda self: self.value if self.type == "S" else cast(self))


def _query_view(query: Callable[..., Any]) -> Callable[..., Any]:
    def query_view(self: Any, hash_key: Any, *args: Any, hash_key_conditions: Any = None, **kwargs: Any) -> Any:
        index = args[6] if len(args) > 6 else kwargs.get("index_name")
        if index and hash_key_conditions and self.has_range_key:
            partitions = _matching(self, dict(hash_key_conditions))
        elif not index and hash_key in self.items:
            partitions = {hash_key: self.items[hash_key]}
        else:
            partitions = {} if not index else self.items
        view = TableView.of(self, partitions)
        return query(view, hash_key, *args, hash_key_conditions=hash_key_conditions, **kwargs)

    return query_view


def _matching(table: Any, wanted: Mapping[str, Any]) -> dict[Any, Any]:
    def matches(item: Any) -> bool:
        return all(name in item.attrs and item.attrs[name] == value for name, value in wanted.items())

    found = {}
    for key, partition in table.items.items():
        if kept := {range_key: item for range_key, item in partition.items() if matches(item)}:
            found[key] = kept
    return found


def _transact_on_views(transact: Callable[..., None]) -> Callable[..., None]:
    def transact_on_views(self: Any, transact_items: list[dict[str, Any]]) -> None:
        tables, operations = self.tables, [next(iter(item.values())) for item in transact_items]
        touched = {operation.get("TableName", "") for operation in operations}
        if not all(name in tables and tables[name].has_range_key for name in touched):
            transact(self, transact_items)  # moto's to refuse, or to do its own way
            return
        views = _views_of_touched(tables, operations)
        self.tables = tables | views
        try:
            transact(self, transact_items)
        finally:
            self.tables = tables
        for name, view in views.items():
            view.commit(tables[name])

    return transact_on_views


def _views_of_touched(tables: Mapping[str, Any], operations: list[dict[str, Any]]) -> dict[str, TableView]:
    views: dict[str, TableView] = {}
    for operation in operations:
        table = tables[operation["TableName"]]
        if table.name not in views:
            views[table.name] = TableView.of(table, {})
            views[table.name].collect_stream_records()
        _copy_touched(table, views[table.name], operation.get("Key") or operation.get("Item") or {})
    return views


def _copy_touched(table: Any, view: TableView, key: Mapping[str, Any]) -> None:
    """Give the view the partition of this key, with a copy of the item: moto updates items in place."""
    if table.hash_key_attr not in key or table.range_key_attr not in key:
        return
    hash_key, range_key = DynamoType(key[table.hash_key_attr]), DynamoType(key[table.range_key_attr])
    if hash_key not in view.items and hash_key in table.items:
        view.items[hash_key] = dict(table.items[hash_key])
    if hash_key in view.items and range_key in view.items[hash_key]:
        view.items[hash_key][range_key] = copy.deepcopy(view.items[hash_key][range_key])


def _trimming(add: Callable[..., None]) -> Callable[..., None]:
    def add_and_trim(self: Any, old: Any, new: Any) -> None:
        add(self, old, new)
        if len(self.items) >= 2 * STREAM_RECORDS_KEPT:
            self.items = self.items[STREAM_RECORDS_KEPT:]
            self.starting_sequence_number += STREAM_RECORDS_KEPT

    return add_and_trim
