"""Puts stores, clients and settings together, once per process, at the first call: importing needs no environment."""

import os
import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

from stepcall.aws.outputs import S3PayloadStore
from stepcall.aws.sql_worker import LambdaSqlWorker
from stepcall.aws.state_machines import MachineAddress, StepFunctions
from stepcall.aws.uploads import S3Uploads
from stepcall.domain.access import Caller
from stepcall.domain.ids import uuid7
from stepcall.domain.task_contract import Worker
from stepcall.runtime.authentication import Authenticator, FirstKey, KnownKeys
from stepcall.runtime.client_wiring import dynamodb, lambda_, s3, secretsmanager, stepfunctions
from stepcall.runtime.first_key import SecretFirstKey
from stepcall.runtime.invokable_settings import InvokableSettings
from stepcall.runtime.observability import correlation_id, log_about, log_fact
from stepcall.runtime.settings import (
    DatasetSettings,
    DeadlineSettings,
    EngineSettings,
    FirstKeySettings,
    ProviderKeySettings,
    RateLimitSettings,
    SlotSettings,
    StoreSettings,
    TokenSettings,
)
from stepcall.runtime.task_type_wiring import task_types
from stepcall.stores.cached_workflow_store import CachedWorkflowStore
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from stepcall.stores.dynamo_connection_store import DynamoConnectionStore
from stepcall.stores.dynamo_procedure_store import DynamoProcedureStore
from stepcall.stores.dynamo_rate_limit_store import DynamoRateLimitStore
from stepcall.stores.dynamo_run_store import DynamoRunStore
from stepcall.stores.dynamo_slot_store import DynamoSlotStore
from stepcall.stores.dynamo_workflow_store import DynamoWorkflowStore
from stepcall.tasks.catalog import CATALOG
from stepcall.use_cases.compile_version import MachineCompiler
from stepcall.use_cases.dependencies import (
    AcceptFields,
    FaceDependencies,
    StartDependencies,
    StartFields,
    WorkerDependencies,
    WorkerFields,
)

if TYPE_CHECKING:
    from stepcall.aws.token_keys import TokenKeys
    from stepcall.runtime.page_tokens import PageTokens
    from stepcall.runtime.provider_keys import ProviderKeys
    from stepcall.runtime.tokens import JwtTokens


def now() -> datetime:
    return datetime.now(UTC)


def new_id() -> UUID:
    return uuid7(now(), os.urandom)


@cache
def engine_settings() -> EngineSettings:
    return EngineSettings.from_env()


@cache
def worker_fields() -> WorkerFields:
    settings = StoreSettings.from_env()
    return {
        "workflows": CachedWorkflowStore(DynamoWorkflowStore(dynamodb(), settings.workflows_table), time.monotonic),
        "runs": DynamoRunStore(dynamodb(), settings.runs_table, settings.retention),
        "payloads": S3PayloadStore(s3, settings.data_bucket, new_id),
        "catalog": CATALOG,
        "now": now,
        "log": log_fact,
    }


@cache
def worker_dependencies() -> WorkerDependencies:
    """For what state machines call."""
    return WorkerDependencies(**worker_fields())


@cache
def engine() -> StepFunctions:
    settings = engine_settings()
    address = MachineAddress(settings.states_arn_prefix, settings.name_prefix, settings.role_arn)
    return StepFunctions(stepfunctions(), address)


@cache
def compiler() -> MachineCompiler:
    settings = engine_settings()
    return MachineCompiler(CATALOG, settings.function_arns, settings.athena_work_group)


@cache
def start_fields() -> StartFields:
    return {
        **worker_fields(),
        "about": log_about,
        "engine": engine(),
        "compile": compiler(),
        "slots": DynamoSlotStore(dynamodb(), StoreSettings.from_env().runs_table),
        "max_running": SlotSettings.from_env().max_running,
    }


@cache
def start_dependencies() -> StartDependencies:
    """For what starts executions."""
    return StartDependencies(**start_fields())


