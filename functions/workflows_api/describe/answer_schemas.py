"""Schemas of what the native face answers: `answers.py` prints it, and every test over HTTP compares the two."""

from stepcall.domain.errors import ErrorReason
from stepcall.domain.generation import DOCUMENT_WORDS, TASK_WORDS, Generation
from stepcall.domain.resume_plan import Resume
from stepcall.domain.run import RunStatus, TaskStatus
from stepcall.domain.run_mode import RunMode
from stepcall.domain.times import RANGE_WORDS
from stepcall.guarded_http.webhook_urls import MAX_WEBHOOK_URL_LENGTH
from stepcall.runtime.job_shape import JOB_STATES
from workflows_api.answers import EXECUTION_ID_KEYS
from workflows_api.describe.parts import EXECUTION_ID, EXECUTION_IDS, JOB_ID, TRIGGER_ID, WORKFLOW_ID, Json, ref

TEXT: Json = {"type": "string"}
VERSION: Json = {"type": "integer", "minimum": 1, "description": "The number of the workflow's version."}
OBJECTS: Json = {"type": "array", "items": {"type": "object", "additionalProperties": True}}
ANY_OBJECT: Json = {"type": "object", "additionalProperties": True}
INPUT_DESCRIPTION = "The value of every input: as it was given, else its default, else null."
OUTPUT_DESCRIPTION = "The outputs of the workflow by name; there when the execution is COMPLETED."


def spelled(pattern: str, description: str) -> Json:
    return {"type": "string", "pattern": f"^{pattern}$", "description": description}


def time(description: str) -> Json:
    return {"type": "string", "format": "date-time", "description": description}


def one_of(values: type[ErrorReason | Resume | RunStatus | TaskStatus], description: str) -> Json:
    return {"type": "string", "enum": [value.value for value in values], "description": description}


def record(description: str, required: Json, optional: Json | None = None) -> Json:
    """An object with these fields."""
    return {
        "type": "object",
        "description": description,
        "properties": {**required, **(optional or {})},
        "required": list(required),
    }


def page_of(name: str, item: Json) -> Json:
    token = {"type": "string", "description": "Send it as `next_token` for what follows; left out on the last page."}
    return record("A page of a list.", {name: {"type": "array", "items": item}}, {"next_token": token})


