"""What deliveries of webhooks take, for who tells of runs, who sends, and who shows and repeats them."""

from functools import cache

from stepcall.aws.delivery_machine import DeliveryMachine
from stepcall.aws.outages import is_outage
from stepcall.runtime.client_wiring import dynamodb, stepfunctions
from stepcall.runtime.observability import log_fact
from stepcall.runtime.settings import DeliverySettings, StoreSettings
from stepcall.runtime.webhook_wiring import webhooks
from stepcall.stores.dynamo_delivery_store import DynamoDeliveryStore
from stepcall.use_cases.tell_webhooks import FanOutDependencies

RECEIVERS_AT_ONCE = 8  # of one event; a client has 10 connections


@cache
def deliveries() -> DynamoDeliveryStore:
    settings = StoreSettings.from_env()
    return DynamoDeliveryStore(dynamodb(), settings.runs_table, settings.retention)


@cache
def delivery_machine() -> DeliveryMachine:
    return DeliveryMachine(stepfunctions(), DeliverySettings.from_env().machine_arn)


@cache
def fan_out_dependencies() -> FanOutDependencies:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - no face tells of runs

    return FanOutDependencies(
        webhooks=webhooks(),
        deliveries=deliveries(),
        executions=delivery_machine(),
        is_outage=is_outage,
        log=log_fact,
        at_once=ThreadPoolExecutor(RECEIVERS_AT_ONCE).map,
    )
