"""The routes of API access to a workflow."""

from functools import cache

from stepcall.runtime.http import InvalidRequestError
from stepcall.use_cases.connection_errors import ApiAccessDisabledError, ApiAccessRefusedError
from workflows_api.api_access import ApiAccessUpdate, NewApiAccess
from workflows_api.describe.answer_schemas import VERSION, record
from workflows_api.describe.key_routes import without_titles
from workflows_api.describe.operations import NO_WORKFLOW, NOT_READ, WORKFLOW, operation
from workflows_api.describe.parts import Json, answer, body_of, ref

ERRORS = (InvalidRequestError, *NOT_READ, *NO_WORKFLOW, ApiAccessRefusedError)
ACCESS_PATHS: Json = {
    "/workflows/{workflow_id}/api-access": {
        "post": operation(
            "enableApiAccess",
            "Make the newest version callable as a procedure",
            {
                "200": answer("It was enabled before, and is up to date now.", ref("ApiAccess")),
                "201": answer("Enabled.", ref("ApiAccess")),
            },
            ERRORS,
            parameters=[WORKFLOW],
            body={"required": False, "content": body_of(ref("NewApiAccess"))},
        ),
        "get": operation(
            "getApiAccess",
            "Whether and how a workflow is called as a procedure",
            {
                "200": answer(
                    "Both say `enabled`.",
                    {"oneOf": [ref("ApiAccess"), ref("NoApiAccess")], "description": "Enabled, or not."},
                )
            },
            NO_WORKFLOW,
            parameters=[WORKFLOW],
        ),
        "put": operation(
            "updateApiAccess",
            "Bring the procedure to the newest version, and set its cache",
            {"200": answer("Up to date.", ref("ApiAccess"))},
            [*ERRORS, ApiAccessDisabledError],
            parameters=[WORKFLOW],
            body={"required": False, "content": body_of(ref("ApiAccessUpdate"))},
        ),
        "delete": operation(
            "disableApiAccess",
            "Refuse later calls; jobs that are under way finish",
            {"204": answer("Disabled, or was not enabled.")},
            NO_WORKFLOW,
            parameters=[WORKFLOW],
        ),
    },
}


@cache
def access_schemas() -> Json:
    text: Json = {"type": "string"}
    examples = record(
        "Calls that are ready to paste, with `YOUR_TOKEN` in place of a key or token.",
        {
            "get": text | {"format": "uri", "description": "An address that starts a job."},
            "post": text | {"description": "The same as a command for curl."},
        },
    )
    return {
        "NewApiAccess": without_titles(NewApiAccess.model_json_schema()),
        "ApiAccessUpdate": without_titles(ApiAccessUpdate.model_json_schema()),
        "NoApiAccess": record("It is not called so.", {"enabled": {"type": "boolean", "const": False}}),
        "ApiAccess": record(
            "How the workflow is called as a procedure.",
            {
                "enabled": {"type": "boolean", "const": True},
                "workflow_version": VERSION | {"description": "The version that calls run."},
                "procedure": text | {"description": "The procedure's name, which never changes."},
                "in_sync": {"type": "boolean", "description": "Whether that is the newest version."},
                "cache": {"type": "boolean", "description": "Whether equal calls reuse what was computed."},
                "connection": text | {"description": "The connection that it is called on."},
                "output_table": {
                    "type": "boolean",
                    "description": "Whether a call has an output table: without Workflow.Output it has none.",
                },
                "examples": examples,
            },
        ),
    }
