"""The routes of deliveries of webhooks."""

from stepcall.domain.delivery import ATTEMPTS_KEPT, DeliveryStatus
from stepcall.domain.delivery_errors import DeliveryNotFoundError, DeliveryPendingError
from stepcall.domain.rate_limit import RateLimitedError
from stepcall.domain.webhook import WebhookEvent
from stepcall.domain.webhook_errors import WebhookDisabledError, WebhookNotFoundError
from stepcall.runtime.http import InvalidRequestError
from stepcall.stores.workflow_store import WorkflowNotFoundError
from workflows_api.delivery_requests import DeliveriesQuery
from workflows_api.describe.answer_schemas import page_of, record, spelled, time
from workflows_api.describe.execution_routes import ANY_EXECUTION, NO_RUN
from workflows_api.describe.operations import LIST_DESCRIPTIONS, WORKFLOW, operation
from workflows_api.describe.parts import UUID, Json, answer, path_parameter, query_parameters, ref
from workflows_api.describe.webhook_routes import TAG, WEBHOOK_ID

DELIVERY_ID = r"dl-[0-9a-z]{25}"
DELIVERY = path_parameter(
    "delivery_id", "The delivery: `dl-…`, or its UUID.", f"{DELIVERY_ID}|{UUID}", "dl-03h9x0v1mh2j8c5d7k4q6s8tz"
)
LIST = query_parameters(DeliveriesQuery, LIST_DESCRIPTIONS)
REDELIVERY_ERRORS = (
    *NO_RUN,
    WorkflowNotFoundError,
    DeliveryNotFoundError,
    DeliveryPendingError,
    WebhookNotFoundError,
    WebhookDisabledError,
    RateLimitedError,
)
DELIVERY_PATHS: Json = {
    "/workflows/{workflow_id}/executions/{execution_id}/deliveries": {
        "get": operation(
            "listDeliveries",
            "What webhooks were told of an execution, and what came of each attempt",
            {"200": answer("Receiver by receiver, in the order of the events.", ref("DeliveryPage"))},
            [InvalidRequestError, *NO_RUN],
            tag=TAG,
            parameters=[WORKFLOW, ANY_EXECUTION, *LIST],
        )
    },
    "/workflows/{workflow_id}/executions/{execution_id}/deliveries/{delivery_id}/redeliver": {
        "post": operation(
            "redeliver",
            "Deliver once more, with the same `webhook-id`; it counts as a start for the key's limit",
            {"202": answer("Begun: another round of attempts.", {"anyOf": [ref("Delivery"), ref("Redelivery")]})},
            REDELIVERY_ERRORS,
            tag=TAG,
            parameters=[WORKFLOW, ANY_EXECUTION, DELIVERY],
        )
    },
}


def delivery_schemas() -> Json:
    told = _delivery()
    of_redelivery = {name: told["properties"][name] for name in ("delivery_id", "status")}
    return {
        "DeliveryPage": page_of("deliveries", ref("Delivery")),
        "Delivery": told,
        "Redelivery": record("What is told of a redelivery without `runs:read`.", of_redelivery),
        "DeliveryAttempt": _attempt(),
    }


def _delivery() -> Json:
    return record(
        "One event for one receiver.",
        {
            "delivery_id": spelled(DELIVERY_ID, "The delivery."),
            "webhook_id": {
                "type": ["string", "null"],
                "pattern": f"^{WEBHOOK_ID}$",
                "description": "The webhook; null for the execution's own `webhook_url`.",
            },
            "event": {"type": "string", "enum": list(WebhookEvent), "description": "The `type` that is sent."},
            "event_id": spelled(UUID, "What is sent as `webhook-id`."),
            "sequence": {"type": "integer", "minimum": 1, "description": "Of the event among its execution's."},
            "url": {"type": "string", "description": "Where to, without its query."},
            "status": {
                "type": "string",
                "enum": list(DeliveryStatus),
                "description": "PENDING until an attempt succeeds, or the last has failed.",
            },
            "attempts": {"type": "array", "maxItems": ATTEMPTS_KEPT, "items": ref("DeliveryAttempt")},
        },
        {
            "next_attempt_at": time("When the next attempt comes."),
            "waits_for": spelled(
                DELIVERY_ID, "While one of an earlier event to the same receiver has not ended: that."
            ),
        },
    )


def _attempt() -> Json:
    return record(
        "One attempt.",
        {
            "at": time("When it was made."),
            "status_code": {"type": ["integer", "null"], "description": "What was answered; null for no answer."},
            "duration_ms": {"type": "integer", "minimum": 0, "description": "Until the answer's head had come."},
            "error": {"type": ["string", "null"], "description": "Why it failed; null for a success."},
        },
    )
