"""`POST /_local/events`: events for the buses of the local stack, by curl and without an account.

It takes what PutEvents takes and answers as PutEvents does, with three differences for who plays by hand. An entry
without `EventBusName` goes to the deployment's bus, `Detail` may be an object, and on the bus `default` an entry may
have a source of AWS's services, `aws.…`, which PutEvents refuses: the event comes as the service's own would.

Source: docs.aws.amazon.com/eventbridge, PutEvents, PutEventsRequestEntry and PutEventsResultEntry.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local.moto_world.rule_events import put_on_default_bus, service_event
from local.template import REGION

DEFAULT_BUS = "default"
AWS_SOURCE = "aws."
FIELDS = ("EventBusName", "Source", "DetailType", "Detail", "Resources")
MAX_ENTRIES = 10
MAX_BODY_BYTES = 10 * 1024 * 1024
FORM = '{"Entries": [{"Source": "my.shop", "DetailType": "Order Placed", "Detail": {"id": 7}}]}'
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Entry = Mapping[str, Any]


class RefusedEventsError(Exception):
    """No such request: nothing was put anywhere."""

    def __init__(self, message: str, code: str = "ValidationException", status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = HTTPStatus(status)


class LocalEvents:
    """A WSGI application. `bus` is the name of the deployment's bus, None when it has none; `now` the stack's clock."""

    def __init__(self, bus: str | None, now: Callable[[], float]) -> None:
        self._bus = bus or DEFAULT_BUS
        self._now = now
        self._events = boto3.client("events", region_name=REGION)

    def __call__(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        try:
            status, document = HTTPStatus.OK, self._put_all(_read_entries(environ))
        except RefusedEventsError as exc:
            status, document = exc.status, {"code": exc.code, "message": str(exc)}
        except ClientError as exc:
            told = exc.response["Error"]
            status, document = HTTPStatus.BAD_REQUEST, {"code": told["Code"], "message": told["Message"]}
        body = json.dumps(document).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]

    def _put_all(self, entries: Iterable[Entry]) -> dict[str, Any]:
        put = [self._put(entry) for entry in entries]
        return {"FailedEntryCount": sum("ErrorCode" in result for result in put), "Entries": put}

    def _put(self, entry: Entry) -> Mapping[str, Any]:
        bus, detail = entry.get("EventBusName") or self._bus, entry.get("Detail", "")
        text = detail if isinstance(detail, str) else json.dumps(detail)
        if str(entry.get("Source", "")).startswith(AWS_SOURCE):
            return self._put_for_service(entry, bus, text)
        said: Any = {**entry, "EventBusName": bus, "Detail": text}
        [result] = self._events.put_events(Entries=[said])["Entries"]
        return {name: result[name] for name in ("EventId", "ErrorCode", "ErrorMessage") if name in result}

    def _put_for_service(self, entry: Entry, bus: str, text: str) -> Mapping[str, Any]:
        if bus != DEFAULT_BUS:
            reason = "Services of AWS send their events to the default bus only: write `EventBusName`: `default`."
            return _failed("NotAuthorizedForSourceException", f"Not authorized for the source. {reason}")
        if not entry.get("DetailType"):
            return _failed("InvalidArgument", "Parameter DetailType is not valid. Reason: it is a required argument.")
        try:
            detail = json.loads(text)
        except ValueError:
            return _failed("MalformedDetail", "Detail is malformed.")
        event = service_event(entry["Source"], entry["DetailType"], self._now(), "", detail)
        put_on_default_bus(event | {"resources": entry.get("Resources", [])})
        return {"EventId": event["id"]}


def _failed(code: str, message: str) -> Mapping[str, Any]:
    return {"ErrorCode": code, "ErrorMessage": message}


def _read_entries(environ: Mapping[str, Any]) -> list[Entry]:
    """Raises RefusedEventsError."""
    if environ["REQUEST_METHOD"] != "POST" or environ["PATH_INFO"]:
        raise RefusedEventsError("Events are put by `POST /_local/events`.", "MethodNotAllowed", 405)
    if (length := int(environ.get("CONTENT_LENGTH") or 0)) > MAX_BODY_BYTES:
        raise RefusedEventsError(f"A request has at most {MAX_BODY_BYTES} bytes.", "RequestEntityTooLarge", 413)
    try:
        document = json.loads(environ["wsgi.input"].read(length))
    except ValueError as exc:
        raise RefusedEventsError(f"The body must be JSON, as in {FORM}.", "SerializationException") from exc
    entries = document.get("Entries") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_ENTRIES:
        raise RefusedEventsError(f"`Entries` must be an array of 1 to {MAX_ENTRIES} entries, as in {FORM}.")
    for index, entry in enumerate(entries):
        _require_entry(index, entry)
    return entries


def _require_entry(index: int, entry: Any) -> None:
    """Raises RefusedEventsError."""
    if not isinstance(entry, dict) or not entry.keys() <= set(FIELDS):
        raise RefusedEventsError(f"`Entries/{index}` must be an object of {', '.join(FIELDS)}, as in {FORM}.")
    if not all(isinstance(entry.get(name, ""), str) for name in ("EventBusName", "Source", "DetailType")):
        raise RefusedEventsError(f"`EventBusName`, `Source` and `DetailType` of `Entries/{index}` must be text.")
    if not isinstance(entry.get("Detail", ""), str | dict):
        raise RefusedEventsError(f"`Detail` of `Entries/{index}` must be an object, or an object's JSON as text.")
    resources = entry.get("Resources", [])
    if not isinstance(resources, list) or not all(isinstance(each, str) for each in resources):
        raise RefusedEventsError(f"`Resources` of `Entries/{index}` must be an array of texts.")
