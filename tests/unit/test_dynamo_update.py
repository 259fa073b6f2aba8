"""One conditional UpdateItem, put together."""

from uuid import UUID

import pytest

from stepcall.stores.dynamo_items import task_key
from stepcall.stores.dynamo_update import Update

KEY = task_key(UUID(int=1), "a")


def test_an_update_sets_what_has_a_value_and_is_allowed_from_its_statuses() -> None:
    update = Update(
        key=KEY,
        set={"status": "FAILED", "attempts": 2, "error": None},
        set_once={"started_at": "now"},
        remove=("open",),
        allowed_from=frozenset({"RUNNING", "PENDING"}),
    )
    assert update.to_request("runs") == {
        "TableName": "runs",
        "Key": KEY,
        "UpdateExpression": "SET #status = :status, #attempts = :attempts, "
        "#started_at = if_not_exists(#started_at, :started_at) REMOVE #open",
        "ConditionExpression": "#status IN (:from0, :from1)",
        "ExpressionAttributeNames": {
            "#attempts": "attempts",
            "#open": "open",
            "#started_at": "started_at",
            "#status": "status",
        },
        "ExpressionAttributeValues": {
            ":status": {"S": "FAILED"},
            ":attempts": {"N": "2"},
            ":started_at": {"S": "now"},
            ":from0": {"S": "PENDING"},
            ":from1": {"S": "RUNNING"},
        },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def test_an_update_that_may_create_its_item_says_so_in_its_condition() -> None:
    update = Update(key=KEY, set={"status": "RUNNING"}, allowed_from=frozenset({"RUNNING"}), allowed_when_absent=True)
    assert update.to_request("runs")["ConditionExpression"] == "attribute_not_exists(#status) OR (#status IN (:from0))"


ATTEMPTS: dict[str, tuple[dict[str, int], str]] = {
    "the first": ({"of_attempt": 1}, " AND (attribute_not_exists(#run_attempt) OR #run_attempt = :attempt)"),
    "a later one": ({"of_attempt": 3}, " AND #run_attempt = :attempt"),
    "any before": ({"before_attempt": 3}, " AND (attribute_not_exists(#run_attempt) OR #run_attempt < :attempt)"),
}


@pytest.mark.parametrize("kind", ATTEMPTS)
def test_an_update_may_ask_for_the_attempt_that_has_written_the_item(kind: str) -> None:
    asked, condition = ATTEMPTS[kind]
    update = Update(key=KEY, set={"error": "e"}, allowed_from=frozenset({"RUNNING"}), **asked)  # type: ignore[arg-type]
    request = update.to_request("runs")
    assert request["ConditionExpression"] == f"#status IN (:from0){condition}"
    assert request["ExpressionAttributeNames"]["#run_attempt"] == "run_attempt"
    assert request["ExpressionAttributeValues"][":attempt"] == {"N": str(*asked.values())}


def test_an_update_may_keep_what_an_attribute_was_before() -> None:
    update = Update(KEY, {"status": "CANCELLED"}, frozenset({"RUNNING"}), copied={"cancelled_from": "status"})
    request = update.to_request("runs")
    assert request["UpdateExpression"] == "SET #status = :status, #cancelled_from = #status"
    assert request["ExpressionAttributeNames"] == {"#status": "status", "#cancelled_from": "cancelled_from"}


def test_the_status_is_named_although_it_is_not_set() -> None:
    request = Update(key=KEY, set={"error": "e"}, allowed_from=frozenset({"RUNNING"})).to_request("runs")
    assert request["ExpressionAttributeNames"] == {"#error": "error", "#status": "status"}
    assert request["UpdateExpression"] == "SET #error = :error"


def test_an_update_may_ask_for_what_else_must_still_stand_there() -> None:
    update = Update(
        key=KEY,
        set={"content_hash": "new"},
        allowed_from=frozenset({"PENDING"}),
        seen={"content_hash": "old"},
    )
    request = update.to_request("runs")
    assert request["UpdateExpression"] == "SET #content_hash = :content_hash"
    assert request["ConditionExpression"] == "#status IN (:from0) AND #content_hash = :seen_content_hash"
    assert request["ExpressionAttributeNames"] == {"#content_hash": "content_hash", "#status": "status"}
    assert request["ExpressionAttributeValues"] == {
        ":content_hash": {"S": "new"},
        ":from0": {"S": "PENDING"},
        ":seen_content_hash": {"S": "old"},
    }
