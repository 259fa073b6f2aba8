"""The routes that give tokens: for an hour in place of a key (RFC 6749), or for a day to read one execution."""

from stepcall.domain.access import Scope
from stepcall.runtime.authentication import TokensUnavailableError
from stepcall.runtime.http import BodyTooLargeError
from stepcall.runtime.token_requests import FORM, GRANT_TYPE
from stepcall.use_cases.issue_token import ACCESS_TOKEN_LIFE
from workflows_api.describe.answer_schemas import TEXT, record, time
from workflows_api.describe.execution_routes import ANY_EXECUTION, NO_RUN, TAG
from workflows_api.describe.key_routes import EXAMPLE_KEY_ID
from workflows_api.describe.operations import WORKFLOW, operation
from workflows_api.describe.parts import JSON, Json, answer, header, ref

NO_STORE = header("`no-store`: who has a token may call.", required=True)
CHALLENGE = header("The scheme to use.", required=True)
CODES = ["invalid_request", "invalid_client", "invalid_scope", "unsupported_grant_type"]
EXAMPLE = {"grant_type": GRANT_TYPE, "client_id": EXAMPLE_KEY_ID, "client_secret": f"sc_{'0' * 43}"}
TOKENS_TAG = "Tokens"


def token_operation(operation_id: str, summary: str) -> Json:
    taken = {"schema": ref("TokenRequest"), "examples": {"key": {"summary": "A key for a token", "value": EXAMPLE}}}
    return operation(
        operation_id,
        summary,
        {
            "200": answer("An access token.", ref("AccessToken"), {"Cache-Control": NO_STORE}),
            "400": answer("Refused, for what `error` says.", ref("TokenRefusal"), {"Cache-Control": NO_STORE}),
            "401": answer(
                "Not the id and the text of a key.",
                ref("TokenRefusal"),
                {"Cache-Control": NO_STORE, "WWW-Authenticate": CHALLENGE},
            ),
        },
        [BodyTooLargeError, TokensUnavailableError],
        tag=TOKENS_TAG,
        public=True,
        body={"required": True, "content": {FORM: taken, JSON: taken}},
    )


TOKEN_PATHS: Json = {
    "/oauth/token": {"post": token_operation("getAccessToken", "A token for an hour in place of an API key")},
    "/workflows/{workflow_id}/executions/{execution_id}/token": {
        "post": operation(
            "shareExecution",
            "A token that reads this execution for a day, and nothing else",
            {"201": answer("The token.", ref("ExecutionToken"), {"Cache-Control": NO_STORE})},
            NO_RUN,
            tag=TAG,
            parameters=[WORKFLOW, ANY_EXECUTION],
        ),
    },
}
TOKEN_SCHEMAS: Json = {
    "TokenRequest": record(
        "As a form or as JSON. HTTP Basic may say who asks, in place of `client_id` and `client_secret`.",
        {"grant_type": {"const": GRANT_TYPE, "type": "string"}},
        {
            "client_id": {"type": "string", "description": "The id of an API key."},
            "client_secret": {"type": "string", "description": "The key itself."},
            "scope": {"type": "string", "description": f"Fewer than all of the key's: some of {', '.join(Scope)}."},
        },
    )
    | {"additionalProperties": TEXT},
    "AccessToken": record(
        "A token, and what it is good for.",
        {
            "access_token": {"type": "string", "description": "Send it as `Authorization: Bearer …`."},
            "token_type": {"const": "Bearer", "type": "string"},
            "expires_in": {"const": int(ACCESS_TOKEN_LIFE.total_seconds()), "type": "integer"},
            "scope": {"type": "string", "description": "Its scopes, with spaces between them."},
        },
    ),
    "TokenRefusal": record(
        "RFC 6749, section 5.2.", {"error": {"type": "string", "enum": CODES}, "error_description": TEXT}
    ),
    "ExecutionToken": record(
        "A token to read one execution with.",
        {
            "token": {"type": "string", "description": "Send it as a key: `Authorization: Bearer …`."},
            "expires_at": time("From when on it is refused."),
        },
    ),
}
