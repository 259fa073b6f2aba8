"""What every store of webhooks does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from stepcall.domain.webhook import MAX_WEBHOOKS, Webhook, WebhookEvent
from stepcall.stores.dynamo_transactions import CHANGE_ATTEMPTS
from stepcall.stores.dynamo_webhook_store import DynamoWebhookStore
from stepcall.stores.webhook_store import (
    TooManyWebhooksError,
    WebhookIsChangingError,
    WebhookNotFoundError,
    WebhookStore,
)
from tests.contract.conftest import in_parallel, nth_id
from tests.contract.test_dynamo_faults import FaultyClient, canceled, refused

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

CREATED_AT = datetime(2026, 3, 4, 5, 6, 7, 891234, UTC)
WORKFLOW = nth_id(1)
WEBHOOK = Webhook(
    tenant="acme",
    workflow_id=WORKFLOW,
    webhook_id=nth_id(7),
    url="https://example.com/hooks?token=x",
    events=frozenset({WebhookEvent.FAILED, WebhookEvent.COMPLETED}),
    created_at=CREATED_AT,
)
STOPPED = replace(WEBHOOK, enabled=False, stopped_reason="It answered 410.")
ROTATED = replace(WEBHOOK, secret_version=2, previous_secret_until=CREATED_AT + timedelta(hours=24))
CHANGES = [
    replace(WEBHOOK, url="https://other.example.com/"),
    replace(WEBHOOK, events=frozenset(WebhookEvent)),
    replace(WEBHOOK, enabled=False),
    STOPPED,
    ROTATED,
]


def numbered(number: int) -> Webhook:
    return replace(WEBHOOK, webhook_id=nth_id(number))


def ids(store: WebhookStore) -> list[int]:
    return [webhook.webhook_id.int & 0xFFFF for webhook in store.list_by_workflow("acme", WORKFLOW)]


@pytest.mark.parametrize("webhook", [WEBHOOK, *CHANGES])
def test_a_webhook_is_read_as_it_was_put(webhook_store: WebhookStore, webhook: Webhook) -> None:
    webhook_store.put(webhook)
    assert webhook_store.get("acme", WORKFLOW, webhook.webhook_id) == webhook
    assert webhook_store.list_by_workflow("acme", WORKFLOW) == [webhook]


@pytest.mark.parametrize("changed", CHANGES)
def test_a_webhook_is_replaced_and_back(webhook_store: WebhookStore, changed: Webhook) -> None:
    webhook_store.put(WEBHOOK)
    assert webhook_store.replace(changed, seen=WEBHOOK)
    assert webhook_store.get("acme", WORKFLOW, WEBHOOK.webhook_id) == changed
    assert webhook_store.replace(WEBHOOK, seen=changed)
    assert webhook_store.get("acme", WORKFLOW, WEBHOOK.webhook_id) == WEBHOOK


@pytest.mark.parametrize("meanwhile", CHANGES)
def test_what_has_changed_meanwhile_is_not_replaced(webhook_store: WebhookStore, meanwhile: Webhook) -> None:
    webhook_store.put(WEBHOOK)
    assert webhook_store.replace(meanwhile, seen=WEBHOOK)
    assert not webhook_store.replace(replace(WEBHOOK, url="https://late.example.com/"), seen=WEBHOOK)
    assert webhook_store.get("acme", WORKFLOW, WEBHOOK.webhook_id) == meanwhile


def test_a_replacement_that_was_sent_twice_is_done_once_and_well(webhook_store: WebhookStore) -> None:
    webhook_store.put(WEBHOOK)
    assert webhook_store.replace(STOPPED, seen=WEBHOOK)
    assert webhook_store.replace(STOPPED, seen=WEBHOOK)


def test_one_of_many_that_replace_what_they_have_seen_does(webhook_store: WebhookStore) -> None:
    webhook_store.put(WEBHOOK)
    replaced: list[int] = []

    def rotate(number: int) -> None:
        other = replace(WEBHOOK, url=f"https://example.com/{number}")
        if webhook_store.replace(other, seen=WEBHOOK):
            replaced.append(number)

    assert set(in_parallel([partial(rotate, number) for number in range(8)])) == {None}
    [winner] = replaced
    assert webhook_store.get("acme", WORKFLOW, WEBHOOK.webhook_id).url == f"https://example.com/{winner}"


def test_what_was_deleted_is_gone_and_not_brought_back(webhook_store: WebhookStore) -> None:
    webhook_store.put(WEBHOOK)
    webhook_store.delete("acme", WORKFLOW, WEBHOOK.webhook_id)
    webhook_store.delete("acme", WORKFLOW, WEBHOOK.webhook_id)
    assert webhook_store.list_by_workflow("acme", WORKFLOW) == []
    with pytest.raises(WebhookNotFoundError):
        webhook_store.get("acme", WORKFLOW, WEBHOOK.webhook_id)
    with pytest.raises(WebhookNotFoundError):
        webhook_store.replace(STOPPED, seen=WEBHOOK)
    assert webhook_store.list_by_workflow("acme", WORKFLOW) == []


def test_another_tenants_or_workflows_webhook_is_neither_read_nor_changed(webhook_store: WebhookStore) -> None:
    webhook_store.put(WEBHOOK)
    for tenant, workflow_id in (
        *((tenant, WORKFLOW) for tenant in ("other", "", "acm", "acme#", "ACME")),
        ("acme", nth_id(2)),
    ):
        other = replace(WEBHOOK, tenant=tenant, workflow_id=workflow_id)
        with pytest.raises(WebhookNotFoundError):
            webhook_store.get(tenant, workflow_id, WEBHOOK.webhook_id)
        with pytest.raises(WebhookNotFoundError):
            webhook_store.replace(replace(other, enabled=False), seen=other)
        assert webhook_store.list_by_workflow(tenant, workflow_id) == []
        webhook_store.delete(tenant, workflow_id, WEBHOOK.webhook_id)
    assert webhook_store.get("acme", WORKFLOW, WEBHOOK.webhook_id) == WEBHOOK


def test_webhooks_are_listed_oldest_first(webhook_store: WebhookStore) -> None:
    for number in (5, 3, 9, 1):
        webhook_store.put(numbered(number))
    assert ids(webhook_store) == [1, 3, 5, 9]


def test_a_workflow_has_so_many_webhooks_and_no_more_and_room_comes_back(webhook_store: WebhookStore) -> None:
    for number in range(MAX_WEBHOOKS):
        webhook_store.put(numbered(number))
    with pytest.raises(TooManyWebhooksError, match=f"may have {MAX_WEBHOOKS} webhooks"):
        webhook_store.put(numbered(99))
    webhook_store.put(replace(numbered(99), workflow_id=nth_id(2)))
    webhook_store.delete("acme", WORKFLOW, nth_id(4))
    webhook_store.delete("acme", WORKFLOW, nth_id(4))
    webhook_store.put(numbered(99))
    with pytest.raises(TooManyWebhooksError):
        webhook_store.put(numbered(98))
    assert len(ids(webhook_store)) == MAX_WEBHOOKS


def test_a_race_for_the_last_places_gives_each_of_them_and_no_more(webhook_store: WebhookStore) -> None:
    for number in range(MAX_WEBHOOKS - 3):
        webhook_store.put(numbered(number))
    raised = in_parallel([partial(webhook_store.put, numbered(50 + number)) for number in range(12)])
    assert [type(error) for error in raised].count(TooManyWebhooksError) == 9
    assert len(ids(webhook_store)) == MAX_WEBHOOKS


def test_many_who_delete_one_make_room_for_one(webhook_store: WebhookStore) -> None:
    for number in range(MAX_WEBHOOKS):
        webhook_store.put(numbered(number))
    assert set(in_parallel([partial(webhook_store.delete, "acme", WORKFLOW, nth_id(4))] * 6)) == {None}
    webhook_store.put(numbered(99))
    with pytest.raises(TooManyWebhooksError):
        webhook_store.put(numbered(98))


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException"])
def test_a_write_that_failed_is_taken_for_nothing_else(dynamodb: "DynamoDBClient", code: str) -> None:
    client: Any = FaultyClient(dynamodb, refused(code))
    store = DynamoWebhookStore(client, "WorkflowsTable")
    for write in (
        partial(store.put, WEBHOOK),
        partial(store.replace, STOPPED, seen=WEBHOOK),
        partial(store.delete, "acme", WORKFLOW, WEBHOOK.webhook_id),
    ):
        with pytest.raises(ClientError, match=code):
            write()


def test_who_others_are_always_before_is_told_so(dynamodb: "DynamoDBClient") -> None:
    client: Any = FaultyClient(dynamodb, canceled("TransactionConflict", "None"))
    store = DynamoWebhookStore(client, "WorkflowsTable")
    with pytest.raises(WebhookIsChangingError):
        store.put(WEBHOOK)
    assert client.calls == CHANGE_ATTEMPTS


def test_a_list_of_workflows_does_not_meet_webhooks(dynamodb: "DynamoDBClient") -> None:
    DynamoWebhookStore(dynamodb, "WorkflowsTable").put(WEBHOOK)
    assert dynamodb.scan(TableName="WorkflowsTable", IndexName="by_tenant")["Items"] == []
