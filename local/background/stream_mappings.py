"""Event source mappings on the stream of a table: batches in order, retried until they succeed or are given up.

Source: docs.aws.amazon.com/lambda, "Process DynamoDB records with Lambda" and "Retaining discarded records".
"""

import json
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

from local.background.agenda import Agenda
from local.background.async_invocations import SendToQueue
from local.background.calls import Call
from local.background.stream_records import Record, find_first_failure, read_record
from local.event_times import spell_time
from local.lambda_runtime import Invocation

POLL_SECONDS = 0.25  # Lambda asks a stream four times a second; so the changes of a short run come in one batch
SHARDS = 4  # an on-demand table begins with four partitions
FIRST_RETRY_SECONDS = 0.5  # AWS backs off, and does not say how
LONGEST_RETRY_SECONDS = 60.0
LOG = logging.getLogger(__name__)


class Filter(Protocol):
    def matches_event(self, event: Any) -> bool: ...


class StreamMapping(NamedTuple):
    """AWS::Lambda::EventSourceMapping. `retries` and `max_age_seconds` None: without end. `on_failure`: a queue."""

    function: str
    stream: str
    table: str
    partition_key: str
    batch_size: int = 100
    window_seconds: float = 0
    at_once_per_shard: int = 1
    shard: str = "shardId-00000000000000000000-local"
    """Where whoever reads the stream finds the records: moto keeps all of a table in one shard."""
    filters: tuple[Filter, ...] = ()
    retries: int | None = None
    max_age_seconds: float | None = None
    bisects: bool = False
    reports_items: bool = False
    on_failure: str | None = None


class Batch(NamedTuple):
    """`failures` count against the mapping's retries; `invocations` do not."""

    records: Sequence[Record]
    failures: int = 0
    invocations: int = 0


class StreamDelivery:
    """One mapping. `add` is called by one thread at a time, all else by the agenda."""

    def __init__(self, mapping: StreamMapping, agenda: Agenda, call: Call, send_to_queue: SendToQueue) -> None:
        self._mapping = mapping
        self._agenda = agenda
        self._written: deque[Mapping[str, Any]] = deque()
        self._poll_is_due = False
        lanes = SHARDS * mapping.at_once_per_shard
        self._shards = [Shard(mapping, agenda, call, send_to_queue) for _ in range(lanes)]

    def add(self, stored: Mapping[str, Any]) -> None:
        """A record as GetRecords gives it; in the order of the writes."""
        self._written.append(stored)
        if not self._poll_is_due:
            self._poll_is_due = True
            self._agenda.after(POLL_SECONDS, self._poll)

    def _poll(self) -> None:
        self._poll_is_due = False  # first: what is written from here on may be missed below
        try:
            while self._written:
                self._sort_in(self._written.popleft())
        finally:
            if self._written:  # one that cannot be read must not hold back those behind it
                self._agenda.soon(self._poll)

    def _sort_in(self, stored: Mapping[str, Any]) -> None:
        record = read_record(stored, self._mapping.partition_key, self._mapping.stream)
        filters = self._mapping.filters
        if not filters or any(pattern.matches_event(record.body) for pattern in filters):
            self._shards[record.partition % len(self._shards)].add(record)


