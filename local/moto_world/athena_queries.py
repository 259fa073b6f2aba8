"""Athena as far as Stepcall uses it: prepared statements that can be executed, stopped and deleted.

moto keeps statements and executes none. Here a query runs in a thread of its own on `athena_engine`, so it can be under
way when its execution is stopped. `athena_task` is how state machines come to it.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC
from typing import Any

from moto.athena.models import AthenaBackend, Execution
from moto.athena.responses import AthenaResponse
from moto.glue.models import glue_backends
from moto.s3.models import s3_backends
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory

from local.moto_world.athena_engine import CatalogTable, QueryFailedError, create_table_as
from local.moto_world.athena_task import CANCELLED, FAILED, QUEUED, RUNNING, SUCCEEDED, AthenaTask
from local.moto_world.replacing import added, replaced

EXECUTE = "EXECUTE "
SYSTEMS_FAULT, USERS_FAULT = 1, 2
Refusal = tuple[str, dict[str, int]]


class MotoStorage:
    """See athena_engine.Storage."""

    def __init__(self, backend: Any) -> None:
        self._glue = glue_backends[backend.account_id][backend.region_name]
        self._s3 = s3_backends[backend.account_id]["aws"]

    def table(self, database: str, name: str) -> CatalogTable | None:
        tables: Any = self._glue.databases[database].tables if database in self._glue.databases else {}
        if name not in tables:
            return None
        described = tables[name].get_version(str(tables[name]._current_version))["StorageDescriptor"]
        columns = tuple((column["Name"], column["Type"]) for column in described["Columns"])
        return CatalogTable(described["Location"], columns)

    def put_table(self, database: str, name: str, table: CatalogTable) -> None:
        columns = [{"Name": column, "Type": kind} for column, kind in table.columns]
        described = {"Name": name, "StorageDescriptor": {"Location": table.location, "Columns": columns}}
        self._glue.create_table(database, name, described, {})

    def objects(self, location: str) -> list[bytes]:
        bucket, prefix = _place(location)
        keys = self._s3.buckets[bucket].keys
        return [keys[key].value for key in sorted(keys) if key.startswith(prefix)]

    def put_object(self, location: str, name: str, content: bytes) -> None:
        bucket, prefix = _place(location)
        self._s3.put_object(bucket, f"{prefix}{name}", content)


def _place(location: str) -> tuple[str, str]:
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    return bucket, prefix if prefix.endswith("/") else f"{prefix}/"


class QueryRun:
    """One execution of a prepared statement, in a thread of its own."""

    def __init__(self, backend: Any, execution: Any, sql: str) -> None:
        self._storage = MotoStorage(backend)
        self._execution = execution
        self._sql = sql
        self._connection: Any = None
        self._lock = threading.Lock()

    def start(self) -> None:
        self._execution.state = RUNNING
        threading.Thread(target=self._work, daemon=True).start()

    def stop(self) -> None:
        with self._lock:
            if self._execution.state in {QUEUED, RUNNING}:
                self._end(CANCELLED, "Query cancelled by user")
                if self._connection is not None:
                    self._connection.interrupt()

    def _work(self) -> None:
        try:
            create_table_as(self._sql, self._storage, self._is_worked_on_by)
            state, reason = SUCCEEDED, ""
        except QueryFailedError as exc:
            state, reason = FAILED, str(exc)
        except Exception as exc:  # whatever it is, the query has to end
            state, reason = FAILED, f"GENERIC_INTERNAL_ERROR: {exc}"
        with self._lock:
            if self._execution.state == RUNNING:
                self._end(state, reason)

    def _is_worked_on_by(self, connection: Any) -> None:
        with self._lock:
            self._connection = connection

    def _end(self, state: str, reason: str) -> None:
        self._execution.reason = reason
        self._execution.end_time = time.time()
        self._execution.state = state


@contextmanager
def athena_that_executes() -> Iterator[None]:
    service_for: Callable[..., Any] = vars(state_task_factory)["state_task_service_for"]

    def with_athena(service_name: str) -> Any:
        return AthenaTask() if service_name == "athena" else service_for(service_name=service_name)

    with ExitStack() as stack:
        for name, operation in REPLACED.items():
            stack.enter_context(replaced(AthenaResponse, name, operation))
        for name, operation in ADDED.items():
            stack.enter_context(added(AthenaResponse, name, operation))
        stack.enter_context(replaced(state_task_factory, "state_task_service_for", with_athena))
        yield


def _error(code: str, message: str) -> Refusal:
    return json.dumps({"__type": code, "Message": message}), {"status": 400}


def _invalid(message: str) -> Refusal:
    return _error("InvalidRequestException", message)


def _statements(self: Any) -> dict[str, Any]:
    """Those of the request's work group."""
    backend: AthenaBackend = self.athena_backend
    group = self._get_param("WorkGroup")
    return {name: s for name, s in backend.prepared_statements.items() if s.workgroup == group}


