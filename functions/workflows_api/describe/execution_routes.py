"""The routes that start, follow, cancel and resume executions."""

from collections.abc import Mapping

from stepcall.asl.graph import EmptyRunModeError
from stepcall.domain.access import NotGrantedError
from stepcall.domain.errors import InvalidParametersError
from stepcall.domain.generation import Generation
from stepcall.domain.idempotency import IdempotencyKeyReusedError
from stepcall.domain.ids import MalformedIdError
from stepcall.domain.rate_limit import RateLimitedError
from stepcall.domain.webhook_errors import WebhookRefusedError, WebhookSecretsUnavailableError
from stepcall.runtime.http import InvalidRequestError
from stepcall.runtime.idempotency import MAX_KEY, PLAIN_KEY
from stepcall.stores.run_store import RunHasEndedError, RunNotFoundError, StartedOnceError
from stepcall.stores.workflow_store import VersionNotFoundError, WorkflowNotFoundError
from stepcall.use_cases.dependencies import ProviderKeysUnavailableError
from stepcall.use_cases.engine import EngineUnavailableError
from stepcall.use_cases.resume_errors import ResumeRefusedError
from workflows_api.answers import EXECUTION_ID_KEYS
from workflows_api.describe import examples
from workflows_api.describe.operations import (
    ANY_RUN_ID,
    LIMIT_HEADERS,
    LIST_DESCRIPTIONS,
    LOCATION,
    NO_WORKFLOW,
    NOT_READ,
    WORKFLOW,
    link,
    operation,
)
from workflows_api.describe.parts import (
    EXECUTION_IDS,
    PREFIXES,
    Json,
    answer,
    body_of,
    header,
    header_parameter,
    path_parameter,
    query_parameters,
    ref,
)
from workflows_api.requests import PROVIDER_KEY, ListQuery
from workflows_api.resume import ResumeRequest

JOB = path_parameter("external_id", "The job, or the execution in any spelling.", ANY_RUN_ID, f"job_{0:028}")
LIST = query_parameters(ListQuery, {"status": "Only those of this status.", **LIST_DESCRIPTIONS})
PREFER = header_parameter(
    "Prefer",
    "`wait=N` waits for the end, for N seconds at most, 25 if N is more (RFC 7240). What makes no sense is ignored.",
    {"type": "string", "examples": ["wait=10"]},
)
OWN_KEY = header_parameter(
    "X-OpenAI-Key",
    "Your own key to the language model, for this execution alone, in place of the deployment's. It is kept encrypted "
    "until the execution ends, and is in no answer.",
    {"type": "string", "pattern": f"^{PROVIDER_KEY}$", "format": "password"},
)
ONCE = header_parameter(
    "Idempotency-Key",
    f"A key of your own to this start: 1 to {MAX_KEY} visible ASCII characters, bare or in quotation marks. Sent again "
    "with the same request it starts nothing, and is answered with the execution of the first time, for as long as "
    "executions are kept, and 2 days at least.",
    {"type": "string", "pattern": PLAIN_KEY, "examples": ['"8e03978e-40d5-43dd-bc93-6894a57f9324"']},
)
REPLAYED = header(
    "Where an earlier request with this `Idempotency-Key` has started the execution.",
    schema={"type": "string", "enum": ["true"]},
)
APPLIED = "What of `Prefer` was applied: `wait=N`."
HEADERS: Mapping[str, Json] = {"Location": LOCATION, "Idempotent-Replayed": REPLAYED, **LIMIT_HEADERS}
START_ERRORS = (
    InvalidParametersError,
    WebhookRefusedError,
    InvalidRequestError,
    *NOT_READ,
    *NO_WORKFLOW,
    RateLimitedError,
    IdempotencyKeyReusedError,
    StartedOnceError,
    ProviderKeysUnavailableError,
    WebhookSecretsUnavailableError,
    EngineUnavailableError,
)
NO_RUN = (MalformedIdError, RunNotFoundError, NotGrantedError)
RESUME_ERRORS = (
    *NO_RUN,
    *NOT_READ,
    InvalidRequestError,
    InvalidParametersError,
    WorkflowNotFoundError,
    VersionNotFoundError,
    EmptyRunModeError,
    ResumeRefusedError,
    RateLimitedError,
    ProviderKeysUnavailableError,
    EngineUnavailableError,
)
TAG = "Executions"
SPELLINGS: Mapping[Generation, str] = {
    Generation.FIRST: "The execution: `ex-…`.",
    Generation.LATER: "The execution: `we-…`, also of one that a list calls `ex-…`; the rest is the same.",
}


def execution_parameter(pattern: str, example: str, description: str = "The execution.") -> Json:
    return path_parameter("execution_id", description, pattern, example)


def start_operation(generation: Generation, prefix: str = "", *, needs_body: bool = False) -> Json:
    """`prefix` begins the names of the schemas."""
    is_first = generation is Generation.FIRST
    ended = {**HEADERS, "Preference-Applied": header(APPLIED, required=True)}
    return operation(
        "executeWorkflow" if is_first else "startExecution",
        "Execute the newest version of a workflow" + ("" if is_first else ", in the words of the later generation"),
        {
            "200": answer("Ended within the time of `Prefer`.", ref(f"{prefix}Execution"), ended),
            "202": _started(generation, prefix),
        },
        START_ERRORS,
        tag=TAG,
        parameters=[WORKFLOW, ONCE, PREFER, OWN_KEY],
        body={
            "required": needs_body,
            "content": body_of(ref(f"{prefix}ExecuteRequest"), examples=examples.EXECUTIONS[generation]),
        },
    )


