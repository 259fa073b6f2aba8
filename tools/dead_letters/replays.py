"""What a letter of each queue asks for, and how it is played again."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from pydantic import BaseModel, Field, ValidationError

from stepcall.domain.event_tenant import EXECUTE_WORKFLOW
from stepcall.domain.json_text import read_json, write_json
from tools.dead_letters.functions import Functions
from tools.dead_letters.queue import Letter
from tools.dead_letters.stream_records import NotKeptError, StreamBatch, StreamRecords

Told = Callable[[str], None]
MAX_WHY = 200
MAX_PROBLEMS = 5
"""Of one event, in a list of events."""


class NotReplayedError(Exception):
    """The letter stays where it is; the text says why."""


class Replay(Protocol):
    def describe(self, letter: Letter) -> str:
        """What failed, and why. Raises NotReplayedError for what is not understood."""

    def play(self, letter: Letter) -> str:
        """Do it again: what came of it. Raises NotReplayedError."""


class RequestContext(BaseModel):
    function: str = Field(alias="functionArn")
    condition: str

    @property
    def function_name(self) -> str:
        """`arn:aws:lambda:REGION:ACCOUNT:function:NAME:VERSION`"""
        parts = self.function.split(":")
        return parts[6] if len(parts) > 6 else self.function


class FailedInvocation(BaseModel):
    """Source: docs.aws.amazon.com/lambda, "Capturing records of Lambda asynchronous invocations"."""

    context: RequestContext = Field(alias="requestContext")
    payload: Any = Field(alias="requestPayload")
    answer: Any = Field(alias="responsePayload", default=None)


class FailedStreamBatch(BaseModel):
    """Source: docs.aws.amazon.com/lambda, "Retain discarded batches for a DynamoDB event source"."""

    context: RequestContext = Field(alias="requestContext")
    batch: StreamBatch = Field(alias="DDBStreamBatchInfo")


class ReplayInvocations:
    """Of FailedInvocations: the function is invoked with the event that it failed at, and waited for."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def describe(self, letter: Letter) -> str:
        failed = _read(FailedInvocation, letter)
        return f"{failed.context.function_name}: {failed.context.condition}, {_why(failed.answer)}"

    def play(self, letter: Letter) -> str:
        failed = _read(FailedInvocation, letter)
        _invoke(self._functions, failed.context.function_name, failed.payload)
        return "invoked again"


class ReplayChanges:
    """Of UnpublishedRunEvents and UnreturnedSlots: the function gets the changes that the message says the place of."""

    def __init__(self, functions: Functions, records: StreamRecords) -> None:
        self._functions = functions
        self._records = records

    def describe(self, letter: Letter) -> str:
        failed = _read(FailedStreamBatch, letter)
        batch = failed.batch
        return f"{failed.context.condition}, {batch.size} record(s) of {batch.first_arrival:%Y-%m-%d %H:%M:%S} UTC"

    def play(self, letter: Letter) -> str:
        failed = _read(FailedStreamBatch, letter)
        try:
            records, source = list(self._records.kept(failed.batch)), "the stream"
        except NotKeptError:
            records, source = list(self._records.rebuilt(failed.batch)), "the table, as the stream keeps it no more"
        if not records:
            raise NotReplayedError("nothing in the table began or ended at that time: it may have been deleted since")
        for record in records:  # each alone: in their order, and however large they are
            answer = _invoke(self._functions, failed.context.function_name, {"Records": [record]})
            if (answer or {}).get("batchItemFailures"):
                raise NotReplayedError("the function could not do it; its log says why")
        return f"{len(records)} change(s) played again from {source}"


class ExhaustedDelivery(BaseModel):
    """What statemachine/webhook_delivery.asl.json sends."""

    tenant: str
    workflow_id: str
    execution_id: str
    delivery_id: str


