"""Each store's implementations, in memory and on moto with the tables of template.yaml."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from local.moto_world.atomic_calls import atomic_calls
from local.moto_world.expression_speed import fast_expressions
from local.moto_world.request_speed import fast_requests
from local.moto_world.table_speed import fast_tables
from stepcall.aws.outputs import S3PayloadStore
from stepcall.aws.uploads import S3Uploads
from stepcall.stores.api_key_store import ApiKeyStore
from stepcall.stores.connection_store import ConnectionStore
from stepcall.stores.delivery_store import DeliveryStore
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from stepcall.stores.dynamo_connection_store import DynamoConnectionStore
from stepcall.stores.dynamo_delivery_store import DynamoDeliveryStore
from stepcall.stores.dynamo_procedure_store import DynamoProcedureStore
from stepcall.stores.dynamo_rate_limit_store import DynamoRateLimitStore
from stepcall.stores.dynamo_run_store import DynamoRunStore
from stepcall.stores.dynamo_slot_store import DynamoSlotStore
from stepcall.stores.dynamo_task_type_store import DynamoTaskTypeStore
from stepcall.stores.dynamo_trigger_store import DynamoTriggerStore
from stepcall.stores.dynamo_webhook_store import DynamoWebhookStore
from stepcall.stores.dynamo_workflow_store import DynamoWorkflowStore
from stepcall.stores.memory_api_key_store import MemoryApiKeyStore
from stepcall.stores.memory_connection_store import MemoryConnectionStore
from stepcall.stores.memory_delivery_store import MemoryDeliveryStore
from stepcall.stores.memory_payload_store import MemoryPayloadStore
from stepcall.stores.memory_procedure_store import MemoryProcedureStore
from stepcall.stores.memory_rate_limit_store import MemoryRateLimitStore
from stepcall.stores.memory_run_store import MemoryRunStore
from stepcall.stores.memory_slot_store import MemorySlotStore
from stepcall.stores.memory_task_type_store import MemoryTaskTypeStore
from stepcall.stores.memory_trigger_store import MemoryTriggerStore
from stepcall.stores.memory_webhook_store import MemoryWebhookStore
from stepcall.stores.memory_workflow_store import MemoryWorkflowStore
from stepcall.stores.payload_store import PayloadStore
from stepcall.stores.procedure_store import ProcedureStore
from stepcall.stores.rate_limit_store import RateLimitStore
from stepcall.stores.run_store import RunStore
from stepcall.stores.slot_store import SlotStore
from stepcall.stores.task_type_store import TaskTypeStore
from stepcall.stores.trigger_store import TriggerStore
from stepcall.stores.webhook_store import WebhookStore
from stepcall.stores.workflow_store import WorkflowStore
from stepcall.use_cases.uploads import Uploads
from tests.clock import Clock, new_ids
from tests.template.sam_template import read_template
from tests.unit.fake_sql import FakeUploads

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_s3 import S3Client

RETENTION = timedelta(days=90)
BUCKET = "the-data-bucket"
TABLES = ("RunsTable", "WorkflowsTable", "RateLimitsTable")
TABLE_PROPERTIES = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
IMPLEMENTATIONS = ("memory", "dynamodb")
# a local stack in the same process points clients to itself
AS_ON_AWS = Config(ignore_configured_endpoint_urls=True)  # type: ignore[call-arg] # the stubs do not know it


@pytest.fixture(scope="session")
def dynamodb_client() -> "DynamoDBClient":
    """One for all tests, as it is slow to make. moto answers every client that is made after moto was imported."""
    return boto3.client("dynamodb", config=AS_ON_AWS)


@pytest.fixture
def dynamodb(dynamodb_client: "DynamoDBClient") -> "Iterator[DynamoDBClient]":
    """moto's DynamoDB, atomic and fast as in the local stack, with the tables of template.yaml by logical id."""
    resources = read_template()["Resources"]
    with mock_aws(), atomic_calls(), fast_tables(), fast_expressions(), fast_requests():
        for name in TABLES:
            written = resources[name]["Properties"]
            properties: dict[str, Any] = {key: written[key] for key in TABLE_PROPERTIES if key in written}
            dynamodb_client.create_table(TableName=name, **properties)
        yield dynamodb_client
        for name in TABLES:  # moto forgets them itself only when no local stack runs in this process
            dynamodb_client.delete_table(TableName=name)


@pytest.fixture(params=IMPLEMENTATIONS)
def run_store(request: pytest.FixtureRequest) -> RunStore:
    if request.param == "memory":
        return MemoryRunStore()
    return DynamoRunStore(request.getfixturevalue("dynamodb"), "RunsTable", RETENTION)


