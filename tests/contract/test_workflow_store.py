"""What every workflow store does with versions, lists and deletions."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError

from stepcall.domain.connection import SqlEngine
from stepcall.domain.custom_type import CustomType
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.dynamo_pages import MAX_PAGES_PER_LIST
from stepcall.stores.dynamo_workflow_store import DynamoWorkflowStore
from stepcall.stores.workflow_store import (
    MAX_COMPRESSED_BYTES,
    MAX_VERSION,
    VersionConflictError,
    VersionSummary,
    WorkflowNotFoundError,
    WorkflowStore,
    WorkflowSummary,
    WorkflowTooLargeError,
)
from tests.contract.conftest import nth_id
from tests.contract.test_dynamo_faults import FaultyClient, canceled
from tests.contract.test_small_stores import VERSION
from tests.sample_workflows import checked, transform, workflow

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

LATER = VERSION.created_at + timedelta(days=1)


def named(name: str, **more: Any) -> Any:
    return checked(workflow() | {"name": name, **more})


def first(number: int, name: str = "a workflow", tenant: str = "acme") -> WorkflowVersion:
    """Version 1 of a workflow, whose id sorts as its number."""
    return WorkflowVersion(nth_id(number), 1, tenant, named(name), VERSION.created_at)


def next_of(version: WorkflowVersion, name: str = "a workflow") -> WorkflowVersion:
    return replace(
        version,
        version=version.version + 1,
        definition=named(name),
        created_at=version.created_at + timedelta(hours=1),
        first_created_at=version.workflow_created_at,
    )


def store_versions(store: WorkflowStore, count: int, number: int = 1) -> list[WorkflowVersion]:
    versions = [first(number)]
    store.put_first(versions[0])
    for _ in range(count - 1):
        versions.append(next_of(versions[-1]))
        store.put_next(*reversed(versions[-2:]))
    return versions


def listed(
    store: WorkflowStore, tenant: str = "acme", name: str | None = None, limit: int = 2
) -> list[WorkflowSummary]:
    """A list to its end, page by page."""
    found: list[WorkflowSummary] = []
    after: UUID | None = None
    while True:
        page = store.list_by_tenant(tenant, name=name, limit=limit, after=after)
        assert len(page.workflows) <= limit
        found += page.workflows
        if (after := page.next_workflow_id) is None:
            return found


def names(summaries: list[WorkflowSummary]) -> list[str]:
    return [summary.name for summary in summaries]


def test_the_next_version_is_the_newest_and_the_one_before_stays(workflow_store: WorkflowStore) -> None:
    one, two, three = store_versions(workflow_store, 3)
    assert workflow_store.get_latest("acme", nth_id(1)) == workflow_store.get_latest_now("acme", nth_id(1)) == three
    assert [workflow_store.get_version(nth_id(1), number) for number in (1, 2, 3)] == [one, two, three]
    assert three.workflow_created_at == one.created_at < three.created_at


def test_the_tenth_version_is_newer_than_the_ninth(workflow_store: WorkflowStore) -> None:
    versions = store_versions(workflow_store, 11)
    assert workflow_store.get_latest("acme", nth_id(1)) == versions[10]


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_version_that_does_not_follow_the_newest_is_refused_and_not_stored(
    workflow_store: WorkflowStore, number: int
) -> None:
    versions = store_versions(workflow_store, 2)
    other = replace(versions[-1], version=number, definition=named("late"))
    with pytest.raises(VersionConflictError):
        workflow_store.put_next(other, versions[-1])
    assert workflow_store.get_latest("acme", nth_id(1)) == versions[1]
    assert [summary.version for summary in workflow_store.list_versions(nth_id(1), limit=9, after=None).versions] == [
        2,
        1,
    ]
    assert names(listed(workflow_store)) == ["a workflow"]


def test_a_version_that_does_not_follow_the_one_it_is_said_to_is_refused(workflow_store: WorkflowStore) -> None:
    """What becomes of the `config_id` before it goes by that one."""
    one, two = store_versions(workflow_store, 2)
    for before in (one, replace(two, tenant="other"), replace(two, workflow_id=nth_id(2))):
        with pytest.raises(VersionConflictError):
            workflow_store.put_next(next_of(two), before)
    assert workflow_store.get_latest("acme", nth_id(1)) == two
    workflow_store.put_next(next_of(two), two)


@pytest.mark.parametrize("engine", [None, *SqlEngine])
def test_a_version_keeps_the_engine_of_its_sql(workflow_store: WorkflowStore, engine: SqlEngine | None) -> None:
    workflow_store.put_first(replace(VERSION, sql_engine=engine))
    assert workflow_store.get_version(VERSION.workflow_id, 1).sql_engine is engine
    assert workflow_store.get_latest(VERSION.tenant, VERSION.workflow_id).sql_engine is engine


def test_nobody_changes_another_tenants_workflow(workflow_store: WorkflowStore) -> None:
    [mine] = store_versions(workflow_store, 1)
    with pytest.raises(VersionConflictError):
        workflow_store.put_next(replace(next_of(mine), tenant="other"), mine)
    with pytest.raises(VersionConflictError):
        workflow_store.delete(replace(mine, tenant="other"), LATER)
    assert workflow_store.get_latest("acme", nth_id(1)) == mine
    assert listed(workflow_store, "other") == []


def test_a_workflow_that_is_not_there_has_no_next_version_and_is_not_deleted(workflow_store: WorkflowStore) -> None:
    with pytest.raises(VersionConflictError):
        workflow_store.put_next(next_of(VERSION), VERSION)
    with pytest.raises(VersionConflictError):
        workflow_store.delete(VERSION, LATER)
    for read in (workflow_store.get_latest, workflow_store.get_latest_now):
        with pytest.raises(WorkflowNotFoundError):
            read("acme", nth_id(1))


def test_a_deleted_workflow_is_not_there_and_its_versions_are(workflow_store: WorkflowStore) -> None:
    one, two = store_versions(workflow_store, 2)
    workflow_store.put_first(first(2, "the other one"))
    workflow_store.delete(two, LATER)
    for read in (workflow_store.get_latest, workflow_store.get_latest_now):
        with pytest.raises(WorkflowNotFoundError, match="There is no workflow"):
            read("acme", nth_id(1))
    assert names(listed(workflow_store)) == ["the other one"]
    assert [workflow_store.get_version(nth_id(1), number) for number in (1, 2)] == [one, two]
    for number in (3, MAX_VERSION, MAX_VERSION + 1):
        with pytest.raises(WorkflowNotFoundError):
            workflow_store.get_version(nth_id(1), number)


def test_a_deleted_workflow_is_neither_deleted_again_nor_changed(workflow_store: WorkflowStore) -> None:
    [only] = store_versions(workflow_store, 1)
    workflow_store.delete(only, LATER)
    with pytest.raises(VersionConflictError):
        workflow_store.delete(only, LATER + timedelta(seconds=1))
    with pytest.raises(VersionConflictError):
        workflow_store.put_next(next_of(only), only)
    with pytest.raises(WorkflowNotFoundError):
        workflow_store.get_version(nth_id(1), 2)


def test_only_the_newest_version_can_be_deleted_from(workflow_store: WorkflowStore) -> None:
    one, two = store_versions(workflow_store, 2)
    with pytest.raises(VersionConflictError):
        workflow_store.delete(one, LATER)
    assert workflow_store.get_latest("acme", nth_id(1)) == two


def test_a_list_shows_what_the_newest_version_says(workflow_store: WorkflowStore) -> None:
    one = WorkflowVersion(nth_id(1), 1, "acme", named("old", description="What it did."), VERSION.created_at)
    workflow_store.put_first(one)
    two = replace(next_of(one), definition=named("New", description=""))
    workflow_store.put_next(two, one)
    three = next_of(two, "Newest")
    assert listed(workflow_store) == [
        WorkflowSummary(nth_id(1), 2, "New", "", one.created_at, two.created_at),
    ]
    workflow_store.put_next(three, two)
    assert listed(workflow_store) == [
        WorkflowSummary(nth_id(1), 3, "Newest", None, one.created_at, three.created_at),
    ]


def test_a_list_shows_type_and_config_id_of_workflows_that_have_them(workflow_store: WorkflowStore) -> None:
    one = replace(first(1), definition=named("one", type="courier.group/run", config_id="cg-1"))
    workflow_store.put_first(one)
    workflow_store.put_first(first(2))
    assert [(each.type, each.config_id) for each in listed(workflow_store)] == [
        (None, None),
        ("courier.group/run", "cg-1"),
    ]
    workflow_store.put_next(next_of(one), one)
    assert [(each.type, each.config_id) for each in listed(workflow_store)] == [(None, None)] * 2


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 100])
def test_workflows_are_listed_newest_first_each_once_whatever_the_page(
    workflow_store: WorkflowStore, limit: int
) -> None:
    for number in (3, 1, 4, 2):
        workflow_store.put_first(first(number, str(number)))
    workflow_store.put_first(first(9, "of another", tenant="other"))
    assert names(listed(workflow_store, limit=limit)) == ["4", "3", "2", "1"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("invoice", ["INVOICES (old)", "Monthly invoice"]),
        ("INVOICE", ["INVOICES (old)", "Monthly invoice"]),
        ("s (", ["INVOICES (old)"]),
        ("straße", ["Nach der STRASSE"]),
        ("strasse", ["Nach der STRASSE"]),
        ("", ["INVOICES (old)", "Nach der STRASSE", "Monthly invoice"]),
        (".*", []),
        ("%", []),
    ],
)
def test_a_name_is_found_by_any_part_of_it_in_any_case(
    workflow_store: WorkflowStore, name: str, found: list[str]
) -> None:
    for number, stored in enumerate(("Monthly invoice", "Nach der STRASSE", "INVOICES (old)"), start=1):
        workflow_store.put_first(first(number, stored))
    assert names(listed(workflow_store, name=name, limit=1)) == found


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 6])
def test_versions_are_listed_newest_first_each_once_whatever_the_page(
    workflow_store: WorkflowStore, limit: int
) -> None:
    versions = store_versions(workflow_store, 5)
    store_versions(workflow_store, 2, number=2)
    found: list[VersionSummary] = []
    after: int | None = None
    while True:
        page = workflow_store.list_versions(nth_id(1), limit=limit, after=after)
        assert len(page.versions) <= limit
        found += page.versions
        if (after := page.next_version) is None:
            break
    assert found == [VersionSummary(version.version, version.created_at) for version in reversed(versions)]


def test_below_the_first_version_there_is_none(workflow_store: WorkflowStore) -> None:
    store_versions(workflow_store, 2)
    assert workflow_store.list_versions(nth_id(1), limit=5, after=1) == ([], None)
    assert workflow_store.list_versions(nth_id(2), limit=5, after=None) == ([], None)


def test_the_versions_of_a_deleted_workflow_are_numbers_still(workflow_store: WorkflowStore) -> None:
    versions = store_versions(workflow_store, 2)
    workflow_store.delete(versions[-1], LATER)
    page = workflow_store.list_versions(nth_id(1), limit=5, after=None)
    assert [summary.version for summary in page.versions] == [2, 1]


class AnswerLost:
    """A client that hears nothing of its first call, and makes it again, as AWS's does."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        self._client.transact_write_items(**request)
        return self._client.transact_write_items(**request)


