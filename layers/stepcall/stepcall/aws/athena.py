"""Athena and its catalogue, Glue: statements that wait to be executed, and tables over objects of the data bucket."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from stepcall.aws.hive_types import to_bigquery, to_hive
from stepcall.domain.connection import Column
from stepcall.use_cases.query_service import QueryOutcome, StatementRefusedError

if TYPE_CHECKING:
    from types_boto3_athena import AthenaClient
    from types_boto3_glue import GlueClient
    from types_boto3_glue.type_defs import TableInputTypeDef

LEFT_BEHIND_AFTER = timedelta(days=1)
"""No query takes so long: a statement this old is of a run that was stopped before it could tidy up."""
REFUSED = "InvalidRequestException"
NOT_THERE = frozenset({"ResourceNotFoundException", REFUSED})
SUCCEEDED, CANCELLED = "SUCCEEDED", "CANCELLED"
USERS_FAULT = 2  # https://docs.aws.amazon.com/athena/latest/APIReference/API_AthenaError.html
HIVE_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"


class AthenaPlace(NamedTuple):
    """Where a deployment's queries run: its work group, its database in Glue, and the data bucket."""

    work_group: str
    database: str
    bucket: str


class Athena:
    """See QueryService."""

    def __init__(
        self, athena: "AthenaClient", glue: "GlueClient", place: AthenaPlace, now: Callable[[], datetime]
    ) -> None:
        self._athena = athena
        self._glue = glue
        self._place = place
        self._now = now

    def location(self, prefix: str) -> str:
        return f"s3://{self._place.bucket}/{prefix}"

    def qualified(self, table: str) -> str:
        return f"{self._place.database}.{table.lower()}"

    def put_table(self, table: str, prefix: str, columns: Sequence[Column]) -> None:
        described = _table_input(table.lower(), self.location(prefix), columns)
        try:
            self._glue.create_table(DatabaseName=self._place.database, TableInput=described)
        except ClientError as exc:
            if _code(exc) != "AlreadyExistsException":
                raise

    def columns_of(self, table: str) -> tuple[Column, ...]:
        found = self._glue.get_table(DatabaseName=self._place.database, Name=table.lower())["Table"]
        columns = found.get("StorageDescriptor", {}).get("Columns", [])
        return tuple(Column(column["Name"], to_bigquery(column.get("Type", ""))) for column in columns)

    def prepare(self, statement: str, sql: str) -> None:
        try:
            self._create(statement, sql)
        except ClientError as exc:
            if _code(exc) != REFUSED:
                raise
            if self._kept(statement) == sql:
                return  # delivered twice
            if not self._forget_left_behind():
                raise StatementRefusedError(exc.response["Error"]["Message"]) from exc
            self._create(statement, sql)  # there was no room: a work group keeps 1,000

    def forget(self, statement: str) -> None:
        try:
            self._athena.delete_prepared_statement(StatementName=statement, WorkGroup=self._place.work_group)
        except ClientError as exc:
            if _code(exc) not in NOT_THERE:
                raise

    def outcome(self, execution_id: str) -> QueryOutcome:
        status = self._athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"].get("Status", {})
        return QueryOutcome(
            succeeded=status.get("State") == SUCCEEDED,
            reason=status.get("StateChangeReason", ""),
            is_users_fault=status.get("AthenaError", {}).get("ErrorCategory") == USERS_FAULT,
            was_stopped=status.get("State") == CANCELLED,
        )

    def _create(self, statement: str, sql: str) -> None:
        self._athena.create_prepared_statement(
            StatementName=statement, WorkGroup=self._place.work_group, QueryStatement=sql
        )

    def _kept(self, statement: str) -> str | None:
        try:
            answer = self._athena.get_prepared_statement(StatementName=statement, WorkGroup=self._place.work_group)
        except ClientError as exc:
            if _code(exc) not in NOT_THERE:
                raise
            return None
        return answer["PreparedStatement"].get("QueryStatement")

    def _forget_left_behind(self) -> int:
        """Delete the statements of runs that were stopped; how many they were."""
        left_behind = list(self._left_behind())
        for statement in left_behind:
            self.forget(statement)
        return len(left_behind)

    def _left_behind(self) -> Iterator[str]:
        before = self._now() - LEFT_BEHIND_AFTER
        request: dict[str, Any] = {"WorkGroup": self._place.work_group}
        while True:
            page = self._athena.list_prepared_statements(**request)
            for statement in page["PreparedStatements"]:
                if statement["LastModifiedTime"] < before:
                    yield statement["StatementName"]
            if not page.get("NextToken"):
                return
            request["NextToken"] = page["NextToken"]


def _table_input(table: str, location: str, columns: Sequence[Column]) -> "TableInputTypeDef":
    return {
        "Name": table,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
        "StorageDescriptor": {
            "Columns": [{"Name": column.name, "Type": to_hive(column.type)} for column in columns],
            "Location": location,
            "InputFormat": f"{HIVE_PARQUET}.MapredParquetInputFormat",
            "OutputFormat": f"{HIVE_PARQUET}.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": f"{HIVE_PARQUET}.serde.ParquetHiveSerDe"},
        },
    }


def _code(exc: ClientError) -> str:
    return exc.response["Error"]["Code"]