class Shard:
    """Has one batch in work at a time; what comes later waits until that is done or given up."""

    def __init__(self, mapping: StreamMapping, agenda: Agenda, call: Call, send_to_queue: SendToQueue) -> None:
        self._mapping = mapping
        self._agenda = agenda
        self._call = call
        self._send_to_queue = send_to_queue
        self._records: deque[Record] = deque()
        self._batches: deque[Batch] = deque()
        self._at_work = False

    def add(self, record: Record) -> None:
        self._records.append(record)
        if self._at_work:
            return
        if len(self._records) >= self._mapping.batch_size or not self._mapping.window_seconds:
            self._agenda.soon(self._begin)
        elif len(self._records) == 1:
            self._agenda.after(self._mapping.window_seconds, self._begin)

    def _begin(self) -> None:
        if not self._at_work and self._records:
            taken = [self._records.popleft() for _ in range(min(len(self._records), self._mapping.batch_size))]
            self._batches.append(Batch(taken))
            self._at_work = True
            self._invoke()

    def _invoke(self) -> None:
        records = [record.body for record in self._batches[0].records]
        self._call(self._mapping.function, json.dumps({"Records": records}), self._end_invocation)

    def _end_invocation(self, done: Invocation) -> None:
        batch = self._batches.popleft()
        sequences = [record.sequence for record in batch.records]
        first = find_first_failure(sequences, done, reports_items=self._mapping.reports_items)
        if first is None:
            self._go_on()
            return
        LOG.warning("%s failed at records of %s: %s", self._mapping.function, self._mapping.table, done.payload)
        left = Batch(batch.records[first:], batch.failures, batch.invocations + 1)
        if self._mapping.bisects and (first > 0 or (done.failed and len(left.records) > 1)):
            self._divide(left, at_failure=first > 0)
        else:
            self._retry(left._replace(failures=left.failures + 1), done)

    def _divide(self, left: Batch, *, at_failure: bool) -> None:
        """What goes before the failure is done already; otherwise halves. That is not counted as a retry."""
        middle = len(left.records) // 2
        parts = [left.records] if at_failure else [left.records[:middle], left.records[middle:]]
        self._batches.extendleft(left._replace(records=part) for part in reversed(parts))
        self._invoke()

    def _retry(self, batch: Batch, done: Invocation) -> None:
        mapping, age = self._mapping, self._agenda.now() - batch.records[0].arrived
        if mapping.retries is not None and batch.failures > mapping.retries:
            self._give_up(batch, done, "RetryAttemptsExhausted")
        elif mapping.max_age_seconds is not None and age > mapping.max_age_seconds:
            self._give_up(batch, done, "RecordAgeExceeded")
        else:
            self._batches.appendleft(batch)
            delay = FIRST_RETRY_SECONDS * 2 ** min(batch.failures - 1, 10)
            self._agenda.after(min(delay, LONGEST_RETRY_SECONDS), self._invoke)

    def _give_up(self, batch: Batch, done: Invocation, condition: str) -> None:
        LOG.error("%s never did %d records: %s.", self._mapping.function, len(batch.records), condition)
        if self._mapping.on_failure is not None:
            record = json.dumps(self._failure_record(batch, done, condition))
            # a job of its own: what goes wrong with the queue must not hold up the shard
            self._agenda.soon(partial(self._send_to_queue, self._mapping.on_failure, record))
        self._go_on()

    def _go_on(self) -> None:
        if self._batches:
            self._invoke()
        else:
            self._at_work = False
            self._begin()

    def _failure_record(self, batch: Batch, done: Invocation, condition: str) -> dict[str, Any]:
        """Without the records themselves, as on AWS: they are read from the stream by their numbers."""
        first, last = batch.records[0], batch.records[-1]
        answered = {"statusCode": 200, "executedVersion": "$LATEST"}
        return {
            "requestContext": {
                "requestId": str(uuid4()),
                "functionArn": self._mapping.function,
                "condition": condition,
                "approximateInvokeCount": batch.invocations,
            },
            "responseContext": answered | ({"functionError": "Unhandled"} if done.failed else {}),
            "version": "1.0",
            "timestamp": spell_time(self._agenda.now()),
            "DDBStreamBatchInfo": {
                "shardId": self._mapping.shard,
                "startSequenceNumber": first.sequence,
                "endSequenceNumber": last.sequence,
                "approximateArrivalOfFirstRecord": spell_time(first.arrived),
                "approximateArrivalOfLastRecord": spell_time(last.arrived),
                "batchSize": len(batch.records),
                "streamArn": self._mapping.stream,
            },
        }