def test_a_change_whose_answer_was_lost_is_no_lost_race(dynamodb: "DynamoDBClient") -> None:
    lost: Any = AnswerLost(dynamodb)
    store, one = DynamoWorkflowStore(lost, "WorkflowsTable"), first(1)
    store.put_first(one)
    two = next_of(one)
    store.put_next(two, one)
    assert store.get_latest("acme", nth_id(1)) == two
    store.delete(two, LATER)
    with pytest.raises(WorkflowNotFoundError):
        store.get_latest("acme", nth_id(1))


def test_a_lost_race_is_one_also_when_the_answer_was_lost(dynamodb: "DynamoDBClient") -> None:
    lost: Any = AnswerLost(dynamodb)
    store, one = DynamoWorkflowStore(dynamodb, "WorkflowsTable"), first(1)
    store.put_first(one)
    store.put_next(next_of(one, "theirs"), one)
    with pytest.raises(VersionConflictError):
        DynamoWorkflowStore(lost, "WorkflowsTable").put_next(next_of(one, "mine"), one)
    assert store.get_latest("acme", nth_id(1)).definition.name == "theirs"


def test_a_call_that_is_repeated_bears_the_token_of_the_first(dynamodb: "DynamoDBClient") -> None:
    """DynamoDB does a call once per token; moto knows none."""
    sent: list[Any] = []
    again = iter([0])

    def note(request: Any, **_: Any) -> None:
        sent.append(json.loads(request.body))

    def repeat_once(**_: Any) -> Any:
        return next(again, None)  # after so many seconds

    handlers: dict[str, Any] = {"before-send": note, "needs-retry": repeat_once}
    for event, handler in handlers.items():
        dynamodb.meta.events.register_first(f"{event}.dynamodb.TransactWriteItems", handler)
    try:
        DynamoWorkflowStore(dynamodb, "WorkflowsTable").put_first(first(1))
    finally:
        for event, handler in handlers.items():
            dynamodb.meta.events.unregister(f"{event}.dynamodb.TransactWriteItems", handler)
    once, twice = (request["ClientRequestToken"] for request in sent)
    assert once == twice
    assert UUID(once).version == 4


