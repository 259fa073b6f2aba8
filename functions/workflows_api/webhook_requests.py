"""What the routes of webhooks take. Imported when they are called: a cold start has no time for it."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from stepcall.domain.webhook import WebhookEvent
from stepcall.guarded_http.webhook_urls import MAX_WEBHOOK_URL_LENGTH
from stepcall.runtime.http import read_model
from stepcall.use_cases.create_webhook import ALL_EVENTS, CreateWebhook
from stepcall.use_cases.rotate_webhook_secret import DEFAULT_HOURS, MAX_HOURS
from stepcall.use_cases.update_webhook import UpdateWebhook
from workflows_api.whole_number import OR_WITH_POINT

URL_SCHEMA = {"format": "uri", "maxLength": MAX_WEBHOOK_URL_LENGTH}


def _refuse_twice(events: list[WebhookEvent]) -> list[WebhookEvent]:
    if len(set(events)) < len(events):
        raise PydanticCustomError("twice", "This names an event twice: write each of them once.")
    return events


Url = Annotated[str, Field(json_schema_extra={**URL_SCHEMA})]
Events = Annotated[
    list[Annotated[WebhookEvent, Field(strict=False)]],
    Field(min_length=1, max_length=len(WebhookEvent), json_schema_extra={"uniqueItems": True}),
    AfterValidator(_refuse_twice),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class NewWebhook(_Strict):
    """`POST /workflows/{workflow_id}/webhooks`."""

    url: Url
    events: Events | None = None


class WebhookUpdate(_Strict):
    """`PATCH /workflows/{workflow_id}/webhooks/{webhook_id}`: what is left out stays as it is."""

    url: Url | None = None
    events: Events | None = None
    enabled: bool | None = None


class WebhookRotation(_Strict):
    """`POST /workflows/{workflow_id}/webhooks/{webhook_id}/rotate`."""

    previous_valid_hours: Annotated[int, Field(ge=0, le=MAX_HOURS), OR_WITH_POINT] = DEFAULT_HOURS

    @property
    def previous_valid(self) -> timedelta:
        return timedelta(hours=self.previous_valid_hours)


def read_new_webhook(workflow_id: UUID, body: Any) -> CreateWebhook:
    """Raises InvalidRequestError with every problem."""
    said = read_model(body, NewWebhook)
    return CreateWebhook(workflow_id, said.url, ALL_EVENTS if said.events is None else frozenset(said.events))


def read_webhook_update(workflow_id: UUID, webhook_id: UUID, body: Any) -> UpdateWebhook:
    """Raises InvalidRequestError with every problem."""
    said = read_model(body, WebhookUpdate)
    events = None if said.events is None else frozenset(said.events)
    return UpdateWebhook(workflow_id, webhook_id, said.url, events, said.enabled)
