"""The routes of triggers."""

from functools import cache

from stepcall.domain.ids import MalformedIdError
from stepcall.domain.trigger import MAX_TRIGGERS, Bus, TriggerStatus, TriggerType
from stepcall.domain.trigger_errors import (
    TooManyTriggersError,
    TriggerIsChangingError,
    TriggerNotFoundError,
    TriggerQuotaError,
    TriggerRefusedError,
)
from stepcall.runtime.http import InvalidRequestError
from workflows_api.describe.answer_schemas import ANY_OBJECT, TEXT, WARNINGS, record, spelled, time
from workflows_api.describe.operations import LOCATION, NO_WORKFLOW, NOT_READ, WORKFLOW, link, operation
from workflows_api.describe.parts import (
    EXECUTION_ID,
    TRIGGER_ID,
    UUID,
    WORKFLOW_ID,
    Json,
    answer,
    body_of,
    path_parameter,
    ref,
)
from workflows_api.trigger_requests import ADDED_TO_TRIGGERS

TAG = "Triggers"
TRIGGER = path_parameter(
    "trigger_id", "The trigger: `tr-…`, or its UUID.", f"{TRIGGER_ID}|{UUID}", "tr-03h9x0v1mh2j8c5d7k4q6s8tz"
)
OF_TRIGGER = (*NO_WORKFLOW, MalformedIdError, TriggerNotFoundError)
NOT_TAKEN = (TriggerRefusedError, TriggerQuotaError, TriggerIsChangingError)
NEXT_TIMES = 5
ADDED = "Part of what is answered for a trigger; ignored in what is sent back."
EXPRESSION: Json = {**TEXT, "description": "`cron(…)`, `rate(…)` or `at(…)` of EventBridge Scheduler."}
TIMEZONE: Json = {**TEXT, "description": "A name of IANA's, such as `Europe/Berlin`; else `UTC`."}
PATTERN: Json = {**ANY_OBJECT, "description": "An event pattern of EventBridge."}
BUS: Json = {
    "type": "string",
    "enum": [bus.value for bus in Bus],
    "description": "Where its events come: the account's default bus, or the deployment's own. Left out, it is the "
    "default one for a pattern that takes events of AWS's services alone.",
}
ANY_TYPE: Json = {
    "type": "string",
    "enum": [kind.value for kind in TriggerType],
    "description": "What sets it off, which stays.",
}
INPUT: Json = {**ANY_OBJECT, "description": "The workflow's input; `{{event.…}}` names what has set the trigger off."}
ENABLED: Json = {"type": "boolean", "description": "Whether it starts anything. Disabled it is kept."}
NEW_EXAMPLES: Json = {
    "nightly": {
        "summary": "Every night at three, in Berlin",
        "value": {"type": "schedule", "expression": "cron(0 3 * * ? *)", "timezone": "Europe/Berlin", "input": {}},
    },
    "uploads": {
        "summary": "Whenever a file comes into a bucket that tells EventBridge so",
        "value": {
            "type": "event",
            "pattern": {"source": ["aws.s3"], "detail-type": ["Object Created"]},
            "input": {"key": "{{event.detail.object.key}}"},
        },
    },
}
UPDATE_EXAMPLES: Json = {
    "pause": {"summary": "Start nothing for a while", "value": {"enabled": False}},
    "move": {"summary": "An hour later", "value": {"expression": "cron(0 4 * * ? *)"}},
}


def _body(name: str, examples: Json) -> Json:
    return {"required": True, "content": body_of(ref(name), examples=examples)}


IDS = {"workflow_id": "workflow_id", "trigger_id": "trigger_id"}
TRIGGER_PATHS: Json = {
    "/workflows/{workflow_id}/triggers": {
        "post": operation(
            "createTrigger",
            f"Have a workflow started by the clock, or by events; {MAX_TRIGGERS} of a workflow at most",
            {
                "201": answer(
                    "Made. `pending` until EventBridge has taken it.", ref("AnyTrigger"), {"Location": LOCATION}
                )
                | {"links": {"read": link("getTrigger", **IDS), "delete": link("deleteTrigger", **IDS)}}
            },
            [InvalidRequestError, *NOT_READ, *NO_WORKFLOW, *NOT_TAKEN, TooManyTriggersError],
            tag=TAG,
            parameters=[WORKFLOW],
            body=_body("NewTrigger", NEW_EXAMPLES),
        ),
        "get": operation(
            "listTriggers",
            "The triggers of a workflow, oldest first",
            {"200": answer("All of them.", ref("TriggerList"))},
            NO_WORKFLOW,
            tag=TAG,
            parameters=[WORKFLOW],
        ),
    },
    "/workflows/{workflow_id}/triggers/{trigger_id}": {
        "get": operation(
            "getTrigger",
            "A trigger: when it comes next, what it has started last, and why it has not",
            {"200": answer("The trigger.", ref("AnyTrigger"))},
            OF_TRIGGER,
            tag=TAG,
            parameters=[WORKFLOW, TRIGGER],
        ),
        "patch": operation(
            "updateTrigger",
            "Change when a trigger comes, by which events, with what input, and whether; its type and bus stay",
            {"200": answer("The trigger as it is now.", ref("AnyTrigger"))},
            [InvalidRequestError, *NOT_READ, *OF_TRIGGER, *NOT_TAKEN],
            tag=TAG,
            parameters=[WORKFLOW, TRIGGER],
            body=_body("TriggerUpdate", UPDATE_EXAMPLES),
        ),
        "delete": operation(
            "deleteTrigger",
            "Take a trigger away; what it has started goes on",
            {"204": answer("Deleted.")},
            [*OF_TRIGGER, TriggerIsChangingError],
            tag=TAG,
            parameters=[WORKFLOW, TRIGGER],
        ),
    },
}