@pytest.mark.parametrize("first_of_two", [True, False])
def test_a_change_that_is_under_way_elsewhere_is_a_conflict(dynamodb: "DynamoDBClient", first_of_two: bool) -> None:
    codes = ("TransactionConflict", "None") if first_of_two else ("None", "TransactionConflict")
    client: Any = FaultyClient(dynamodb, canceled(*codes))
    store = DynamoWorkflowStore(client, "WorkflowsTable")
    with pytest.raises(VersionConflictError):
        store.put_next(next_of(VERSION), VERSION)
    with pytest.raises(VersionConflictError):
        store.delete(VERSION, LATER)


@pytest.mark.parametrize(
    "code", ["ThrottlingError", "ProvisionedThroughputExceeded", "ItemCollectionSizeLimitExceeded"]
)
def test_a_change_that_failed_is_not_taken_for_a_lost_race(dynamodb: "DynamoDBClient", code: str) -> None:
    client: Any = FaultyClient(dynamodb, canceled("ConditionalCheckFailed", code))
    store = DynamoWorkflowStore(client, "WorkflowsTable")
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        store.put_next(next_of(VERSION), VERSION)


def test_a_search_that_finds_nothing_answers_in_time_with_where_to_go_on(dynamodb: "DynamoDBClient") -> None:
    store = DynamoWorkflowStore(dynamodb, "WorkflowsTable")
    for number in range(1, 31):
        store.put_first(first(number))
    client: Any = FaultyClient(dynamodb, page_items=2)
    page = DynamoWorkflowStore(client, "WorkflowsTable").list_by_tenant("acme", name="zzz", limit=5, after=None)
    assert client.calls == MAX_PAGES_PER_LIST
    assert page == ([], nth_id(30 - 2 * MAX_PAGES_PER_LIST + 1))


