"""Where events that can start nothing are kept: SQS, and the bucket for what is too large for a message."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from stepcall.domain.errors import Problem
from stepcall.domain.ids import MalformedIdError, read_trigger_id, spell_trigger
from stepcall.domain.times import print_time
from stepcall.stores.payload_store import PayloadStore
from stepcall.use_cases.invalid_events import Reason

MAX_MESSAGE_BYTES = 256 * 1024
"""What every queue takes; SQS takes 1 MB today, and EventBridge's events may be as large."""
MAX_PROBLEMS_BYTES = 64 * 1024


class SqsClient(Protocol):
    """Of botocore's, what is called."""

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> Any: ...  # noqa: N803 - AWS's names


class SqsInvalidEvents:
    """See InvalidEvents. Raises what botocore raises."""

    def __init__(self, client: SqsClient, url: str, payloads: PayloadStore) -> None:
        self.client = client
        self._url = url
        self._payloads = payloads

    def keep(self, event: Mapping[str, Any], reason: Reason) -> None:
        told = _print_reason(reason) | _spell_trigger_of(event)
        text = _write({"event": event, "reason": told})
        if len(text) > MAX_MESSAGE_BYTES:
            text = _write({"event_key": self._keep_large(event), "reason": told})
        self.client.send_message(QueueUrl=self._url, MessageBody=text)

    def _keep_large(self, event: Mapping[str, Any]) -> str | None:
        """The key of an object in the data bucket, which holds the event as JSON text in a JSON string."""
        return self._payloads.put("invalid-event", _write(event)).key


def _print_reason(reason: Reason) -> dict[str, Any]:
    return {
        "code": reason.code,
        "message": reason.message,
        "problems": list(_first(reason.problems)),
        "at": print_time(reason.at),
    }


def _spell_trigger_of(event: Any) -> dict[str, str]:
    """Which trigger it was, as every answer spells it: what EventBridge sends has its bare UUID."""
    named = event.get("trigger") if isinstance(event, Mapping) else None
    trigger_id = named.get("trigger_id") if isinstance(named, Mapping) else None
    try:
        return {"trigger_id": spell_trigger(read_trigger_id(trigger_id))} if isinstance(trigger_id, str) else {}
    except MalformedIdError:  # what cannot be read is kept, too
        return {}


def _first(problems: Sequence[Problem]) -> Iterator[dict[str, str]]:
    """As many as leave room for an event."""
    length = 0
    for problem in problems:
        printed = problem.to_json()
        length += len(_write(printed))
        if length > MAX_PROBLEMS_BYTES:
            return
        yield printed


def _write(value: Any) -> str:
    """ASCII: SQS takes not all characters, and a byte is a character then."""
    return json.dumps(value, separators=(",", ":"))
