"""Puts an event onto the bus for every change of a run, and tells webhooks, from the runs table's stream."""

from collections.abc import Iterator
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field

from stepcall.runtime.delivery_wiring import fan_out_dependencies
from stepcall.runtime.observability import log_fact, logs_invocation
from stepcall.runtime.wiring import event_bus, metrics
from stepcall.stores.dynamo_run_changes import read_change
from stepcall.use_cases.publish_run_events import StreamedChange, publish_run_events
from stepcall.use_cases.tell_webhooks import tell_webhooks

MARGIN_MS = 25_000  # for one event's webhooks, and a call that AWS leaves without an answer
Image = dict[str, dict[str, Any]]


class Write(BaseModel):
    """What the stream keeps of a write to an item."""

    model_config = ConfigDict(frozen=True)

    place: str = Field(alias="SequenceNumber")
    before: Image | None = Field(alias="OldImage", default=None)
    after: Image | None = Field(alias="NewImage", default=None)


class StreamRecord(BaseModel):
    model_config = ConfigDict(frozen=True)

    write: Write = Field(alias="dynamodb")


class StreamBatch(BaseModel):
    """What Lambda sends: records of one shard, in order."""

    model_config = ConfigDict(frozen=True)

    records: list[StreamRecord] = Field(alias="Records")

    def changes(self) -> Iterator[StreamedChange]:
        for record in self.records:
            if change := read_change(record.write.before, record.write.after):
                yield StreamedChange(record.write.place, change)


@logs_invocation
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """Which record the stream has to go on from, if not after the last.

    One that cannot be read fails its batch before anything of it is told: Lambda halves the batch until it is alone.
    """
    changes = list(StreamBatch.model_validate(event).changes())
    place = publish_run_events(
        changes,
        event_bus(),
        lambda events: tell_webhooks(
            events, fan_out_dependencies(), lambda: context.get_remaining_time_in_millis() > MARGIN_MS
        ),
        log_fact,
        metrics(),
    )
    return {"batchItemFailures": [{"itemIdentifier": place}] if place else []}