@pytest.mark.parametrize("page_items", [1, 3, 7])
@pytest.mark.parametrize("limit", [1, 3])
def test_lists_are_whole_over_many_short_pages(dynamodb: "DynamoDBClient", page_items: int, limit: int) -> None:
    store = DynamoWorkflowStore(dynamodb, "WorkflowsTable")
    for number in range(1, 37):
        store.put_first(first(number, "Rare" if number in {2, 3, 19, 35} else "often"))
    version = first(36)
    for _ in range(12):
        before, version = version, next_of(version)
        store.put_next(version, before)
    client: Any = FaultyClient(dynamodb, page_items=page_items)
    short = DynamoWorkflowStore(client, "WorkflowsTable")
    rare = [summary.workflow_id for summary in listed(short, name="rare", limit=limit)]
    assert rare == [nth_id(number) for number in (35, 19, 3, 2)]
    assert len(listed(short, limit=limit)) == 36
    numbers: list[int] = []
    after: int | None = None
    while after != 1:
        page = short.list_versions(nth_id(36), limit=limit, after=after)
        numbers += [summary.version for summary in page.versions]
        after = page.next_version or 1
    assert numbers == list(range(13, 0, -1))


def test_a_list_of_versions_does_not_load_what_they_say(dynamodb: "DynamoDBClient") -> None:
    store = DynamoWorkflowStore(dynamodb, "WorkflowsTable")
    store_versions(store, 3)
    seen: list[Any] = []

    class Watched(FaultyClient):
        def query(self, **request: Any) -> Any:
            answer = dynamodb.query(**request)
            seen.extend(answer["Items"])
            return answer

    client: Any = Watched(dynamodb)
    assert (
        len(DynamoWorkflowStore(client, "WorkflowsTable").list_versions(nth_id(1), limit=9, after=None).versions) == 3
    )
    assert [set(item) for item in seen] == [{"sk", "created_at"}] * 3


