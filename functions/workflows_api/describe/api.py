"""`GET /openapi.json`: OpenAPI 3.1 of the whole native face, made when it is first asked for."""

import re
from functools import cache

from aws_lambda_powertools.event_handler import Response

from stepcall.domain.access import Scope
from stepcall.domain.generation import DOCUMENT_WORDS, Generation
from stepcall.domain.json_text import print_json
from stepcall.tasks.catalog import CATALOG
from stepcall.version import VERSION
from workflows_api.describe.access_routes import ACCESS_PATHS, access_schemas
from workflows_api.describe.answer_schemas import (
    ANY_OBJECT,
    HEALTH,
    LISTED_VERSION,
    LISTED_WORKFLOW,
    OBJECTS,
    SHARED_SCHEMAS,
    STATE_MACHINE,
    VALIDATION,
    WARNINGS,
    WEBHOOK_URL,
    WORKFLOW_IDS,
    WORKFLOW_TIMES,
    execution,
    page_of,
    record,
    started,
)
from workflows_api.describe.connection_routes import CONNECTION_PATHS, connection_schemas
from workflows_api.describe.decision_routes import DECISION_PATHS
from workflows_api.describe.definition_schema import TITLES, definition_schemas
from workflows_api.describe.delivery_routes import DELIVERY_PATHS, delivery_schemas
from workflows_api.describe.execution_routes import EXECUTION_PATHS
from workflows_api.describe.instance_routes import INSTANCE_PATHS, instance_schemas
from workflows_api.describe.key_routes import KEY_PATHS, key_schemas
from workflows_api.describe.parts import (
    JSON,
    OPENAPI,
    PREFIXES,
    SECURITY_SCHEMES,
    SERVERS,
    SHARED_RESPONSES,
    Json,
    problem_examples,
    ref,
)
from workflows_api.describe.service_routes import SERVICE_PATHS
from workflows_api.describe.task_schemas import task_run
from workflows_api.describe.task_type_routes import TASK_TYPE_PATHS, task_type_schemas
from workflows_api.describe.token_routes import TOKEN_PATHS, TOKEN_SCHEMAS
from workflows_api.describe.trigger_routes import TRIGGER_PATHS, trigger_schemas
from workflows_api.describe.webhook_routes import WEBHOOK_PATHS, webhook_schemas
from workflows_api.describe.workflow_routes import WORKFLOW_PATHS
from workflows_api.face import ACCESS
from workflows_api.requests import ExecuteRequest

DESCRIPTION = """Stepcall makes a workflow callable: define it as JSON, execute it, follow it, fetch its result.

A key or token goes into `x-api-key`, `Authorization: Bearer …` or `?access_token=…`. Errors are
`application/problem+json` (RFC 9457); a method that a path does not take is answered 405, a path that is not there 404.
What API Gateway refuses itself, it answers `{"message": …}`."""

TAGS = [
    {"name": "Workflows", "description": "Define, read and describe workflows."},
    {"name": "Executions", "description": "Start, follow and cancel executions."},
    {"name": "Webhooks", "description": "Be told when executions start and end, by Standard Webhooks."},
    {"name": "Triggers", "description": "Have workflows started by the clock, or by events of EventBridge."},
    {"name": "Connections", "description": "Where SQL runs, and the datasets that it may name."},
    {"name": "API keys", "description": "Who may call, and what they may do. These need the scope `keys:manage`."},
    {"name": "Tokens", "description": "A key for a token: OAuth 2.0, client credentials (RFC 6749)."},
    {"name": "Service", "description": "The service itself. These need no key."},
]


PATHS: Json = {
    **WORKFLOW_PATHS,
    **ACCESS_PATHS,
    **EXECUTION_PATHS,
    **DECISION_PATHS,
    **WEBHOOK_PATHS,
    **INSTANCE_PATHS,
    **DELIVERY_PATHS,
    **TRIGGER_PATHS,
    **TASK_TYPE_PATHS,
    **CONNECTION_PATHS,
    **KEY_PATHS,
    **TOKEN_PATHS,
    **SERVICE_PATHS,
}


def answer_openapi() -> Response[str]:
    return Response(200, JSON, _document(), headers={"Cache-Control": "public, max-age=300"})