def _create_statement(self: Any) -> str | Refusal:
    name, group = self._get_param("StatementName"), self._get_param("WorkGroup")
    if group not in self.athena_backend.work_groups:
        return _invalid(f"WorkGroup {group} is not found.")
    if name in _statements(self):
        return _invalid(f"Prepared Statement {name} already exists in WorkGroup {group}")
    self.athena_backend.create_prepared_statement(name, group, self._get_param("QueryStatement"), "")
    return "{}"


def _get_statement(self: Any) -> str | Refusal:
    name = self._get_param("StatementName")
    if name not in (statements := _statements(self)):
        return _error("ResourceNotFoundException", f"PreparedStatement {name} was not found")
    kept = statements[name]
    told = {"StatementName": name, "QueryStatement": kept.query_statement, "WorkGroupName": kept.workgroup}
    return json.dumps({"PreparedStatement": told})


def _delete_statement(self: Any) -> str | Refusal:
    name = self._get_param("StatementName")
    if name not in _statements(self):
        return _error("ResourceNotFoundException", f"PreparedStatement {name} was not found")
    del self.athena_backend.prepared_statements[name]
    return "{}"


def _list_statements(self: Any) -> str:
    told = [
        {"StatementName": name, "LastModifiedTime": kept.last_modified_time.replace(tzinfo=UTC).timestamp()}
        for name, kept in _statements(self).items()
    ]
    return json.dumps({"PreparedStatements": told})


def _start_query(self: Any) -> str | Refusal:
    backend, group = self.athena_backend, self._get_param("WorkGroup")
    query, token = self._get_param("QueryString"), self._get_param("ClientRequestToken")
    known = next((e for e in backend.executions.values() if token and getattr(e, "token", None) == token), None)
    if known is not None:
        return json.dumps({"QueryExecutionId": known.id})
    name = query.removeprefix(EXECUTE).strip()
    if not query.startswith(EXECUTE) or name not in (statements := _statements(self)):
        return _invalid(f"Prepared statement {name} not found")
    execution: Any = Execution(query, self._get_param("QueryExecutionContext"), {}, backend.work_groups[group], None)
    execution.token, execution.reason, execution.state = token, "", QUEUED
    execution.run = QueryRun(backend, execution, statements[name].query_statement)
    backend.executions[execution.id] = execution
    execution.run.start()
    return json.dumps({"QueryExecutionId": execution.id})


def _get_query(self: Any) -> str | Refusal:
    execution_id = self._get_param("QueryExecutionId")
    if execution_id not in self.athena_backend.executions:
        return _invalid(f"QueryExecution {execution_id} was not found")
    execution = self.athena_backend.executions[execution_id]
    status: dict[str, Any] = {"State": execution.state, "SubmissionDateTime": execution.start_time}
    if execution.reason:
        status["StateChangeReason"] = execution.reason
    if execution.state == FAILED:
        category = SYSTEMS_FAULT if execution.reason.startswith(("HIVE_", "GENERIC_")) else USERS_FAULT
        status["AthenaError"] = {"ErrorCategory": category, "ErrorType": 1, "ErrorMessage": execution.reason}
    told = {
        "QueryExecutionId": execution.id,
        "Query": execution.query,
        "StatementType": "DML",
        "Status": status,
        "WorkGroup": execution.workgroup.name,
    }
    return json.dumps({"QueryExecution": told})


def _stop_query(self: Any) -> str:
    self.athena_backend.executions[self._get_param("QueryExecutionId")].run.stop()
    return "{}"


Operation = Callable[[Any], str | Refusal]
REPLACED: dict[str, Operation] = {
    "create_prepared_statement": _create_statement,
    "get_prepared_statement": _get_statement,
    "start_query_execution": _start_query,
    "get_query_execution": _get_query,
    "stop_query_execution": _stop_query,
}
ADDED: dict[str, Operation] = {
    "delete_prepared_statement": _delete_statement,
    "list_prepared_statements": _list_statements,
}