def test_the_newest_version_and_its_deletion_cost_one_read(dynamodb: "DynamoDBClient") -> None:
    store = DynamoWorkflowStore(dynamodb, "WorkflowsTable")
    versions = store_versions(store, 2)
    client: Any = FaultyClient(dynamodb, page_items=1)
    counted = DynamoWorkflowStore(client, "WorkflowsTable")
    assert counted.get_latest("acme", nth_id(1)) == versions[1]
    store.delete(versions[1], LATER)
    with pytest.raises(WorkflowNotFoundError):
        counted.get_latest("acme", nth_id(1))
    assert client.calls == 2


def test_a_version_that_was_stored_before_there_were_others_is_read(dynamodb: "DynamoDBClient") -> None:
    """Its record has no `first_created_at`, and its workflow's head no `search_name`."""
    store, one = DynamoWorkflowStore(dynamodb, "WorkflowsTable"), first(1, "Old")
    store.put_first(one)
    key: Any = {"pk": {"S": f"WORKFLOW#{nth_id(1)}"}, "sk": {"S": "HEAD"}}
    dynamodb.update_item(TableName="WorkflowsTable", Key=key, UpdateExpression="REMOVE search_name")
    item: Any = dynamodb.get_item(TableName="WorkflowsTable", Key=key | {"sk": {"S": "V#0000000001"}})["Item"]
    assert "first_created_at" not in item
    assert store.get_latest("acme", nth_id(1)).workflow_created_at == VERSION.created_at
    assert names(listed(store)) == ["Old"]
    store.put_next(next_of(one, "New"), one)
    assert names(listed(store, name="new")) == ["New"]


def test_a_next_version_that_does_not_fit_leaves_nothing_behind(dynamodb: "DynamoDBClient") -> None:
    store, one = DynamoWorkflowStore(dynamodb, "WorkflowsTable"), first(1)
    store.put_first(one)
    text = "".join(chr(0x4E00 + (number * number * 7919 + number // 3) % 20_000) for number in range(300_000))
    large = one.definition.model_copy(update={"description": text})
    with pytest.raises(WorkflowTooLargeError, match=f"{MAX_COMPRESSED_BYTES:,} can be stored"):
        store.put_next(replace(next_of(one), definition=large), one)
    assert store.get_latest("acme", nth_id(1)) == one


def test_a_definition_of_many_tasks_is_stored_as_a_next_version(workflow_store: WorkflowStore) -> None:
    one = first(1)
    workflow_store.put_first(one)
    many = checked(workflow(*[transform(f"task_{number}", "text" * 40) for number in range(1000)]))
    workflow_store.put_next(replace(next_of(one), definition=many), one)
    assert workflow_store.get_latest("acme", nth_id(1)).definition == many


def test_a_version_keeps_the_task_types_of_its_tenant_as_they_were(workflow_store: WorkflowStore) -> None:
    kept = CustomType("Acme.Price", "arn", {"type": "object", "required": ["a"]}, {"type": "object"}, "What it costs.")
    version = replace(first(1), custom_types=(kept, replace(kept, name="Acme.Stock", description=None)))
    workflow_store.put_first(version)
    assert workflow_store.get_version(version.workflow_id, 1) == version
    later = replace(next_of(version), custom_types=())
    workflow_store.put_next(later, version)
    assert workflow_store.get_latest("acme", version.workflow_id).custom_types == ()
    assert workflow_store.get_version(version.workflow_id, 1).custom_types == version.custom_types