@cache
def trigger_schemas() -> Json:
    kinds = {TriggerType.SCHEDULE: "ScheduleTrigger", TriggerType.EVENT: "EventTrigger"}
    return {
        **_requests(),
        "ScheduleTrigger": record("Starts a workflow by the clock.", *_shown(TriggerType.SCHEDULE, _schedule())),
        "EventTrigger": record(
            "Starts a workflow by events.", *_shown(TriggerType.EVENT, {"pattern": PATTERN, "bus": BUS})
        ),
        "AnyTrigger": {"oneOf": [ref(name) for name in kinds.values()], "description": "What `type` says."},
        "TriggerList": record(
            "The triggers of a workflow.",
            {"triggers": {"type": "array", "items": ref("AnyTrigger"), "maxItems": MAX_TRIGGERS}},
        ),
    }


def _requests() -> Json:
    both = {"input": _or_null(INPUT), "enabled": _or_null(ENABLED)}
    schedule, event = _of_type(TriggerType.SCHEDULE), _of_type(TriggerType.EVENT)
    return {
        "NewTrigger": {"oneOf": [ref("NewScheduleTrigger"), ref("NewEventTrigger")]},
        "NewScheduleTrigger": _closed(
            "By the clock.", {**schedule, "expression": EXPRESSION}, {"timezone": _or_null(TIMEZONE), **both}
        ),
        "NewEventTrigger": _closed("By events.", {**event, "pattern": PATTERN}, {"bus": _or_null(BUS), **both}),
        "TriggerUpdate": _closed(
            "What is left out, or null, stays as it is.",
            {},
            {
                "expression": _or_null(EXPRESSION),
                "timezone": _or_null(TIMEZONE),
                "pattern": _or_null(PATTERN),
                **both,
                **{name: _or_null(schema) for name, schema in {"type": ANY_TYPE, "bus": BUS}.items()},
                **{name: {"description": ADDED} for name in sorted(ADDED_TO_TRIGGERS)},
            },
        ),
    }


def _closed(description: str, required: Json, optional: Json) -> Json:
    return {**record(description, required, optional), "additionalProperties": False}


def _or_null(schema: Json) -> Json:
    described = {"description": schema["description"]}
    return {"anyOf": [{k: v for k, v in schema.items() if k != "description"}, {"type": "null"}], **described}


def _of_type(kind: TriggerType) -> Json:
    return {"type": {"type": "string", "const": kind.value, "description": "What sets it off."}}


def _schedule() -> Json:
    times = {"type": "array", "items": time("A time."), "maxItems": NEXT_TIMES}
    return {
        "expression": EXPRESSION,
        "timezone": TIMEZONE,
        "next_times": {**times, "description": "When it comes next, in UTC; empty when disabled, or never again."},
        "next_local_times": {**times, "description": "The same by the clocks of its time zone."},
    }


def _shown(kind: TriggerType, source: Json) -> tuple[Json, Json]:
    """What is always said of a trigger, and what may be left out."""
    run = record(
        "The run that it has started last.",
        {"execution_id": spelled(EXECUTION_ID, "Its id."), "at": time("When it was started.")},
    )
    error = record(
        "Why it has started nothing, the last time that it has not.",
        {"at": time("When that was."), "code": {**TEXT, "description": "For programs."}, "message": TEXT},
    )
    return {
        "trigger_id": spelled(TRIGGER_ID, "The trigger's id."),
        "workflow_id": spelled(WORKFLOW_ID, "What it starts."),
        **_of_type(kind),
        **source,
        "input": INPUT,
        "enabled": ENABLED,
        "status": {
            "type": "string",
            "enum": [status.value for status in TriggerStatus],
            "description": "`pending` until EventBridge has what was asked for: within two minutes of its being there.",
        },
        "created_at": time("When it was made."),
        "last_run": _or_null(run),
        "last_error": _or_null(error),
    }, {
        "warnings": WARNINGS
        | {"description": "Why it would start nothing now, as the workflow takes other inputs; what never fires."}
    }
