"""What the environment says, read once. A missing variable is named."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from stepcall.asl.compiler import FINISH_RUN
from stepcall.domain.errors import StepcallError
from stepcall.domain.task_contract import Worker

MAX_PREFIX_LENGTH = 47  # a state machine's name has at most 80 characters: prefix, hyphen, 32 hexadecimal digits


class SettingsError(StepcallError):
    """The environment lacks something, or says something that cannot be."""


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where data is kept: for every function."""

    workflows_table: str
    runs_table: str
    data_bucket: str
    retention: timedelta

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "StoreSettings":
        return cls(
            workflows_table=read(env, "WORKFLOWS_TABLE"),
            runs_table=read(env, "RUNS_TABLE"),
            data_bucket=read(env, "DATA_BUCKET"),
            retention=timedelta(days=read_number(env, "RUN_RETENTION_DAYS")),
        )


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How state machines are made, and runs started: for the faces, and for the sweep."""

    name_prefix: str
    role_arn: str
    function_arns: Mapping[str, str]
    """By the name of the function's folder."""
    athena_work_group: str
    """Empty where the deployment has no Athena."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "EngineSettings":
        prefix = read(env, "STATE_MACHINE_PREFIX")
        if len(prefix) > MAX_PREFIX_LENGTH:
            raise SettingsError(
                f"STATE_MACHINE_PREFIX is {prefix!r}: it may have {MAX_PREFIX_LENGTH} characters. "
                "Deploy under a shorter stack name."
            )
        functions = (*(worker for worker in Worker if worker is not Worker.WORKFLOW), FINISH_RUN)
        return cls(
            name_prefix=prefix,
            role_arn=read(env, "STATE_MACHINE_ROLE_ARN"),
            function_arns={str(name): read(env, f"{name.upper()}_ARN") for name in functions}
            | {Worker.WORKFLOW.value: _read_own_arn(env)},
            athena_work_group=env.get("ATHENA_WORK_GROUP", ""),
        )

    @property
    def states_arn_prefix(self) -> str:
        """`arn:PARTITION:states:REGION:ACCOUNT`, taken from a function's ARN: they stand in the same place."""
        _, partition, _, region, account, *_ = self.function_arns[FINISH_RUN].split(":")
        return f"arn:{partition}:states:{region}:{account}"


def _read_own_arn(env: Mapping[str, str]) -> str:
    """Of the function that executes workflows; it is told of all others, and no template can tell it of itself."""
    if told := env.get("RUN_WORKFLOW_TASK_ARN"):
        return told
    beside, _, _ = read(env, "FINISH_RUN_ARN").rpartition(":")
    return f"{beside}:{read(env, 'AWS_LAMBDA_FUNCTION_NAME')}"


class RateLimitSettings(NamedTuple):
    """Where uses are counted: for the faces."""

    table: str

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "RateLimitSettings":
        return cls(read(env, "RATE_LIMITS_TABLE"))


class SlotSettings(NamedTuple):
    """How many runs of one tenant may be under way at once, 0 for any number: for what starts executions."""

    max_running: int

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "SlotSettings":
        return cls(read_number(env, "MAX_RUNNING_RUNS"))


class DeadlineSettings(NamedTuple):
    """How long a run may take: for the faces."""

    time_to_run: timedelta

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "DeadlineSettings":
        return cls(timedelta(hours=read_number(env, "RUN_DEADLINE_HOURS")))


class DatasetSettings(NamedTuple):
    """Which buckets datasets may be imported from, besides uploads: for what takes them, and what imports them."""

    buckets: frozenset[str]

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "DatasetSettings":
        return cls(frozenset(filter(None, env.get("DATASET_BUCKETS", "").split(","))))


class FirstKeySettings(NamedTuple):
    """Where the deployment's first API key is, empty for none, and whose it is: for the faces."""

    secret_arn: str
    tenant: str

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "FirstKeySettings":
        return cls(env.get("FIRST_API_KEY_SECRET_ARN", ""), read(env, "FIRST_API_KEY_TENANT"))


class InvalidEventSettings(NamedTuple):
    """Where events are kept that can start nothing."""

    queue_url: str

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "InvalidEventSettings":
        return cls(read(env, "INVALID_EVENTS_URL"))


class TenantSettings(NamedTuple):
    """Whose workflows are meant where nobody says it: for events."""

    default: str

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "TenantSettings":
        return cls(read(env, "FIRST_API_KEY_TENANT"))


class TokenSettings(NamedTuple):
    """Where the keys are that tokens are signed with, and who signs: for the faces."""

    secret_arn: str
    issuer: str

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "TokenSettings":
        return cls(read(env, "TOKEN_KEY_SECRET_ARN"), read(env, "TOKEN_ISSUER"))


class EventSettings(NamedTuple):
    """Where events of runs go: for what tells them."""

    bus: str
    """Its name."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "EventSettings":
        return cls(read(env, "EVENT_BUS"))


class DeliverySettings(NamedTuple):
    """What makes the attempts of webhooks: for who tells of runs, who sends, and who sends again."""

    machine_arn: str

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "DeliverySettings":
        return cls(read(env, "WEBHOOK_DELIVERY_ARN"))


class MetricSettings(NamedTuple):
    """What metrics are told apart by: for what measures."""

    stack: str
    """Its name."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "MetricSettings":
        return cls(read(env, "STACK_NAME"))


class ProviderKeySettings(NamedTuple):
    """Where the secret is that callers' own keys are encrypted with: for the faces, and for what asks a model."""

    secret_arn: str

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "ProviderKeySettings":
        return cls(read(env, "PROVIDER_KEYS_SECRET_ARN"))


class WebhookSettings(NamedTuple):
    """Where the secret is that what webhooks are signed with is derived from: for who tells it, and who signs."""

    secret_arn: str

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "WebhookSettings":
        return cls(read(env, "WEBHOOK_SIGNING_SECRET_ARN"))


def read_number(env: Mapping[str, str], name: str) -> int:
    """A variable that is a whole number. Raises SettingsError."""
    try:
        return int(read(env, name))
    except ValueError as exc:
        raise SettingsError(f"The environment variable {name} is {env[name]!r}: it must be a whole number.") from exc


def read(env: Mapping[str, str], name: str) -> str:
    """A variable that must be there. Raises SettingsError."""
    if not env.get(name):
        raise SettingsError(f"The environment variable {name} is missing; template.yaml sets it.")
    return env[name]
