"""What starts runs by events takes: of what the faces have, what accepts runs."""

from functools import cache

from stepcall.aws.invalid_event_queue import SqsInvalidEvents
from stepcall.runtime.background_wiring import metrics
from stepcall.runtime.client_wiring import make_client
from stepcall.runtime.settings import InvalidEventSettings, TenantSettings
from stepcall.runtime.trigger_wiring import triggers
from stepcall.runtime.wiring import accept_fields
from stepcall.use_cases.invalid_events import EventDependencies


@cache
def event_dependencies() -> EventDependencies:
    accept = accept_fields()
    queue_url = InvalidEventSettings.from_env().queue_url
    return EventDependencies(
        **accept,
        triggers=triggers(),
        default_tenant=TenantSettings.from_env().default,
        invalid_events=SqsInvalidEvents(make_client("sqs"), queue_url, accept["payloads"]),
        metrics=metrics(),
    )