def _started(generation: Generation, prefix: str) -> Json:
    ids = {"workflow_id": "workflow_id", "execution_id": EXECUTION_ID_KEYS[generation]}
    headers = {**HEADERS, "Preference-Applied": header(APPLIED)}
    told = answer("Started, and not ended within the time of `Prefer`.", ref(f"{prefix}StartedExecution"), headers)
    return told | {"links": {"follow": link("getExecution", **ids), "cancel": link("cancelExecution", **ids)}}


def list_operation() -> Json:
    return operation(
        "listExecutions",
        "Executions, newest first",
        {"200": answer("A page of the list.", ref("ExecutionPage"))},
        [InvalidRequestError, *NO_WORKFLOW],
        tag=TAG,
        parameters=[WORKFLOW, *LIST],
    )


def get_operation(execution: str, parameter: Json) -> Json:
    """`execution`: the name of the schema of what is answered."""
    return operation(
        "getExecution",
        "An execution: status, tasks, times, input, output or error",
        {"200": answer("The execution.", ref(execution))},
        NO_RUN,
        tag=TAG,
        parameters=[WORKFLOW, parameter],
    )


def cancel_operation(execution: str, started: tuple[str, ...], parameter: Json) -> Json:
    """As `get_operation`; `started` is what a key is told that may not read."""
    return operation(
        "cancelExecution",
        "Cancel an execution",
        {"202": answer("Cancelled.", {"anyOf": [ref(name) for name in (execution, *started)]})},
        [*NO_RUN, RunHasEndedError],
        tag=TAG,
        parameters=[WORKFLOW, parameter],
    )


def resume_operation(execution: str, started: tuple[str, ...], parameter: Json) -> Json:
    """As `cancel_operation`."""
    schema = ResumeRequest.model_json_schema()
    version = {"description": "The version of the workflow to go on with; the execution's own unless said otherwise."}
    body = {"type": "object", "properties": {"version": schema["properties"]["version"] | version}}
    headers = {"Location": LOCATION, **LIMIT_HEADERS}
    told = {"anyOf": [ref(name) for name in (execution, *started)]}
    waited = {**headers, "Preference-Applied": header(APPLIED, required=True)}
    return operation(
        "resumeExecution",
        "Resume an execution that FAILED or was CANCELLED, with what its finished tasks have given",
        {
            "200": answer("Ended within the time of `Prefer`.", ref(execution), waited),
            "202": answer("Resumed.", told, {**headers, "Preference-Applied": header(APPLIED)}),
        },
        RESUME_ERRORS,
        tag=TAG,
        parameters=[WORKFLOW, parameter, PREFER, OWN_KEY],
        body={"required": False, "content": body_of(body | {"additionalProperties": False})},
    )


def job_operation() -> Json:
    return operation(
        "getJob",
        "An execution in the job shape",
        {"200": answer("The job.", ref("Job"))},
        NO_RUN,
        tag=TAG,
        parameters=[JOB],
    )


STARTED_EXECUTIONS = tuple(f"{prefix}StartedExecution" for prefix in PREFIXES.values())
ANY_EXECUTION = execution_parameter(ANY_RUN_ID, EXECUTION_IDS[Generation.FIRST].example)
EXECUTION_PATHS: Json = {
    "/workflows/{workflow_id}/execute": {"post": start_operation(Generation.FIRST)},
    "/workflows/{workflow_id}/executions": {
        "get": list_operation(),
        "post": start_operation(Generation.LATER, PREFIXES[Generation.LATER]),
    },
    "/workflows/{workflow_id}/executions/{execution_id}": {"get": get_operation("AnyExecution", ANY_EXECUTION)},
    "/workflows/{workflow_id}/executions/{execution_id}/cancel": {
        "post": cancel_operation("AnyExecution", STARTED_EXECUTIONS, ANY_EXECUTION)
    },
    "/workflows/{workflow_id}/executions/{execution_id}/resume": {
        "post": resume_operation("AnyExecution", STARTED_EXECUTIONS, ANY_EXECUTION)
    },
    "/jobs/{external_id}": {"get": job_operation()},
}


def own_execution(generation: Generation) -> Json:
    spelling = EXECUTION_IDS[generation]
    return execution_parameter(spelling.pattern, spelling.example, SPELLINGS[generation])


def own_paths(path: str, generation: Generation, *, needs_body: bool) -> Json:
    """The paths of one workflow, in the words of the generation that its definition is written in."""
    parameter = own_execution(generation)
    start, executions = {"post": start_operation(generation, needs_body=needs_body)}, {"get": list_operation()}
    is_first = generation is Generation.FIRST
    return {
        **({f"{path}/execute": start} if is_first else {}),
        f"{path}/executions": executions if is_first else executions | start,
        f"{path}/executions/{{execution_id}}": {"get": get_operation("Execution", parameter)},
        f"{path}/executions/{{execution_id}}/cancel": {
            "post": cancel_operation("Execution", ("StartedExecution",), parameter)
        },
        f"{path}/executions/{{execution_id}}/resume": {
            "post": resume_operation("Execution", ("StartedExecution",), parameter)
        },
        "/jobs/{external_id}": {"get": job_operation()},
    }
