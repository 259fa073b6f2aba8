"""The routes of webhooks."""

from collections.abc import Mapping
from functools import cache

from stepcall.domain.ids import MalformedIdError
from stepcall.domain.webhook import MAX_WEBHOOKS, WebhookEvent
from stepcall.domain.webhook_errors import (
    TooManyWebhooksError,
    WebhookIsChangingError,
    WebhookNotFoundError,
    WebhookRefusedError,
    WebhookSecretsUnavailableError,
)
from stepcall.runtime.http import InvalidRequestError
from workflows_api.describe.answer_schemas import SECRET, record, spelled, time
from workflows_api.describe.key_routes import without_titles
from workflows_api.describe.operations import LOCATION, NO_WORKFLOW, NOT_READ, WORKFLOW, link, operation
from workflows_api.describe.parts import UUID, WORKFLOW_ID, Json, answer, body_of, header, path_parameter, ref
from workflows_api.webhook_requests import NewWebhook, WebhookRotation, WebhookUpdate

TAG = "Webhooks"
WEBHOOK_ID = r"wh-[0-9a-z]{25}"
WEBHOOK = path_parameter(
    "webhook_id", "The webhook: `wh-…`, or its UUID.", f"{WEBHOOK_ID}|{UUID}", "wh-03h9x0v1mh2j8c5d7k4q6s8tz"
)
OF_WEBHOOK = (*NO_WORKFLOW, MalformedIdError, WebhookNotFoundError)
NO_STORE = header("`no-store`: a secret is in this answer, and in no other.", required=True)
NEW_EXAMPLES: Json = {
    "everything": {"summary": "All events", "value": {"url": "https://example.com/hooks/stepcall"}},
    "ends": {
        "summary": "What went wrong, and nothing else",
        "value": {
            "url": "https://example.com/hooks/failures",
            "events": ["execution.failed", "execution.cancelled"],
        },
    },
}
UPDATE_EXAMPLES: Json = {
    "move": {"summary": "Send elsewhere", "value": {"url": "https://example.com/hooks/other"}},
    "pause": {"summary": "Send nothing for a while", "value": {"enabled": False}},
    "resume": {"summary": "Send again, also after Stepcall has stopped it", "value": {"enabled": True}},
}
ROTATION_EXAMPLES: Json = {
    "at_once": {"summary": "The secret before signs nothing more", "value": {"previous_valid_hours": 0}},
    "in_a_week": {"summary": "Both sign for a week", "value": {"previous_valid_hours": 168}},
}


def _body(name: str, examples: Json, *, required: bool = True) -> Json:
    return {"required": required, "content": body_of(ref(name), examples=examples)}


def _with_secret(description: str, headers: Mapping[str, Json]) -> Json:
    return answer(description, ref("WebhookWithSecret"), {**headers, "Cache-Control": NO_STORE})


IDS = {"workflow_id": "workflow_id", "webhook_id": "webhook_id"}
WEBHOOK_PATHS: Json = {
    "/workflows/{workflow_id}/webhooks": {
        "post": operation(
            "createWebhook",
            f"Have a URL called when executions of the workflow start and end; {MAX_WEBHOOKS} of a workflow at most",
            {
                "201": _with_secret("Made. This is the only answer with its secret.", {"Location": LOCATION})
                | {"links": {"read": link("getWebhook", **IDS), "delete": link("deleteWebhook", **IDS)}}
            },
            [
                *(InvalidRequestError, WebhookRefusedError, *NOT_READ, *NO_WORKFLOW),
                *(TooManyWebhooksError, WebhookIsChangingError, WebhookSecretsUnavailableError),
            ],
            tag=TAG,
            parameters=[WORKFLOW],
            body=_body("NewWebhook", NEW_EXAMPLES),
        ),
        "get": operation(
            "listWebhooks",
            "The webhooks of a workflow, oldest first",
            {"200": answer("All of them.", ref("WebhookList"))},
            NO_WORKFLOW,
            tag=TAG,
            parameters=[WORKFLOW],
        ),
    },
    "/workflows/{workflow_id}/webhooks/{webhook_id}": {
        "get": operation(
            "getWebhook",
            "A webhook, without its secret",
            {"200": answer("The webhook.", ref("Webhook"))},
            OF_WEBHOOK,
            tag=TAG,
            parameters=[WORKFLOW, WEBHOOK],
        ),
        "patch": operation(
            "updateWebhook",
            "Change where a webhook sends, what, and whether; its secret stays",
            {"200": answer("The webhook as it is now.", ref("Webhook"))},
            [InvalidRequestError, WebhookRefusedError, *NOT_READ, *OF_WEBHOOK, WebhookIsChangingError],
            tag=TAG,
            parameters=[WORKFLOW, WEBHOOK],
            body=_body("WebhookUpdate", UPDATE_EXAMPLES),
        ),
        "delete": operation(
            "deleteWebhook",
            "Take a webhook away",
            {"204": answer("Deleted.")},
            [*OF_WEBHOOK, WebhookIsChangingError],
            tag=TAG,
            parameters=[WORKFLOW, WEBHOOK],
        ),
    },
    "/workflows/{workflow_id}/webhooks/{webhook_id}/rotate": {
        "post": operation(
            "rotateWebhookSecret",
            "Give a webhook another secret; for a while the one before signs too",
            {"200": _with_secret("The new secret. This is the only answer with it.", {})},
            [
                *(InvalidRequestError, *NOT_READ, *OF_WEBHOOK),
                *(WebhookIsChangingError, WebhookSecretsUnavailableError),
            ],
            tag=TAG,
            parameters=[WORKFLOW, WEBHOOK],
            body=_body("WebhookRotation", ROTATION_EXAMPLES, required=False),
        ),
    },
}


@cache
def webhook_schemas() -> Json:
    required, optional = _shown()
    return {
        **_requests(),
        "Webhook": record("A URL that is called.", required, optional),
        "WebhookWithSecret": record("A webhook and its new secret.", {**required, "secret": SECRET}, optional),
        "WebhookList": record(
            "The webhooks of a workflow.",
            {"webhooks": {"type": "array", "items": ref("Webhook"), "maxItems": MAX_WEBHOOKS}},
        ),
    }


def _requests() -> Json:
    found: Json = {}
    for model in (NewWebhook, WebhookUpdate, WebhookRotation):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        found |= {name: without_titles(part) for name, part in schema.pop("$defs", {}).items()}
        found[model.__name__] = without_titles(schema)
    return found


def _shown() -> tuple[Json, Json]:
    """What is always said of a webhook, and what may be left out."""
    events = {"type": "string", "enum": [event.value for event in WebhookEvent]}
    return {
        "webhook_id": spelled(WEBHOOK_ID, "The webhook's id."),
        "workflow_id": spelled(WORKFLOW_ID, "The workflow."),
        "url": {"type": "string", "description": "What is called, by POST."},
        "events": {"type": "array", "items": events, "description": "What of."},
        "enabled": {"type": "boolean", "description": "Whether it is called."},
        "created_at": time("When it was made."),
    }, {
        "previous_secret_until": time("Until when the secret before signs too, while it is being rotated."),
        "stopped_reason": {"type": "string", "description": "Why Stepcall has disabled it, if it was Stepcall."},
    }
