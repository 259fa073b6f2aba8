"""What Lambda sends of the runs table's stream, to whoever follows what happens to runs."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from stepcall.stores.dynamo_run_changes import read_change, read_failed_each, read_settled
from stepcall.use_cases.publish_run_events import StreamedChange
from stepcall.use_cases.tell_machines import StreamedEnd, StreamedFailure

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

    def task_ends(self) -> Iterator[StreamedEnd]:
        """Of tasks whose machine waits for somebody's answer."""
        for record in self.records:
            if settled := read_settled(record.write.after):
                run_id, child = str(settled.run_id), settled.child_run_id
                yield StreamedEnd(record.write.place, settled.token, run_id, settled.status, child)

    def failures_of_each(self) -> Iterator[StreamedFailure]:
        """Of tasks that were done for each element."""
        for record in self.records:
            if failed := read_failed_each(record.write.after):
                yield StreamedFailure(record.write.place, *failed)


def failures_from(*places: str | None) -> dict[str, list[dict[str, str]]]:
    """The answer that lets the stream go on from the first of those records; None: after the last."""
    return {"batchItemFailures": [{"itemIdentifier": place} for place in places if place]}
