"""Changes of runs that could not be told, and ends of tasks that machines wait for.

From the table's stream for a day, made again from the table after that.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from pydantic import BaseModel, Field

from stepcall.domain.run import RunStatus, TaskStatus
from stepcall.stores.dynamo_items import RUN_ITEM, TASK_TOKEN, read_time, write_time, write_values

GONE = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException", "ExpiredIteratorException"})
MARGIN = timedelta(minutes=1)
"""Runs' times are those of functions' clocks, a batch's those of DynamoDB's."""
MAX_PAGES = 1000
PAGE = 100
Item = dict[str, Any]
Record = dict[str, Any]


class NotKeptError(Exception):
    """The stream keeps not all of the records any more: it does for 24 hours."""


class StreamBatch(BaseModel):
    """Where in a stream the records are that a function never did."""

    stream: str = Field(alias="streamArn")
    shard: str = Field(alias="shardId")
    first: str = Field(alias="startSequenceNumber")
    last: str = Field(alias="endSequenceNumber")
    first_arrival: datetime = Field(alias="approximateArrivalOfFirstRecord")
    last_arrival: datetime = Field(alias="approximateArrivalOfLastRecord")
    size: int = Field(alias="batchSize")


class StreamRecords:
    """`streams` and `dynamodb` are boto3's clients. Raises what they raise. Records are as Lambda sends them.

    `with_answers`: whether the ends of tasks that machines wait for are among them, and of tasks done for each element.
    """

    def __init__(self, streams: Any, dynamodb: Any, table: str, *, with_answers: bool = False) -> None:
        self._streams = streams
        self._dynamodb = dynamodb
        self._table = table
        self._with_answers = with_answers

    def kept(self, batch: StreamBatch) -> Iterator[Record]:
        """Those of the batch. Raises NotKeptError."""
        try:
            for record in self._read(batch):
                if record["eventName"] != "REMOVE" and self._is_told(record["dynamodb"]["NewImage"]):
                    yield _as_lambda_sends(record)
        except ClientError as exc:
            if exc.response["Error"]["Code"] in GONE:
                raise NotKeptError from exc
            raise

    def rebuilt(self, batch: StreamBatch) -> Iterator[Record]:
        """What has begun or ended while the batch was written, as its records say it now.

        The batch names no run: so these are others', too, which are told a second time, under the ids of the first.
        """
        since, until = batch.first_arrival - MARGIN, batch.last_arrival + MARGIN
        for item in filter(self._is_told, self._changed(write_time(since), write_time(until))):
            yield from (_change(after, before) for after, before in _moves_of(item, since, until))

    def _is_told(self, item: Item) -> bool:
        return _is_run(item) or (self._with_answers and (TASK_TOKEN in item or "instances" in item))

    def _read(self, batch: StreamBatch) -> Iterator[Record]:
        """The batch to its last record. Raises NotKeptError."""
        place: str | None = self._streams.get_shard_iterator(
            StreamArn=batch.stream,
            ShardId=batch.shard,
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=batch.first,
        )["ShardIterator"]
        for _ in range(MAX_PAGES):
            if place is None:
                break
            page = self._streams.get_records(ShardIterator=place, Limit=PAGE)
            for record in page["Records"]:
                if int(record["dynamodb"]["SequenceNumber"]) > int(batch.last):
                    return
                yield record
                if record["dynamodb"]["SequenceNumber"] == batch.last:
                    return
            place = page.get("NextShardIterator")
        raise NotKeptError

    def _changed(self, since: str, until: str) -> Iterator[Item]:
        """A scan of the whole table: no index has these times."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="(#item = :run OR attribute_exists(#token) OR attribute_exists(instances)) AND "
            "(started_at BETWEEN :since AND :until OR completed_at BETWEEN :since AND :until)",
            ExpressionAttributeNames={"#item": "item", "#token": TASK_TOKEN},
            ExpressionAttributeValues=write_values({":run": RUN_ITEM, ":since": since, ":until": until}),
        )
        for page in pages:
            yield from page["Items"]


def _moves_of(item: Item, since: datetime, until: datetime) -> Iterator[tuple[Item, Item]]:
    """The item after and before each move that it made in that time, oldest first. Of a task only its end is told."""
    started_at, completed_at = _time(item, "started_at"), _time(item, "completed_at")
    if not _is_run(item):
        if completed_at and since <= completed_at <= until:
            yield item, _with_status(item, TaskStatus.RUNNING)
        return
    if started_at and since <= started_at <= until:
        begun = {name: value for name, value in item.items() if name not in {"completed_at", "error"}}
        yield _with_status(begun, RunStatus.RUNNING), _with_status(begun, RunStatus.PENDING)
    if completed_at and since <= completed_at <= until:
        yield item, _with_status(item, RunStatus.RUNNING if started_at else RunStatus.PENDING)


def _is_run(item: Item) -> bool:
    return bool(item["item"]["S"] == RUN_ITEM)


def _time(item: Item, name: str) -> datetime | None:
    return read_time(item.get(name, {}).get("S"))


def _with_status(item: Item, status: RunStatus | TaskStatus) -> Item:
    return {**item, "status": {"S": status.value}}


def _change(after: Item, before: Item) -> Record:
    keys = {name: after[name] for name in ("run_id", "item")}
    images = {"Keys": keys, "OldImage": before, "NewImage": after, "SequenceNumber": "0"}
    record: Record = _as_lambda_sends({"eventName": "MODIFY", "eventSource": "aws:dynamodb", "dynamodb": images})
    return record


def _as_lambda_sends(value: Any) -> Any:
    """Times in seconds, and bytes in base64."""
    if isinstance(value, Mapping):
        return {name: _as_lambda_sends(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_as_lambda_sends(part) for part in value]
    if isinstance(value, datetime):
        return value.timestamp()
    return b64encode(value).decode() if isinstance(value, bytes) else value
