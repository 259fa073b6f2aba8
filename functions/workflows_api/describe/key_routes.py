"""The routes of API keys."""

from functools import cache

from stepcall.domain.access import NotGrantedError, Scope
from stepcall.domain.ids import MalformedIdError
from stepcall.runtime.http import InvalidRequestError
from stepcall.stores.api_key_store import UnknownApiKeyError
from workflows_api.describe.answer_schemas import TEXT, page_of, record, spelled, time
from workflows_api.describe.operations import LIST_DESCRIPTIONS, LOCATION, NOT_READ, link, operation
from workflows_api.describe.parts import (
    UUID,
    WORKFLOW_ID,
    Json,
    answer,
    body_of,
    header,
    path_parameter,
    query_parameters,
    ref,
)
from workflows_api.key_requests import KeysQuery, NewApiKey

TAG = "API keys"
KEY_ID = r"key_[0-9a-z]{25}"
EXAMPLE_KEY_ID = "key_03h9x0v1mh2j8c5d7k4q6s8tz"
KEY = path_parameter("key_id", "The key: `key_…`, or its UUID.", f"{KEY_ID}|{UUID}", EXAMPLE_KEY_ID)
NO_KEY = (MalformedIdError, UnknownApiKeyError, NotGrantedError)
NO_STORE = header("`no-store`: the text of a key is in this answer and in no other.", required=True)
EXAMPLES: Json = {
    "reader": {
        "summary": "May see everything and change nothing",
        "value": {"name": "dashboard", "scopes": ["workflows:read", "runs:read"]},
    },
    "caller": {
        "summary": "May execute one workflow, and read its executions",
        "value": {
            "name": "nightly-export",
            "scopes": ["runs:start", "runs:read"],
            "grants": {"workflows": ["wf-03h9x0v1mh2j8c5d7k4q6s8tz"]},
            "rate_limit": {"per_second": 2, "burst": 5},
        },
    },
}
KEY_PATHS: Json = {
    "/api-keys": {
        "post": operation(
            "createApiKey",
            "Make an API key; nobody gives scopes or grants that they do not have",
            {
                "201": answer(
                    "Made. This is the only answer with its text.",
                    ref("MadeApiKey"),
                    {"Location": LOCATION, "Cache-Control": NO_STORE},
                )
                | {
                    "links": {
                        "read": link("getApiKey", key_id="key_id"),
                        "delete": link("deleteApiKey", key_id="key_id"),
                    }
                }
            },
            [InvalidRequestError, *NOT_READ, NotGrantedError],
            tag=TAG,
            body={"required": True, "content": body_of(ref("NewApiKey"), examples=EXAMPLES)},
        ),
        "get": operation(
            "listApiKeys",
            "API keys, newest first",
            {"200": answer("A page of the list.", ref("ApiKeyPage"))},
            [InvalidRequestError],
            tag=TAG,
            parameters=query_parameters(KeysQuery, LIST_DESCRIPTIONS),
        ),
    },
    "/api-keys/{key_id}": {
        "get": operation(
            "getApiKey",
            "What a key may do, and when it was used",
            {"200": answer("The key, without its text.", ref("ApiKey"))},
            NO_KEY,
            tag=TAG,
            parameters=[KEY],
        ),
        "delete": operation(
            "deleteApiKey",
            "Take a key away; it is refused within a minute",
            {"204": answer("Deleted.")},
            NO_KEY,
            tag=TAG,
            parameters=[KEY],
        ),
    },
}


@cache
def key_schemas() -> Json:
    request = NewApiKey.model_json_schema(ref_template="#/components/schemas/{model}")
    parts = request.pop("$defs")
    return {
        **{name: without_titles(part) for name, part in parts.items()},
        "NewApiKey": without_titles(request),
        "ApiKey": record("An API key.", *_shown()),
        "MadeApiKey": record("A new API key.", {"api_key": _TEXT_OF_KEY, **_shown()[0]}, _shown()[1]),
        "ApiKeyPage": page_of("api_keys", ref("ApiKey")),
    }


_TEXT_OF_KEY = spelled("sc_[A-Za-z0-9_-]{43}", "The key itself: `x-api-key: sc_…`. It is shown here and never again.")


def _shown() -> tuple[Json, Json]:
    """What is always said of a key, and what may be left out."""
    limit = record("How many executions it may start; left out for as many as it likes.", _numbers())
    return {
        "key_id": spelled(KEY_ID, "The key's id."),
        "name": TEXT,
        "scopes": {"type": "array", "items": {"type": "string", "enum": list(Scope)}, "description": "What it may do."},
        "created_at": time("When it was made."),
    }, {
        "grants": _grants(),
        "rate_limit": limit,
        "expires_at": time("From when on it is refused."),
        "last_used_at": time("When it was used, to the hour."),
    }


def _numbers() -> Json:
    counted = {"type": "integer", "minimum": 1}
    return {
        "per_second": counted | {"description": "In the long run."},
        "burst": counted | {"description": "At one moment."},
    }


def _grants() -> Json:
    source = record("A data source of a connection.", {"connection_name": TEXT, "source": TEXT})
    return record(
        "What it is narrowed to; left out for all of the tenant.",
        {
            "workflows": {"type": "array", "items": spelled(WORKFLOW_ID, "A workflow.")},
            "sources": {"type": "array", "items": source},
        },
    )


def without_titles(schema: Json) -> Json:
    """pydantic's own titles say what names say already."""
    if "properties" in schema:
        properties = {name: without_titles(part) for name, part in schema["properties"].items()}
        schema = {**schema, "properties": properties}
    return {key: value for key, value in schema.items() if key != "title"}
