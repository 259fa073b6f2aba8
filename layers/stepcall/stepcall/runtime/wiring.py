"""Puts stores, clients and settings together, once per process, at the first call: importing needs no environment."""

import os
import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.config import Config
from botocore.session import Session

from stepcall.aws.outputs import S3PayloadStore
from stepcall.aws.session import open_session
from stepcall.aws.state_machines import MachineAddress, StepFunctions
from stepcall.domain.ids import uuid7
from stepcall.runtime.authentication import Authenticator
from stepcall.runtime.observability import log_fact
from stepcall.runtime.settings import EngineSettings, StoreSettings
from stepcall.stores.cached_workflow_store import CachedWorkflowStore
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from stepcall.stores.dynamo_run_store import DynamoRunStore
from stepcall.stores.dynamo_workflow_store import DynamoWorkflowStore
from stepcall.tasks.catalog import CATALOG
from stepcall.use_cases.compile_version import MachineCompiler
from stepcall.use_cases.dependencies import FaceDependencies, WorkerDependencies

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_s3 import S3Client
    from types_boto3_stepfunctions import SFNClient

# The gateway waits 29 s for an answer: a call that hangs is given up, tried again, and reported within 20 s.
CONFIG = Config(
    connect_timeout=1,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
)
# In the oldest regions pre-signed links would be signed by version 2, which buckets of today refuse.
S3_CONFIG = CONFIG.merge(Config(signature_version="s3v4"))


def now() -> datetime:
    return datetime.now(UTC)


def new_id() -> UUID:
    return uuid7(now(), os.urandom)


@cache
def session() -> Session:
    return open_session()


def make_client(service: str, config: Config = CONFIG) -> Any:
    """A new client, in a tenth of the time that the session's first one takes."""
    return session().create_client(service, config=config)


@cache
def dynamodb() -> "DynamoDBClient":
    client: DynamoDBClient = make_client("dynamodb")
    return client


@cache
def stepfunctions() -> "SFNClient":
    client: SFNClient = make_client("stepfunctions")
    return client


@cache
def s3() -> "S3Client":
    client: S3Client = make_client("s3", S3_CONFIG)
    return client


@cache
def worker_dependencies() -> WorkerDependencies:
    """For what state machines call."""
    settings = StoreSettings.from_env()
    return WorkerDependencies(
        workflows=CachedWorkflowStore(DynamoWorkflowStore(dynamodb(), settings.workflows_table), time.monotonic),
        runs=DynamoRunStore(dynamodb(), settings.runs_table, settings.retention),
        payloads=S3PayloadStore(s3, settings.data_bucket, new_id),
        catalog=CATALOG,
        now=now,
        log=log_fact,
    )


@cache
def face_dependencies() -> FaceDependencies:
    """For the faces."""
    settings = EngineSettings.from_env()
    address = MachineAddress(settings.states_arn_prefix, settings.name_prefix, settings.role_arn)
    worker = worker_dependencies()
    return FaceDependencies(
        workflows=worker.workflows,
        runs=worker.runs,
        payloads=worker.payloads,
        catalog=worker.catalog,
        now=worker.now,
        log=worker.log,
        engine=StepFunctions(stepfunctions(), address),
        compile=MachineCompiler(worker.catalog, settings.function_arns),
        new_id=new_id,
        sleep=time.sleep,
        monotonic=time.monotonic,
    )


@cache
def authenticator() -> Authenticator:
    return Authenticator(DynamoApiKeyStore(dynamodb(), StoreSettings.from_env().workflows_table), time.monotonic)
