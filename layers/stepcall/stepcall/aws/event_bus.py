"""The bus that tells of runs: EventBridge."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from stepcall.aws.outages import is_outage
from stepcall.domain.json_text import write_json
from stepcall.domain.run_events import SOURCE, RunEvent
from stepcall.use_cases.event_bus import NotTaken

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_events.type_defs import PutEventsRequestEntryTypeDef

PUT_LIMIT = 10
"""Entries of one PutEvents, which may have 256 KB together: one of ours has 13 KB at most."""


class EventBridgeBus:
    """See EventBus. `bus` is its name. Raises what botocore raises, unless it is an outage: that passes."""

    def __init__(self, client: "EventBridgeClient", bus: str) -> None:
        self._client = client
        self._bus = bus

    def put(self, events: Sequence[RunEvent]) -> NotTaken | None:
        for start in range(0, len(events), PUT_LIMIT):
            if refusal := self._put_few(events[start : start + PUT_LIMIT]):
                return NotTaken(start + refusal.position, refusal.code)
        return None

    def _put_few(self, events: Sequence[RunEvent]) -> NotTaken | None:
        try:
            answer = self._client.put_events(Entries=[self._entry_of(event) for event in events])
        except (ClientError, BotoCoreError) as exc:
            if not is_outage(exc):
                raise
            return NotTaken(0, _code_of(exc))
        codes = [entry.get("ErrorCode") for entry in answer["Entries"]]
        return next((NotTaken(position, code) for position, code in enumerate(codes) if code), None)

    def _entry_of(self, event: RunEvent) -> "PutEventsRequestEntryTypeDef":
        return {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": event.type.value,
            "Time": event.time,
            "Detail": write_json(event.to_json()),
        }


def _code_of(outage: Exception) -> str:
    return outage.response["Error"]["Code"] if isinstance(outage, ClientError) else type(outage).__name__