@pytest.fixture(params=IMPLEMENTATIONS)
def workflow_store(request: pytest.FixtureRequest) -> WorkflowStore:
    if request.param == "memory":
        return MemoryWorkflowStore()
    return DynamoWorkflowStore(request.getfixturevalue("dynamodb"), "WorkflowsTable")


@pytest.fixture(params=IMPLEMENTATIONS)
def api_key_store(request: pytest.FixtureRequest) -> ApiKeyStore:
    if request.param == "memory":
        return MemoryApiKeyStore()
    return DynamoApiKeyStore(request.getfixturevalue("dynamodb"), "WorkflowsTable")


@pytest.fixture(params=IMPLEMENTATIONS)
def connection_store(request: pytest.FixtureRequest) -> ConnectionStore:
    if request.param == "memory":
        return MemoryConnectionStore()
    return DynamoConnectionStore(request.getfixturevalue("dynamodb"), "WorkflowsTable")


@pytest.fixture(params=IMPLEMENTATIONS)
def procedure_store(request: pytest.FixtureRequest) -> ProcedureStore:
    if request.param == "memory":
        return MemoryProcedureStore()
    return DynamoProcedureStore(request.getfixturevalue("dynamodb"), "WorkflowsTable")


@pytest.fixture(params=IMPLEMENTATIONS)
def task_type_store(request: pytest.FixtureRequest) -> TaskTypeStore:
    if request.param == "memory":
        return MemoryTaskTypeStore()
    return DynamoTaskTypeStore(request.getfixturevalue("dynamodb"), "WorkflowsTable")


@pytest.fixture(params=IMPLEMENTATIONS)
def webhook_store(request: pytest.FixtureRequest) -> WebhookStore:
    if request.param == "memory":
        return MemoryWebhookStore()
    return DynamoWebhookStore(request.getfixturevalue("dynamodb"), "WorkflowsTable")


@pytest.fixture(params=IMPLEMENTATIONS)
def trigger_store(request: pytest.FixtureRequest) -> TriggerStore:
    if request.param == "memory":
        return MemoryTriggerStore()
    return DynamoTriggerStore(request.getfixturevalue("dynamodb"), "WorkflowsTable")


@pytest.fixture(params=IMPLEMENTATIONS)
def delivery_store(request: pytest.FixtureRequest) -> DeliveryStore:
    if request.param == "memory":
        return MemoryDeliveryStore()
    return DynamoDeliveryStore(request.getfixturevalue("dynamodb"), "RunsTable", RETENTION)


@pytest.fixture(params=IMPLEMENTATIONS)
def rate_limit_store(request: pytest.FixtureRequest) -> RateLimitStore:
    if request.param == "memory":
        return MemoryRateLimitStore()
    return DynamoRateLimitStore(request.getfixturevalue("dynamodb"), "RateLimitsTable")


@pytest.fixture(params=IMPLEMENTATIONS)
def slot_store(request: pytest.FixtureRequest) -> SlotStore:
    if request.param == "memory":
        return MemorySlotStore()
    return DynamoSlotStore(request.getfixturevalue("dynamodb"), "RunsTable")


@pytest.fixture(scope="session")
def s3_client() -> "S3Client":
    return boto3.client("s3", region_name="us-east-1", config=AS_ON_AWS)


@pytest.fixture
def s3_store(s3_client: "S3Client", clock: Clock) -> Iterator[S3PayloadStore]:
    with mock_aws():
        s3_client.create_bucket(Bucket=BUCKET)
        yield S3PayloadStore(lambda: s3_client, BUCKET, new_ids(clock))


@pytest.fixture(params=("memory", "s3"))
def payload_store(request: pytest.FixtureRequest) -> PayloadStore:
    if request.param == "memory":
        return MemoryPayloadStore()
    store: S3PayloadStore = request.getfixturevalue("s3_store")
    return store


@pytest.fixture
def s3_uploads(s3_client: "S3Client", clock: Clock) -> Iterator[S3Uploads]:
    with mock_aws():
        s3_client.create_bucket(Bucket=BUCKET)
        yield S3Uploads(lambda: s3_client, BUCKET, new_ids(clock), clock.now)


@pytest.fixture(params=("fake", "s3"))
def uploads(request: pytest.FixtureRequest) -> Uploads:
    if request.param == "fake":
        return FakeUploads()
    made: S3Uploads = request.getfixturevalue("s3_uploads")
    return made


def in_parallel(calls: list[Any]) -> list[BaseException | None]:
    """Each call in a thread of its own, all let go at once; what each raised."""
    gate, raised = threading.Barrier(len(calls)), list[BaseException | None]([None] * len(calls))

    def run(index: int) -> None:
        gate.wait()
        try:
            calls[index]()
        except Exception as exc:  # the test looks at every one
            raised[index] = exc

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def nth_id(number: int) -> UUID:
    """Ids that sort as their numbers."""
    return UUID(int=(0x7 << 76) | number)