@cache
def _document() -> str:
    return print_json(describe_api())


def describe_api() -> Json:
    return {
        "openapi": OPENAPI,
        "info": {"title": "Stepcall", "version": VERSION, "description": DESCRIPTION, "summary": "Callable workflows"},
        "servers": SERVERS,
        "tags": TAGS,
        "paths": {path: _with_scopes(path, item) for path, item in PATHS.items()},
        "components": {
            "securitySchemes": SECURITY_SCHEMES,
            "schemas": _schemas(),
            "examples": problem_examples(),
            "responses": SHARED_RESPONSES,
        },
    }


def _with_scopes(path: str, item: Json) -> Json:
    route = re.sub(r"\{(\w+)\}", r"<\1>", path)
    return {method: _with_scope(operation, ACCESS[f"{method.upper()} {route}"]) for method, operation in item.items()}


def _with_scope(operation: Json, scope: Scope | None) -> Json:
    """Where people read it: not every generator takes the names of scopes beside an API key."""
    return operation | {"description": f"Needs the scope `{scope}`."} if scope else operation


def _schemas() -> Json:
    definitions = definition_schemas(CATALOG)
    both = [ref(title) for title in TITLES.values()]
    return {
        "Definition": {"oneOf": both, "description": "A workflow's definition, in one of the two generations."},
        **definitions,
        "StoredWorkflow": record("A workflow that has been stored.", WORKFLOW_IDS, {"warnings": WARNINGS}),
        "WorkflowPage": page_of("workflows", ref("ListedWorkflow")),
        "ListedWorkflow": LISTED_WORKFLOW,
        "VersionPage": page_of("versions", ref("ListedVersion")),
        "ListedVersion": LISTED_VERSION,
        **{f"{prefix}Workflow": _stored(definitions[TITLES[kind]]) for kind, prefix in PREFIXES.items()},
        "AnyWorkflow": {
            "oneOf": [ref(f"{prefix}Workflow") for prefix in PREFIXES.values()],
            "description": "In the words that its author wrote it in.",
        },
        "Validation": VALIDATION,
        "StateMachine": STATE_MACHINE,
        **_of_generation(Generation.FIRST),
        **_of_generation(Generation.LATER),
        "AnyExecution": {
            "oneOf": [ref(f"{prefix}Execution") for prefix in PREFIXES.values()],
            "description": "In the later generation's words when the execution's id is spelled `we-…`.",
        },
        **_of_routes(),
        "Health": HEALTH,
        "OpenApi": record(
            "An OpenAPI document.",
            {"openapi": {"type": "string", "const": OPENAPI}, "info": ANY_OBJECT, "paths": ANY_OBJECT},
            {"servers": OBJECTS, "tags": OBJECTS, "components": ANY_OBJECT},
        ),
        **SHARED_SCHEMAS,
    }


def _of_routes() -> Json:
    return {
        **access_schemas(),
        **webhook_schemas(),
        **instance_schemas(),
        **delivery_schemas(),
        **trigger_schemas(),
        **connection_schemas(),
        **task_type_schemas(),
        **key_schemas(),
        **TOKEN_SCHEMAS,
    }


def _stored(definition: Json) -> Json:
    """A definition as it is answered: with its ids and times."""
    fields = {**WORKFLOW_IDS, **WORKFLOW_TIMES}
    return definition | {
        "properties": {**definition["properties"], **fields},
        "required": [*fields, *definition["required"]],
    }


def _of_generation(generation: Generation) -> Json:
    prefix = PREFIXES[generation]
    return {
        f"{prefix}ExecuteRequest": _execute_request(generation),
        f"{prefix}StartedExecution": started(generation),
        f"{prefix}Execution": execution(generation, prefix),
        f"{prefix}TaskRun": task_run(generation),
    }


def _execute_request(generation: Generation) -> Json:
    schema = ExecuteRequest.model_json_schema(by_alias=generation is Generation.LATER)
    key = DOCUMENT_WORDS[generation]["input"]
    schema["properties"][key]["description"] = "The value of each input by name."
    schema["properties"]["webhook_url"] = WEBHOOK_URL
    return {name: value for name, value in schema.items() if name not in {"title", "description"}}
