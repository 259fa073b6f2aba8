"""The routes by which somebody decides a task that awaits it, and what is told of such a task."""

from stepcall.domain.decision_errors import (
    InvalidDecisionError,
    TaskDecidedError,
    TaskNotAwaitingError,
    TaskNotFoundError,
)
from stepcall.runtime.http import InvalidRequestError
from stepcall.stores.run_store import RunHasEndedError
from workflows_api.decisions import FailRequest
from workflows_api.describe.execution_routes import ANY_EXECUTION, NO_RUN
from workflows_api.describe.operations import NOT_READ, WORKFLOW, operation
from workflows_api.describe.parts import PREFIXES, Json, answer, body_of, path_parameter, ref

TAG = "Executions"
TASK = path_parameter(
    "ref",
    "The task; of one that is done for each element, the instance: `ask[17]`, with its brackets encoded.",
    r"[^/]+",
    "ask",
)
ERRORS = (
    *NO_RUN,
    *NOT_READ,
    InvalidRequestError,
    TaskNotFoundError,
    TaskNotAwaitingError,
    TaskDecidedError,
    RunHasEndedError,
)
DATA: Json = {
    "type": "object",
    "properties": {
        "data": {
            "description": "What later tasks may use: of the task's `output_schema`, else any object; `{}` if left out."
        }
    },
    "additionalProperties": False,
}


def _fail_body() -> Json:
    schema = FailRequest.model_json_schema()
    message = schema["properties"]["message"] | {"description": "Why: what the task's error says."}
    return {
        "type": "object",
        "properties": {"message": {key: value for key, value in message.items() if key != "title"}},
        "required": ["message"],
        "additionalProperties": False,
    }


def _decide(operation_id: str, summary: str, body: Json, *, parameter: Json, tasks: tuple[str, ...]) -> Json:
    told = {"anyOf": [ref(name) for name in tasks]} if len(tasks) > 1 else ref(tasks[0])
    errors = (*ERRORS, InvalidDecisionError) if operation_id == "completeTask" else ERRORS
    return operation(
        operation_id,
        summary,
        {"200": answer("The task as it was decided, now or before.", told)},
        errors,
        tag=TAG,
        parameters=[WORKFLOW, parameter, TASK],
        body={"required": operation_id == "failTask", "content": body_of(body)},
    )


def decision_paths(executions: str, parameter: Json, tasks: tuple[str, ...]) -> Json:
    """`executions`: the path of one; `tasks`: names of the schemas of what is answered."""
    done, failed = "Decide a task that awaits it: it is done", "Decide a task that awaits it: it has failed"
    return {
        f"{executions}/tasks/{{ref}}/complete": {
            "post": _decide("completeTask", done, DATA, parameter=parameter, tasks=tasks)
        },
        f"{executions}/tasks/{{ref}}/fail": {
            "post": _decide("failTask", failed, _fail_body(), parameter=parameter, tasks=tasks)
        },
    }


DECISION_PATHS: Json = decision_paths(
    "/workflows/{workflow_id}/executions/{execution_id}",
    ANY_EXECUTION,
    tuple(f"{prefix}TaskRun" for prefix in PREFIXES.values()),
)
