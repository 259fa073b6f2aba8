"""The routes that define, read and describe workflows."""

from stepcall.asl.graph import EmptyRunModeError
from stepcall.domain.access import NotGrantedError
from stepcall.domain.errors import InvalidDefinitionError
from stepcall.runtime.http import InvalidRequestError
from stepcall.stores.workflow_store import ConfigIdTakenError, VersionConflictError
from stepcall.use_cases.change_workflow import StaleVersionError
from workflows_api.describe.examples import DEFINITIONS
from workflows_api.describe.operations import (
    ENTITY_TAG,
    LIST_DESCRIPTIONS,
    LOCATION,
    NO_VERSION,
    NO_WORKFLOW,
    NOT_READ,
    VERSION,
    WORKFLOW,
    link,
    operation,
)
from workflows_api.describe.parts import Json, answer, body_of, header, header_parameter, query_parameters, ref
from workflows_api.requests import ENTITY_TAGS, WorkflowsQuery
from workflows_api.views import MERMAID, SVG, GraphQuery, MachineQuery

LIST = query_parameters(
    WorkflowsQuery, {"name": "Only those with this in their name, in upper or lower case.", **LIST_DESCRIPTIONS}
)
PAGE = [parameter for parameter in LIST if parameter["name"] != "name"]
IF_MATCH = header_parameter(
    "If-Match",
    'Change it only if this is its newest version: `"3"` or `3`, several with commas between them, or `*`.',
    {"type": "string", "pattern": rf"^\s*(\*|{ENTITY_TAGS})\s*$", "examples": ['"3"']},
)
DEFINITION_BODY: Json = {
    "required": True,
    "description": "The definition, in either generation. At most 1 MB.",
    "content": body_of(ref("Definition"), examples=DEFINITIONS),
}
CREATED = answer("Stored, as version 1.", ref("StoredWorkflow"), {"Location": LOCATION, "ETag": ENTITY_TAG}) | {
    "links": {
        "read": link("getWorkflow", workflow_id="workflow_id"),
        "execute": link("executeWorkflow", workflow_id="workflow_id"),
    }
}
REFUSED_CHANGES = (InvalidRequestError, *NO_WORKFLOW, StaleVersionError, VersionConflictError)
CONTENT_TAG = header("The machine's name: the hash of its content.", required=True)
GRAPH = query_parameters(
    GraphQuery, {"version": VERSION[0]["description"], "format": "Which form, whatever `Accept` says."}
)
MACHINE = query_parameters(
    MachineQuery,
    {"version": VERSION[0]["description"], "run_mode": "How much of the workflow the machine runs."},
)
DRAWN = answer("The picture: SVG where `Accept` asks for it, otherwise Mermaid.") | {
    "content": {media_type: {"schema": {"type": "string"}} for media_type in (MERMAID, SVG)}
}
WORKFLOW_PATHS: Json = {
    "/workflows": {
        "get": operation(
            "listWorkflows",
            "Workflows, newest first",
            {"200": answer("A page of the list.", ref("WorkflowPage"))},
            [InvalidRequestError],
            parameters=LIST,
        ),
        "post": operation(
            "createWorkflow",
            "Define a workflow",
            {"201": CREATED},
            [InvalidDefinitionError, *NOT_READ, NotGrantedError, ConfigIdTakenError],
            body=DEFINITION_BODY,
        ),
    },
    "/workflows/{workflow_id}": {
        "get": operation(
            "getWorkflow",
            "A workflow as its author wrote it",
            {"200": answer("The definition.", ref("AnyWorkflow"), {"ETag": ENTITY_TAG})},
            [InvalidRequestError, *NO_VERSION],
            parameters=[WORKFLOW, *VERSION],
        ),
        "put": operation(
            "updateWorkflow",
            "Define the next version",
            {
                "200": answer(
                    "Its newest version; of an equal definition no new one is made.",
                    ref("StoredWorkflow"),
                    {"ETag": ENTITY_TAG},
                )
            },
            [InvalidDefinitionError, *NOT_READ, *REFUSED_CHANGES, ConfigIdTakenError],
            parameters=[WORKFLOW, IF_MATCH],
            body=DEFINITION_BODY,
        ),
        "delete": operation(
            "deleteWorkflow",
            "Delete a workflow; its executions go on, are told of to its webhooks, and stay readable",
            {"204": answer("Deleted.")},
            REFUSED_CHANGES,
            parameters=[WORKFLOW, IF_MATCH],
        ),
    },
    "/workflows/{workflow_id}/versions": {
        "get": operation(
            "listVersions",
            "Versions of a workflow, newest first",
            {"200": answer("A page of the list.", ref("VersionPage"))},
            [InvalidRequestError, *NO_WORKFLOW],
            parameters=[WORKFLOW, *PAGE],
        ),
    },
    "/workflows/validate": {
        "post": operation(
            "validateWorkflow",
            "Check a definition and store nothing",
            {"200": answer("What is wrong with it, and what it becomes.", ref("Validation"))},
            NOT_READ,
            body=DEFINITION_BODY,
        ),
    },
    "/workflows/{workflow_id}/definition": {
        "get": operation(
            "getDefinition",
            "The state machine that a workflow is compiled to",
            {"200": answer("Amazon States Language.", ref("StateMachine"), {"ETag": CONTENT_TAG})},
            [InvalidRequestError, EmptyRunModeError, *NO_VERSION],
            parameters=[WORKFLOW, *MACHINE],
        ),
    },
    "/workflows/{workflow_id}/graph": {
        "get": operation(
            "getGraph",
            "A workflow as a picture",
            {"200": DRAWN},
            [InvalidRequestError, *NO_VERSION],
            parameters=[WORKFLOW, *GRAPH],
        ),
    },
    "/workflows/{workflow_id}/openapi.json": {
        "get": operation(
            "getWorkflowOpenapi",
            "OpenAPI 3.1 of this one workflow, for client generators",
            {"200": answer("The description: typed parameters in, typed result out.", ref("OpenApi"))},
            [InvalidRequestError, *NO_VERSION],
            parameters=[WORKFLOW, *VERSION],
        ),
    },
}
