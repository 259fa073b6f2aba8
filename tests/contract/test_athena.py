"""Every request that is made of Athena and of Glue, and what is made of the answers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.athena.models import athena_backends
from moto.glue.models import glue_backends

from local.moto_world.athena_queries import athena_that_executes
from stepcall.aws.athena import Athena, AthenaPlace
from stepcall.domain.connection import Column
from stepcall.use_cases.query_service import StatementRefusedError, UnknownTypeError

REGION, ACCOUNT = "us-east-1", "123456789012"
PLACE = AthenaPlace("group", "tables", "data")
COLUMNS = (Column("city", "STRING"), Column("sold", "ARRAY<INT64>"))
NOW = datetime.now(UTC)
CREATED = "CREATE TABLE tables.t WITH (format='PARQUET', external_location='s3://data/t/') AS SELECT 1 AS one"
Requests = list[tuple[str, dict[str, Any]]]


class World:
    """Athena and Glue of moto, with every request that came there; the next one of a name can be refused."""

    def __init__(self, athena_client: Any, glue: Any) -> None:
        self.requests: Requests = []
        self.refusals: dict[str, str] = {}
        self.athena_client, self.glue = athena_client, glue
        for client in (athena_client, glue):
            client.meta.events.register("before-call", self._see, unique_id="world")
        self.service = self.at(NOW)

    def leave(self) -> None:
        for client in (self.athena_client, self.glue):
            client.meta.events.unregister("before-call", unique_id="world")
        statements().clear()
        glue_backends[ACCOUNT][REGION].databases[PLACE.database].tables.clear()

    def at(self, time: datetime) -> Athena:
        return Athena(self.athena_client, self.glue, PLACE, lambda: time)

    def _see(self, model: Any, params: Any, **_: Any) -> Any:
        sent: dict[str, Any] = json.loads(params["body"])
        self.requests.append((model.name, sent))
        if model.name in self.refusals:
            raise ClientError({"Error": {"Code": self.refusals.pop(model.name), "Message": "No."}}, model.name)


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[Any, Any]]:
    """Of Athena and Glue. Making them takes longer than all tests."""
    make: Any = boto3.client
    with mock_aws(), athena_that_executes():
        athena, glue, s3 = (make(name, region_name=REGION) for name in ("athena", "glue", "s3"))
        athena.create_work_group(Name=PLACE.work_group)
        glue.create_database(DatabaseInput={"Name": PLACE.database})
        s3.create_bucket(Bucket=PLACE.bucket)
        yield athena, glue


@pytest.fixture
def world(clients: tuple[Any, Any]) -> Iterator[World]:
    world = World(*clients)
    yield world
    world.leave()


def statements() -> dict[str, Any]:
    return athena_backends[ACCOUNT][REGION].prepared_statements


def test_a_statement_is_kept_in_the_deployments_work_group(world: World) -> None:
    world.service.prepare("stepcall_1", CREATED)
    expected = {"StatementName": "stepcall_1", "WorkGroup": "group", "QueryStatement": CREATED}
    assert world.requests == [("CreatePreparedStatement", expected)]


def test_the_same_statement_again_is_fine(world: World) -> None:
    for _ in range(2):
        world.service.prepare("stepcall_1", CREATED)
    assert [name for name, _ in world.requests][1:] == ["CreatePreparedStatement", "GetPreparedStatement"]


def test_another_statement_under_its_name_is_not(world: World) -> None:
    world.service.prepare("stepcall_1", CREATED)
    with pytest.raises(StatementRefusedError, match="already exists"):
        world.service.prepare("stepcall_1", CREATED + " ")


def test_where_there_is_no_room_statements_that_were_left_behind_make_some(world: World) -> None:
    for name in ("old_1", "old_2"):
        world.service.prepare(name, CREATED)
    world.refusals["CreatePreparedStatement"] = "InvalidRequestException"
    world.requests.clear()
    world.at(NOW + timedelta(days=2)).prepare("new_1", CREATED)
    assert [name for name, _ in world.requests] == [
        *("CreatePreparedStatement", "GetPreparedStatement", "ListPreparedStatements"),
        *("DeletePreparedStatement", "DeletePreparedStatement", "CreatePreparedStatement"),
    ]
    assert set(statements()) == {"new_1"}


def test_statements_that_may_be_in_use_are_left_alone(world: World) -> None:
    world.service.prepare("young", CREATED)
    world.refusals["CreatePreparedStatement"] = "InvalidRequestException"
    with pytest.raises(StatementRefusedError, match=r"No\."):
        world.at(NOW + timedelta(hours=23)).prepare("new_1", CREATED)
    assert set(statements()) == {"young"}


def test_a_statement_is_forgotten_once_and_again(world: World) -> None:
    world.service.prepare("stepcall_1", CREATED)
    world.requests.clear()
    for _ in range(2):
        world.service.forget("stepcall_1")
    expected = ("DeletePreparedStatement", {"StatementName": "stepcall_1", "WorkGroup": "group"})
    assert world.requests == [expected] * 2


@pytest.mark.parametrize("call", ["prepare", "forget"])
def test_what_may_pass_is_not_hidden(world: World, call: str) -> None:
    world.refusals |= dict.fromkeys(("CreatePreparedStatement", "DeletePreparedStatement"), "ThrottlingException")
    with pytest.raises(ClientError, match="ThrottlingException"):
        world.service.forget("s_1") if call == "forget" else world.service.prepare("s_1", CREATED)


def test_a_table_is_external_parquet_with_columns_of_hives_types(world: World) -> None:
    world.service.put_table("Dataset_1", "datasets/acme/c/d-1/", COLUMNS)
    [(name, sent)] = world.requests
    assert (name, sent["DatabaseName"]) == ("CreateTable", "tables")
    table = sent["TableInput"]
    assert (table["Name"], table["TableType"], table["Parameters"]["classification"]) == (
        *("dataset_1", "EXTERNAL_TABLE", "parquet"),
    )
    storage = table["StorageDescriptor"]
    assert storage["Location"] == "s3://data/datasets/acme/c/d-1/"
    assert storage["Columns"] == [
        {"Name": "city", "Type": "string"},
        {"Name": "sold", "Type": "array<bigint>"},
    ]
    assert storage["SerdeInfo"] == {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    }


def test_a_table_that_is_there_is_fine_and_its_columns_are_told_in_bigquerys_words(world: World) -> None:
    for _ in range(2):
        world.service.put_table("dataset_1", "datasets/acme/c/d-1/", COLUMNS)
    assert world.service.columns_of("Dataset_1") == COLUMNS
    assert world.requests[-1] == ("GetTable", {"DatabaseName": "tables", "Name": "dataset_1"})


def test_a_type_that_athena_has_not_makes_no_request(world: World) -> None:
    with pytest.raises(UnknownTypeError):
        world.service.put_table("dataset_1", "datasets/", [Column("at", "TIME")])
    assert world.requests == []


def test_other_faults_of_the_catalogue_are_not_hidden(world: World) -> None:
    world.refusals["CreateTable"] = "AccessDeniedException"
    with pytest.raises(ClientError, match="AccessDenied"):
        world.service.put_table("dataset_1", "datasets/", COLUMNS)


def test_names_need_no_quotes_and_places_are_in_the_data_bucket(world: World) -> None:
    assert world.service.qualified("run_0a_Ref") == "tables.run_0a_ref"
    assert world.service.location("workflows_temp/r/one-1/") == "s3://data/workflows_temp/r/one-1/"


def execute(world: World, statement: str) -> str:
    started = world.athena_client.start_query_execution(QueryString=f"EXECUTE {statement}", WorkGroup="group")
    execution_id: str = started["QueryExecutionId"]
    while world.athena_client.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]["Status"][
        "State"
    ] in {"QUEUED", "RUNNING"}:
        pass
    world.requests.clear()
    return execution_id


def test_an_execution_that_ended_well_is_told_of(world: World) -> None:
    world.service.prepare("stepcall_1", CREATED)
    execution_id = execute(world, "stepcall_1")
    assert world.service.outcome(execution_id).succeeded
    assert world.requests == [("GetQueryExecution", {"QueryExecutionId": execution_id})]


def test_an_execution_that_failed_is_told_with_its_reason_and_whose_fault_it_was(world: World) -> None:
    world.service.prepare("stepcall_1", CREATED.replace("t/", "u/").replace("1 AS one", "a FROM tables.no"))
    outcome = world.service.outcome(execute(world, "stepcall_1"))
    assert (outcome.succeeded, outcome.is_users_fault, outcome.was_stopped) == (False, True, False)
    assert outcome.reason.startswith("TABLE_NOT_FOUND")