@cache
def accept_fields() -> AcceptFields:
    return {
        **start_fields(),
        "time_to_run": DeadlineSettings.from_env().time_to_run,
        "rate_limits": DynamoRateLimitStore(dynamodb(), RateLimitSettings.from_env().table),
        "correlation_id": correlation_id,
        "encrypt_provider_key": encrypt_provider_key,
        "admit_webhook_url": admit_webhook_url,
        "new_id": new_id,
    }


@cache
def face_dependencies() -> FaceDependencies:
    """For the faces."""
    settings, stores = engine_settings(), StoreSettings.from_env()
    return FaceDependencies(
        **accept_fields(),
        keys=api_keys(),
        read_own_key=lambda tenant, key_id: known_keys().of_id_anew(tenant, key_id),
        forget_key=lambda tenant, key_id: known_keys().forget(tenant, key_id),
        connections=connections(),
        procedures=DynamoProcedureStore(dynamodb(), stores.workflows_table),
        sql_worker=LambdaSqlWorker(lambda_, settings.function_arns[Worker.SQL]),
        uploads=S3Uploads(s3, stores.data_bucket, new_id, now),
        athena_available=bool(settings.athena_work_group),
        task_types=task_types,
        functions=InvokableSettings.from_env().functions,
        dataset_buckets=DatasetSettings.from_env().buckets - {stores.data_bucket},  # all tenants' data lies there
        sleep=time.sleep,
        monotonic=time.monotonic,
    )


@cache
def connections() -> DynamoConnectionStore:
    """For the faces, and for the worker that runs SQL."""
    return DynamoConnectionStore(dynamodb(), StoreSettings.from_env().workflows_table)


@cache
def api_keys() -> DynamoApiKeyStore:
    return DynamoApiKeyStore(dynamodb(), StoreSettings.from_env().workflows_table)


@cache
def known_keys() -> KnownKeys:
    return KnownKeys(api_keys(), time.monotonic, now, first_key())


def first_key() -> FirstKey | None:
    """None where the deployment has none any more."""
    settings = FirstKeySettings.from_env()
    if not settings.secret_arn:
        return None
    return SecretFirstKey(lambda: _read_secret(settings.secret_arn), settings.tenant, time.monotonic)


def _read_secret(secret_arn: str) -> str:
    """For who keeps what was read. Loaded when first asked for: most processes never are."""
    from stepcall.aws.secrets import SecretsReader  # noqa: PLC0415

    return SecretsReader(secretsmanager(), time.monotonic).get(secret_arn)


@cache
def provider_keys() -> "ProviderKeys":
    from stepcall.aws.token_keys import TokenKeys  # noqa: PLC0415
    from stepcall.runtime.provider_keys import ProviderKeys  # noqa: PLC0415

    return ProviderKeys(TokenKeys(secretsmanager, ProviderKeySettings.from_env().secret_arn, time.monotonic))


def encrypt_provider_key(run_id: UUID, key: str) -> bytes:
    """See FaceDependencies. Loaded when first asked for: few callers send a key of their own."""
    return provider_keys().encrypt(run_id, key)


def admit_webhook_url(url: str) -> None:
    """See FaceDependencies. Loaded when first asked for: few callers want to be called back."""
    from stepcall.runtime import webhook_wiring  # noqa: PLC0415

    webhook_wiring.admit_webhook_url(url)


@cache
def token_keys() -> "TokenKeys":
    from stepcall.aws.token_keys import TokenKeys  # noqa: PLC0415

    return TokenKeys(secretsmanager, TokenSettings.from_env().secret_arn, time.monotonic)


@cache
def tokens() -> "JwtTokens":
    from stepcall.runtime.tokens import JwtTokens  # noqa: PLC0415

    return JwtTokens(token_keys(), TokenSettings.from_env().issuer, known_keys().of_id)


@cache
def page_tokens() -> "PageTokens":
    """For lists whose pages go on at what only we can name."""
    from stepcall.runtime.page_tokens import PageTokens  # noqa: PLC0415

    return PageTokens(token_keys())


class TokensWhenSeen:
    """A TokenVerifier that loads what it takes, a seventieth of a second, with the first token."""

    @staticmethod
    def verify(token: str) -> Caller:
        return tokens().verify(token)


@cache
def authenticator() -> Authenticator:
    return Authenticator(known_keys(), TokensWhenSeen())
