"""Makes one attempt to deliver a webhook, or gives it up after the last: statemachine/webhook_delivery.asl.json."""

import random
import time
from functools import cache
from typing import Any
from uuid import UUID

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict

from deliver_webhook.post import post_with
from stepcall.guarded_http.client import GuardedHttp
from stepcall.runtime.allowed_hosts import AllowedHostSettings
from stepcall.runtime.background_wiring import metrics
from stepcall.runtime.delivery_wiring import deliveries, delivery_machine
from stepcall.runtime.observability import log_fact, logs_invocation, name_in_log
from stepcall.runtime.webhook_wiring import webhook_secrets, webhooks
from stepcall.runtime.wiring import now
from stepcall.runtime.worker import errors_for_the_machine
from stepcall.use_cases.deliver_webhook import DeliveryDependencies, WantedAttempt, deliver_webhook, give_up
from stepcall.version import VERSION


class Asked(BaseModel):
    """What the state machine sends: for an attempt, or to give up."""

    model_config = ConfigDict(frozen=True)

    run_id: UUID
    target: str
    sequence: int
    round: int
    attempt: int = 0
    wait_seconds: int = 0
    give_up: bool = False

    def wanted(self) -> WantedAttempt:
        return WantedAttempt(self.run_id, self.target, self.sequence, self.round, self.attempt, self.wait_seconds)


@cache
def dependencies() -> DeliveryDependencies:
    http = GuardedHttp(AllowedHostSettings.from_env().hosts, user_agent=f"Stepcall/{VERSION}")
    return DeliveryDependencies(
        deliveries=deliveries(),
        webhooks=webhooks(),
        executions=delivery_machine(),
        secrets=webhook_secrets(),
        post=post_with(http),
        now=now,
        monotonic=time.monotonic,
        random=random.random,  # spreads load, and keeps no secret
        log=log_fact,
        metrics=metrics(),
    )


@logs_invocation
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, str | int]:
    asked = Asked.model_validate(event)
    name_in_log(run_id=str(asked.run_id), target=asked.target)
    with errors_for_the_machine():
        told = (give_up if asked.give_up else deliver_webhook)(asked.wanted(), dependencies())
    return {"outcome": told.outcome.value, "wait_seconds": told.wait_seconds}