WORKFLOW_IDS: Json = {"workflow_id": spelled(WORKFLOW_ID, "The workflow."), "workflow_version": VERSION}
TIMES: Json = {"started_at": time("When the first task began."), "completed_at": time("When it ended.")}
RANGE_FROM, RANGE_TO = RANGE_WORDS
MODE_AND_RANGE: Json = {
    "run_mode": {
        "type": "string",
        "enum": [mode.value for mode in RunMode if mode is not RunMode.FULL],
        "description": "How much of its workflow it runs; left out when that is all.",
    },
    RANGE_FROM: time("From when the time is that it is about, if it is about one."),
    RANGE_TO: time("The end of that time, which is no part of it."),
}
ATTEMPT: Json = {
    "run_attempt": {
        "type": "integer",
        "minimum": 2,
        "description": "Which attempt it is, one more each time that it is resumed; left out of the first.",
    },
    "resumed_at": time("When this attempt was asked for."),
    "cancelled_from": {
        "type": "string",
        "enum": [RunStatus.PENDING.value, RunStatus.RUNNING.value],
        "description": "What it was when it was cancelled.",
    },
}
WORKFLOW_TIMES: Json = {
    "created_at": time("When the workflow was made."),
    "updated_at": time("When this version was made."),
}
LISTED_WORKFLOW = record(
    "A workflow in a list.",
    {
        **WORKFLOW_IDS,
        "name": TEXT,
        **WORKFLOW_TIMES,
        "api_access": {"type": "boolean", "description": "Whether it can be called as a procedure."},
    },
    {
        "description": TEXT,
        "type": {"type": "string", "description": "What its executions are, if its definition says it."},
        "config_id": {"type": "string", "description": "Its other name, if it has one."},
    },
)
LISTED_VERSION = record(
    "A version in a list.", {"workflow_version": VERSION, "created_at": time("When this version was made.")}
)
PROBLEM = record(
    "RFC 9457. Programs go by `type`, and by the `code` of each of the `errors`.",
    {
        "type": {"type": "string", "format": "uri", "description": "Which problem it is: `urn:stepcall:problem:…`."},
        "title": {"type": "string", "description": "The same in words."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What is wrong here, and what to do."},
        "instance": {"type": "string", "format": "uri", "description": "The id of the request, for reports."},
    },
    {"errors": {"type": "array", "minItems": 1, "items": ref("DocumentProblem")}},
)
DOCUMENT_PROBLEM = record(
    "One thing wrong with what was sent.",
    {
        "location": {
            "type": "string",
            "pattern": r"^(/[\s\S]*)?$",
            "description": "Where: a JSON Pointer into what was sent.",
        },
        "code": {"type": "string", "pattern": "^[a-z_]+$", "description": "Which rule it breaks. Codes do not change."},
        "message": {"type": "string", "description": "What to change, in words that may change."},
    },
    {"expected": TEXT, "got": TEXT},
)
ERROR_RESULT = record(
    "Why an execution or a task failed.",
    {
        "reason": one_of(ErrorReason, "One of BigQuery's error reasons."),
        "location": {"type": "string", "description": "`query` for the call, `output` for the outputs, else a task."},
        "message": TEXT,
    },
)


STARTED_BY: Json = {
    "started_by": {
        "type": "string",
        "description": "The name of the key that started it; `trigger:tr-…` for a trigger, `event-bus` for an event, "
        "`execution:ex-…` for a task of that execution.",
    }
}


def parent_of(generation: Generation) -> Json:
    """Of an execution."""
    execution = spelled(EXECUTION_IDS[generation].pattern, "The execution.")
    fields = {EXECUTION_ID_KEYS[generation]: execution, "workflow_id": WORKFLOW_IDS["workflow_id"], "task": TEXT}
    return record("The task of another execution that has started this one, if one has.", fields)


def started_fields(generation: Generation) -> Json:
    """What every answer that names an execution says of it."""
    pattern = EXECUTION_IDS[generation].pattern
    return {
        **WORKFLOW_IDS,
        EXECUTION_ID_KEYS[generation]: spelled(pattern, "The execution."),
        "externalId": spelled(JOB_ID, "The same execution as a job: `GET /jobs/{externalId}`."),
        "status": ref("ExecutionStatus"),
    }


WEBHOOK_URL: Json = {
    "type": ["string", "null"],
    "format": "uri",
    "maxLength": MAX_WEBHOOK_URL_LENGTH,
    "description": "Called once the execution has ended, by POST, signed with the `webhook_secret` of the answer.",
}
SECRET = spelled("whsec_[A-Za-z0-9+/]{43}=", "What calls are signed with, as receivers' libraries take it.")
OF_START = {"webhook_secret": SECRET | {"description": "Of the `webhook_url`. The answer to the start alone has it."}}


def started(generation: Generation) -> Json:
    return record("An execution that has been started.", started_fields(generation), OF_START)


def execution(generation: Generation, prefix: str = "", given: Json = ANY_OBJECT, result: Json = ANY_OBJECT) -> Json:
    """`prefix` begins the name of the schema of its tasks; `given` and `result` are the schemas of input and output."""
    words = DOCUMENT_WORDS[generation]
    return record(
        "An execution with its tasks. An input or output over 256 KB is told by its address, good for 15 minutes.",
        {
            **started_fields(generation),
            "created_at": time("When it was asked for."),
            **STARTED_BY,
            "tasks": {"type": "array", "items": ref(f"{prefix}TaskRun")},
        },
        {
            **TIMES,
            "trigger_id": spelled(TRIGGER_ID, "The trigger that started it, if one did."),
            **MODE_AND_RANGE,
            **ATTEMPT,
            "parent": parent_of(generation),
            **shown(words["input"], given, INPUT_DESCRIPTION),
            **shown(words["output"], result, OUTPUT_DESCRIPTION),
            "error": ref("ErrorResult"),
            **OF_START,
            "plan": plan(generation),
        },
    )


def plan(generation: Generation) -> Json:
    planned = record(
        "What a resumed execution does about a task.",
        {
            TASK_WORDS[generation]["ref"]: {"type": "string", "description": "The task."},
            "resume": one_of(Resume, "Whether what it has given counts, or it does its work again."),
            "reason": {"type": "string", "description": "Why, for a person."},
        },
    )
    description = "In the answer to a resume: each task that the run mode takes, in order."
    return {"type": "array", "items": planned, "description": description}


def shown(name: str, schema: Json, description: str) -> Json:
    """A value, or its address when it is large, or word that it is kept no more: one of the three."""
    address = {"type": "string", "format": "uri", "description": f"Where to fetch the `{name}` as JSON."}
    gone = {"const": True, "type": "boolean", "description": f"The `{name}` is kept no more."}
    value = schema if "$ref" in schema else schema | {"description": description}
    return {name: value, f"{name}_url": address, f"{name}_expired": gone}


def listed_execution() -> Json:
    """Lists are the same in both generations."""
    fields = started_fields(Generation.FIRST)
    del fields["workflow_id"]
    return record(
        "An execution in a list.", {**fields, "created_at": time("When it was asked for."), **STARTED_BY}, TIMES
    )


JOB = record(
    "An execution in the job shape.",
    {
        "externalId": spelled(JOB_ID, "The job."),
        "accountId": {"type": "string", "description": "The tenant."},
        "userId": {"type": "string", "description": "The name of the key that started it."},
        "createdAt": time("When it was asked for."),
        "metadata": record(
            "The same execution elsewhere.", {**WORKFLOW_IDS, "execution_id": spelled(EXECUTION_ID, "The execution.")}
        ),
        "status": record(
            "How far the job is.",
            {"state": {"type": "string", "enum": list(dict.fromkeys(JOB_STATES.values()))}},
            {"errorResult": ref("ErrorResult")},
        ),
    },
)
STATE_MACHINE: Json = {
    "type": "object",
    "description": "A state machine in Amazon States Language.",
    "required": ["StartAt", "States"],
}
COUNT: Json = {"type": "integer", "minimum": 0}
LIMITS = record(
    "What a run uses of what Step Functions limits, and what it costs.",
    {
        "transitions": COUNT | {"description": "State transitions of a run that goes well."},
        "history_events": COUNT | {"description": "Events of the longest run that can be."},
        "definition_bytes": COUNT | {"description": "Size of the state machine."},
        "usd_per_million_runs": {"type": "number", "minimum": 0, "description": "In us-east-1, without free tiers."},
        "critical_path": COUNT | {"description": "How many tasks run one after the other, at most."},
        "ideal_critical_path": COUNT | {"description": "How many have to, by what they use and depend on."},
    },
    {
        "transitions_per_element": COUNT
        | {"description": "Of one element more of each task with `for_each`, where there are any."},
        "usd_per_million_elements": {"type": "number", "minimum": 0, "description": "Likewise."},
    },
)
WARNINGS: Json = {
    "type": "array",
    "items": ref("DocumentProblem"),
    "description": "What is allowed and probably not meant.",
}
VALIDATION = record(
    "A dry run: all that is wrong with a definition, or the machine it becomes.",
    {
        "valid": {"type": "boolean"},
        "errors": {"type": "array", "items": ref("DocumentProblem")},
        "warnings": WARNINGS,
    },
    {"limits": LIMITS, "definition": ref("StateMachine")},
)
JSON_SCHEMA: Json = {"type": "object", "description": "JSON Schema.", "additionalProperties": True}
HEALTH = record("The service answers.", {"status": {"type": "string", "const": "ok"}})
GATEWAY_MESSAGE = record("API Gateway's own words, when a request did not reach Stepcall.", {"message": TEXT})
# what the documents of the whole API and of one workflow share
SHARED_SCHEMAS: Json = {
    "ExecutionStatus": one_of(RunStatus, "How far the execution is."),
    "TaskStatus": one_of(TaskStatus, "How far the task is."),
    "ListedExecution": listed_execution(),
    "ExecutionPage": page_of("executions", ref("ListedExecution")),
    "Problem": PROBLEM,
    "DocumentProblem": DOCUMENT_PROBLEM,
    "ErrorResult": ERROR_RESULT,
    "Job": JOB,
    "GatewayMessage": GATEWAY_MESSAGE,
}