class ShowDeliveries:
    """Of ExhaustedDeliveries: sending again is for a key of the tenant, whose receiver it is."""

    def describe(self, letter: Letter) -> str:
        failed: ExhaustedDelivery = _read(ExhaustedDelivery, letter)
        return f"delivery {failed.delivery_id} of tenant {failed.tenant}"

    def play(self, letter: Letter) -> str:
        failed: ExhaustedDelivery = _read(ExhaustedDelivery, letter)
        execution = f"/workflows/{failed.workflow_id}/executions/{failed.execution_id}"
        raise NotReplayedError(f"POST {execution}/deliveries/{failed.delivery_id}/redeliver, then delete the message")


class NamedEvent(BaseModel):
    """Of what EventBridge sends, or a trigger's rule or schedule makes of it, what it is called."""

    id: str
    kind: str = Field(alias="detail-type")
    source: str


class UndeliveredEvent(BaseModel):
    """What EventBridge could not hand to `start_triggered_run`: with `trigger`, of a trigger."""

    trigger: dict[str, Any]
    event: NamedEvent


class ReplayEvents:
    """Of UndeliveredEvents: the function that starts runs is invoked with the event, and waited for."""

    def __init__(self, functions: Functions, find_starter: Callable[[], str]) -> None:
        self._functions = functions
        self._find_starter = find_starter

    def describe(self, letter: Letter) -> str:
        event = _event_in(letter)
        return f"{event.kind} of {event.source}, id {event.id}"

    def play(self, letter: Letter) -> str:
        _event_in(letter)
        _invoke(self._functions, self._find_starter(), read_json(letter.body))
        return "handed over"


def _event_in(letter: Letter) -> NamedEvent:
    """An event for the function. Raises NotReplayedError."""
    try:
        return UndeliveredEvent.model_validate_json(letter.body).event
    except ValidationError:
        event: NamedEvent = _read(NamedEvent, letter)
    if event.kind != EXECUTE_WORKFLOW:
        # what a rule would have made of it only EventBridge can say
        raise NotReplayedError(f"no {EXECUTE_WORKFLOW}: put it onto its bus again, then delete the message")
    return event


class InvalidReason(BaseModel):
    code: str
    message: str
    problems: list[dict[str, str]]


class InvalidEvent(BaseModel):
    """What stepcall/aws/invalid_event_queue.py keeps."""

    reason: InvalidReason
    event: dict[str, Any] | None = None
    event_key: str | None = None
    """In the data bucket, of an event that is too large for a message."""

    @property
    def name(self) -> str:
        if self.event is None:
            return f"{self.event_key} in the data bucket"
        return f"event {self.event.get('event', self.event).get('id')}"


class ShowInvalidEvents:
    """Of InvalidEvents: as they are they start nothing, however often they come."""

    def describe(self, letter: Letter) -> str:
        failed: InvalidEvent = _read(InvalidEvent, letter)
        problems = "".join(f"; {p.get('location')}: {p.get('message')}" for p in failed.reason.problems[:MAX_PROBLEMS])
        return f"{failed.name}: {failed.reason.code}, {failed.reason.message}{problems}"

    def play(self, letter: Letter) -> str:
        _read(InvalidEvent, letter)
        raise NotReplayedError("its sender puts a valid one onto the bus; then delete the message")


def _read(model: Any, letter: Letter) -> Any:
    try:
        return model.model_validate_json(letter.body)
    except ValidationError as exc:
        raise NotReplayedError(f"not understood: no {model.__name__}") from exc


def _why(answer: Any) -> str:
    """What the function raised. Its message is cut: it is for a line of a list."""
    said = answer if isinstance(answer, Mapping) else {}
    return f"{said.get('errorType', 'no error told')}: {said.get('errorMessage', '')}"[:MAX_WHY]


def _invoke(functions: Functions, name: str, payload: Any) -> Any:
    if name not in functions.names:
        raise NotReplayedError(f"{name} is no function of this stack")
    done = functions.invoke(name, write_json(payload))
    if done.failed:
        raise NotReplayedError(f"it failed again: {_why(done.answer)}")
    return done.answer
