"""The routes of task types."""

from functools import cache

from stepcall.domain.access import NotGrantedError
from stepcall.domain.custom_type import NAME_PATTERN
from stepcall.runtime.http import InvalidRequestError, RouteNotFoundError
from stepcall.stores.task_type_errors import TaskTypeNotFoundError
from stepcall.use_cases.task_type_errors import TaskTypeRefusedError, TooManyTaskTypesError
from workflows_api.describe.answer_schemas import JSON_SCHEMA, TEXT, record, time
from workflows_api.describe.key_routes import without_titles
from workflows_api.describe.operations import NOT_READ, operation
from workflows_api.describe.parts import Json, answer, body_of, path_parameter, ref
from workflows_api.task_type_requests import ADDED_TO_TASK_TYPES, TaskTypeRequest

NAME = path_parameter("name", "The type's name, as tasks say it.", NAME_PATTERN.strip("^$"), "Acme.Price")
ADDED = "Added by answers; what is sent of it is left out, so that a type can be read, changed and sent back."
EXAMPLES: Json = {
    "price": {
        "summary": "A function that says what an order costs",
        "value": {
            "function_arn": "price",
            "input_schema": {"type": "object", "properties": {"items": {"type": "array"}}, "required": ["items"]},
            "output_schema": {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]},
        },
    }
}
TASK_TYPE_PATHS: Json = {
    "/task-types": {
        "get": operation(
            "listTaskTypes",
            "What tasks can do: the types of Stepcall's, and the tenant's own",
            {"200": answer("Every type of task.", ref("TaskTypes"))},
        ),
    },
    "/task-types/{name}": {
        "get": operation(
            "getTaskType",
            "One type of task",
            {"200": answer("The type.", ref("TaskType"))},
            [TaskTypeNotFoundError],
            parameters=[NAME],
        ),
        "put": operation(
            "putTaskType",
            "Make a type of one's own, which a function does, or put another in its place",
            {
                "200": answer("Put in place of the one of its name.", ref("TaskType")),
                "201": answer("Made.", ref("TaskType")),
            },
            # a name with what no name of a path has is no route
            [
                InvalidRequestError,
                *NOT_READ,
                NotGrantedError,
                TaskTypeRefusedError,
                TooManyTaskTypesError,
                RouteNotFoundError,
            ],
            parameters=[NAME],
            body={"required": True, "content": body_of(ref("TaskTypeRequest"), examples=EXAMPLES)},
        ),
        "delete": operation(
            "deleteTaskType",
            "Delete a type of one's own; versions of workflows that use it go on",
            {"204": answer("Deleted.")},
            [TaskTypeNotFoundError, NotGrantedError],
            parameters=[NAME],
        ),
    },
}


@cache
def task_type_schemas() -> Json:
    request = without_titles(TaskTypeRequest.model_json_schema())
    words = {
        "function_arn": "The function: one of those that the deployment lets tasks invoke, by its name or ARN.",
        "input_schema": "JSON Schema of an object: the input of such tasks, and the event of the function.",
        "output_schema": "JSON Schema of an object: the function's answer, and the output of such tasks.",
        "description": "What such tasks do.",
    }
    for name, said in words.items():
        request["properties"][name]["description"] = said
    request["properties"] |= {name: {"description": ADDED} for name in sorted(ADDED_TO_TASK_TYPES)}
    return {
        "TaskTypeRequest": request,
        "TaskTypes": record("Every type of task.", {"task_types": {"type": "array", "items": ref("TaskType")}}),
        "TaskType": record(
            "A type of task.",
            {
                "name": {"type": "string", "description": "What stands in a task's `type`."},
                "summary": TEXT,
                "input": JSON_SCHEMA,
                "output": JSON_SCHEMA,
                "timeout_seconds": {"type": "integer", "minimum": 1, "description": "Of one attempt."},
            },
            {
                "function_arn": {
                    "type": "string",
                    "description": "Of a tenant's own type, as the next ones: the function that does it, as PUT takes "
                    "it. Its name, and its ARN only where others are called so.",
                },
                "input_schema": JSON_SCHEMA,
                "output_schema": JSON_SCHEMA,
                "description": TEXT,
                "created_at": time("When it was made."),
                "updated_at": time("When it was put last."),
            },
        ),
    }
