"""What the made template says of events: retries of functions, mappings of streams, rules with their schedules."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from moto.cloudformation.parsing import clean_json
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.events.models import EventPattern

from local.background.async_invocations import AsyncSettings
from local.background.rule_targets import service_of
from local.background.schedules import times_of_rule
from local.background.stream_mappings import StreamMapping
from local.errors import UnsupportedResourceError
from local.moto_world.rule_events import rules
from local.template import REGION

INVOKE_CONFIG = "AWS::Lambda::EventInvokeConfig"
MAPPING = "AWS::Lambda::EventSourceMapping"
BY_US = frozenset({"lambda", "sqs"})
BY_MOTO = frozenset({"logs"})


def read_async_settings(resources: Mapping[str, Any], created: Any) -> dict[str, AsyncSettings]:
    """By the name of the function. Raises UnsupportedResourceError."""
    settings = {}
    for logical_id, resource in resources.items():
        if resource["Type"] == INVOKE_CONFIG:
            said = clean_json(resource["Properties"], created)
            defaults = AsyncSettings()
            settings[said["FunctionName"]] = AsyncSettings(
                retries=int(said.get("MaximumRetryAttempts", defaults.retries)),
                max_age_seconds=float(said.get("MaximumEventAgeInSeconds", defaults.max_age_seconds)),
                on_failure=_failure_queue(logical_id, said.get("DestinationConfig")),
            )
    return settings


def read_mappings(resources: Mapping[str, Any], made: Mapping[str, Any]) -> Iterator[StreamMapping]:
    """Those that are enabled. Raises UnsupportedResourceError."""
    for logical_id, resource in resources.items():
        if resource["Type"] == MAPPING and _is_true(made[logical_id].enabled):
            yield _read_mapping(logical_id, made[logical_id])


def _read_mapping(logical_id: str, made: Any) -> StreamMapping:
    source: str = made.event_source_arn
    if service_of(source) != "dynamodb":
        raise UnsupportedResourceError(f"The local stack maps streams of tables only, and {logical_id} has {source}.")
    table = source.split("/")[1]
    kept: Any = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].get_table(table)
    return StreamMapping(
        function=made.function_arn,
        stream=source,
        table=table,
        partition_key=kept.hash_key_attr,
        shard=kept.stream_shard.id,
        batch_size=made.batch_size,
        window_seconds=float(made.max_batch_window or 0),
        at_once_per_shard=int(made.parallelization_factor or 1),
        filters=tuple(EventPattern.load(f["Pattern"]) for f in (made.filter_criteria or {}).get("Filters", [])),
        retries=_limit(made.max_retry_attempts),
        max_age_seconds=_limit(made.max_record_age),
        bisects=_is_true(made.bisect_on_error),
        reports_items="ReportBatchItemFailures" in (made.function_response_types or []),
        on_failure=_failure_queue(logical_id, made.destination_config),
    )


def _limit(said: Any) -> int | None:
    """-1, as nothing at all, stands for no limit."""
    return None if said is None or int(said) < 0 else int(said)


def _is_true(said: Any) -> bool:
    """moto hands a template's booleans on as they are or as text."""
    return str(said).lower() == "true"


def _failure_queue(logical_id: str, destinations: Mapping[str, Any] | None) -> str | None:
    arn: str | None = (destinations or {}).get("OnFailure", {}).get("Destination")
    if arn is not None and service_of(arn) != "sqs":
        raise UnsupportedResourceError(f"The local stack keeps failures in queues only, and {logical_id} has {arn}.")
    return arn


def check_rules(functions: Collection[str]) -> None:
    """`functions` are the ARNs of the stack's. Raises UnsupportedResourceError."""
    for rule in rules():
        if rule.scheduled_expression:
            times_of_rule(rule, now=0)
        for target in rule.targets:
            arn = target["Arn"]
            if service_of(arn) not in BY_US | BY_MOTO or (service_of(arn) == "lambda" and arn not in functions):
                raise UnsupportedResourceError(f"The local stack cannot bring events of {rule.name} to {arn}.")
