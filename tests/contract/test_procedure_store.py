"""What every store of procedures does."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from stepcall.domain.procedure import Procedure
from stepcall.stores.dynamo_procedure_store import DynamoProcedureStore
from stepcall.stores.procedure_store import ProcedureNotFoundError, ProcedureStore
from tests.contract.conftest import in_parallel, nth_id
from tests.contract.test_dynamo_faults import FaultyClient, refused

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

ENABLED_AT = datetime(2026, 3, 4, 5, 6, 7, 891234, UTC)
PROCEDURE = Procedure(
    tenant="acme", workflow_id=nth_id(1), workflow_version=3, connection="carto_dw", cache=False, enabled_at=ENABLED_AT
)


@pytest.mark.parametrize("cache", [True, False])
def test_a_procedure_is_read_as_it_was_put(procedure_store: ProcedureStore, cache: bool) -> None:
    procedure = replace(PROCEDURE, cache=cache)
    procedure_store.put(procedure)
    procedure_store.put(procedure)
    assert procedure_store.get("acme", procedure.name) == procedure
    assert procedure_store.list_by_tenant("acme") == [procedure]


def test_a_procedure_takes_the_place_of_the_one_of_its_name(procedure_store: ProcedureStore) -> None:
    for version in (3, 4, 2):
        procedure_store.put(replace(PROCEDURE, workflow_version=version))
    assert procedure_store.get("acme", PROCEDURE.name).workflow_version == 2


def test_only_what_is_there_is_replaced(procedure_store: ProcedureStore) -> None:
    with pytest.raises(ProcedureNotFoundError):
        procedure_store.replace(PROCEDURE)
    assert procedure_store.list_by_tenant("acme") == []
    procedure_store.put(PROCEDURE)
    procedure_store.replace(replace(PROCEDURE, cache=True))
    procedure_store.replace(replace(PROCEDURE, cache=True))
    assert procedure_store.get("acme", PROCEDURE.name).cache


def test_a_procedure_is_disabled_once_and_for_all(procedure_store: ProcedureStore) -> None:
    procedure_store.put(PROCEDURE)
    procedure_store.delete("acme", PROCEDURE.name)
    procedure_store.delete("acme", PROCEDURE.name)
    with pytest.raises(ProcedureNotFoundError):
        procedure_store.get("acme", PROCEDURE.name)
    with pytest.raises(ProcedureNotFoundError):
        procedure_store.replace(PROCEDURE)


def test_another_tenants_procedure_is_neither_read_nor_listed_nor_deleted(procedure_store: ProcedureStore) -> None:
    procedure_store.put(PROCEDURE)
    for tenant in ("other", "", "acm", "acme#", "ACME"):
        with pytest.raises(ProcedureNotFoundError):
            procedure_store.get(tenant, PROCEDURE.name)
        with pytest.raises(ProcedureNotFoundError):
            procedure_store.replace(replace(PROCEDURE, tenant=tenant))
        assert procedure_store.list_by_tenant(tenant) == []
        procedure_store.delete(tenant, PROCEDURE.name)
    assert procedure_store.get("acme", PROCEDURE.name) == PROCEDURE


def test_procedures_are_listed_by_name(procedure_store: ProcedureStore) -> None:
    put = [replace(PROCEDURE, workflow_id=nth_id(number)) for number in range(1, 30)]
    for procedure in put:
        procedure_store.put(procedure)
    assert procedure_store.list_by_tenant("acme") == sorted(put, key=lambda procedure: procedure.name)


def test_who_syncs_while_another_disables_does_not_enable_it_again(procedure_store: ProcedureStore) -> None:
    procedure_store.put(PROCEDURE)
    calls = [partial(procedure_store.replace, PROCEDURE)] * 4 + [
        partial(procedure_store.delete, "acme", PROCEDURE.name)
    ] * 4
    raised = in_parallel(calls)
    assert {type(error) for error in raised} <= {ProcedureNotFoundError, type(None)}
    with pytest.raises(ProcedureNotFoundError):
        procedure_store.get("acme", PROCEDURE.name)


def test_a_list_is_whole_over_many_short_pages(dynamodb: "DynamoDBClient") -> None:
    store = DynamoProcedureStore(dynamodb, "WorkflowsTable")
    for number in range(1, 8):
        store.put(replace(PROCEDURE, workflow_id=nth_id(number)))
    dynamodb.meta.events.register(
        "provide-client-params.dynamodb.Query",
        shorten_pages,  # type: ignore[arg-type] # the stubs know of none that gives new parameters
        unique_id="short",
    )
    try:
        assert len(store.list_by_tenant("acme")) == 7
    finally:
        dynamodb.meta.events.unregister("provide-client-params.dynamodb.Query", unique_id="short")


def shorten_pages(params: dict[str, Any], **_facts: Any) -> dict[str, Any]:
    return params | {"Limit": 2}


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException"])
def test_a_write_that_failed_is_not_taken_for_a_disabled_procedure(dynamodb: "DynamoDBClient", code: str) -> None:
    client: Any = FaultyClient(dynamodb, refused(code))
    store = DynamoProcedureStore(client, "WorkflowsTable")
    for write in (store.put, store.replace):
        with pytest.raises(ClientError, match=code):
            write(PROCEDURE)


def test_a_list_of_workflows_does_not_meet_procedures(dynamodb: "DynamoDBClient") -> None:
    DynamoProcedureStore(dynamodb, "WorkflowsTable").put(PROCEDURE)
    assert dynamodb.scan(TableName="WorkflowsTable", IndexName="by_tenant")["Items"] == []
