"""`GET /workflows/{id}/openapi.json`: OpenAPI 3.1 of one workflow, typed by the inputs and outputs that it declares.

Schemas are called the same for every workflow; what its author wrote stands in titles, descriptions, names of
properties and ids of operations only.
"""

import re
import unicodedata
from collections.abc import Mapping

from stepcall.domain.approval import FLOW_APPROVAL
from stepcall.domain.generation import DOCUMENT_WORDS
from stepcall.domain.ids import spell_workflow
from stepcall.domain.workflow import WorkflowDefinition, WorkflowVersion
from workflows_api.describe.answer_schemas import SHARED_SCHEMAS, WEBHOOK_URL, execution, started
from workflows_api.describe.decision_routes import decision_paths
from workflows_api.describe.execution_routes import own_execution, own_paths
from workflows_api.describe.instance_routes import instance_paths, instance_schemas
from workflows_api.describe.operations import WORKFLOW
from workflows_api.describe.parts import (
    OPENAPI,
    SECURITY_SCHEMES,
    SERVERS,
    SHARED_RESPONSES,
    Json,
    body_of,
    problem_examples,
    ref,
)
from workflows_api.describe.task_schemas import task_run
from workflows_api.describe.value_schemas import bound_inputs, given_inputs, outputs

MAX_NAME_LENGTH = 48
OTHER_VERSIONS = "executions of other versions may have other inputs and outputs."
OPERATION_IDS: Mapping[str, str] = {
    "executeWorkflow": "execute{}",
    "startExecution": "execute{}",
    "listExecutions": "list{}Executions",
    "getExecution": "get{}Execution",
    "cancelExecution": "cancel{}Execution",
    "resumeExecution": "resume{}Execution",
    "getJob": "get{}Job",
    "listInstances": "list{}Instances",
    "completeTask": "complete{}Task",
    "failTask": "fail{}Task",
}


def describe_workflow(version: WorkflowVersion) -> Json:
    """The document."""
    definition, own_path = version.definition, f"/workflows/{spell_workflow(version.workflow_id)}"
    name = operation_name(definition.name)
    needs_input = any(parameter.must_be_given for parameter in definition.input)
    return {
        "openapi": OPENAPI,
        "info": _info(version),
        "servers": SERVERS,
        "paths": {
            path: {method: _own(operation, name) for method, operation in item.items()}
            for path, item in _paths(own_path, definition, needs_body=needs_input).items()
        },
        "components": {
            "securitySchemes": SECURITY_SCHEMES,
            "schemas": _schemas(version),
            "examples": problem_examples(),
            "responses": SHARED_RESPONSES,
        },
    }


def _paths(path: str, definition: WorkflowDefinition, *, needs_body: bool) -> Json:
    paths = own_paths(path, definition.generation, needs_body=needs_body)
    execution, parameter = f"{path}/executions/{{execution_id}}", own_execution(definition.generation)
    if _is_done_for_each(definition):
        paths |= instance_paths(execution, parameter)
    if any(task.type == FLOW_APPROVAL for task in definition.tasks):
        paths |= decision_paths(execution, parameter, ("TaskRun",))
    return paths


def _is_done_for_each(definition: WorkflowDefinition) -> bool:
    return any(task.for_each is not None for task in definition.tasks)


def operation_name(title: str) -> str:
    """`Page title length` → `PageTitleLength`: what programs can call it, whatever its author wrote."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    words = re.findall(r"[A-Za-z0-9]+", plain)
    return "".join(word[0].upper() + word[1:] for word in words)[:MAX_NAME_LENGTH] or "Workflow"


def _info(version: WorkflowVersion) -> Json:
    definition = version.definition
    said = f"This describes version {version.version}. A call executes the newest version; {OTHER_VERSIONS}"
    return {
        "title": definition.name,
        "version": str(version.version),
        "description": f"{definition.description}\n\n{said}" if definition.description else said,
    }


def _own(operation: Json, name: str) -> Json:
    """The operation without the parameter that the path says already, and with ids of this workflow's own."""
    parameters = [parameter for parameter in operation.get("parameters", []) if parameter is not WORKFLOW]
    own = {key: value for key, value in operation.items() if key != "parameters"}
    if "ExecuteRequest" in str(own.get("requestBody")):
        own["requestBody"] = own["requestBody"] | {"content": body_of(ref("ExecuteRequest"))}  # examples are of others
    return own | {
        "operationId": _own_id(operation["operationId"], name),
        **({"parameters": parameters} if parameters else {}),
        "responses": {status: _own_links(answer, name) for status, answer in operation["responses"].items()},
    }


def _own_links(answer: Json, name: str) -> Json:
    if "links" not in answer:
        return answer
    links = {
        word: link
        | {
            "operationId": _own_id(link["operationId"], name),
            "parameters": {key: value for key, value in link["parameters"].items() if key != WORKFLOW["name"]},
        }
        for word, link in answer["links"].items()
    }
    return answer | {"links": links}


def _own_id(operation_id: str, name: str) -> str:
    return OPERATION_IDS[operation_id].format(name)


def _schemas(version: WorkflowVersion) -> Json:
    definition, generation = version.definition, version.definition.generation
    given, key = given_inputs(definition.input), DOCUMENT_WORDS[generation]["input"]
    fields = {key: ref("Input"), "webhook_url": WEBHOOK_URL}
    request: Json = {"type": "object", "properties": fields, "additionalProperties": False}
    return {
        "ExecuteRequest": request | ({"required": [key]} if given.get("required") else {}),
        "Input": given,
        "BoundInput": bound_inputs(definition.input),
        "Output": outputs(definition.output),
        "StartedExecution": started(generation),
        "Execution": execution(generation, given=ref("BoundInput"), result=ref("Output")),
        "TaskRun": task_run(generation),
        **SHARED_SCHEMAS,
        **(instance_schemas() if _is_done_for_each(definition) else {}),
    }
