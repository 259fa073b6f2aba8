"""What every workflow store and payload store does."""

import random
import string
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from stepcall.aws.outputs import KEPT_BYTES, S3PayloadStore
from stepcall.domain.json_text import NotJsonError
from stepcall.domain.run import StoredPayload
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.payload_store import (
    INLINE_LIMIT_BYTES,
    MAX_PAYLOAD_BYTES,
    PayloadGoneError,
    PayloadStore,
    PayloadTooLargeError,
)
from stepcall.stores.workflow_store import WorkflowNotFoundError, WorkflowStore
from tests.clock import Clock, new_ids
from tests.contract.conftest import BUCKET, nth_id
from tests.sample_workflows import checked, declare, give, transform, workflow

DEFINITION = checked(
    workflow(
        transform("first", {"deep": ["{{input.number}}", 2**70, 1.5, None]}),
        inputs=[declare("number", "integer", default=3, required=False)],
        outputs=[give("all", "{{refs.first.output.result}}", "object")],
    )
)
VERSION = WorkflowVersion(nth_id(1), 1, "acme", DEFINITION, datetime(2026, 3, 4, 5, 6, 7, 891234, UTC))


def test_a_workflow_is_read_as_it_was_stored(workflow_store: WorkflowStore) -> None:
    workflow_store.put_first(VERSION)
    assert workflow_store.get_latest("acme", nth_id(1)) == VERSION
    assert workflow_store.get_version(nth_id(1), 1) == VERSION
    assert workflow_store.get_version(nth_id(1), 1).definition.to_json() == DEFINITION.to_json()


def test_a_workflow_of_nobody_or_somebody_else_is_not_found(workflow_store: WorkflowStore) -> None:
    workflow_store.put_first(VERSION)
    for tenant, workflow_id in (("other", nth_id(1)), ("acme", nth_id(2))):
        with pytest.raises(WorkflowNotFoundError):
            workflow_store.get_latest(tenant, workflow_id)
    for workflow_id, number in ((nth_id(1), 2), (nth_id(2), 1)):
        with pytest.raises(WorkflowNotFoundError):
            workflow_store.get_version(workflow_id, number)


def nested(depth: int) -> Any:
    value: Any = {}
    for level in range(depth):
        value = [value] if level % 2 else {"~/": value}
    return value


@pytest.mark.parametrize(
    "default",
    [None, 10**400, -(2**63) - 1, 1e300, 5e-324, 3.0, -0.0, "", "\0 \u2028 🌊 {{{{", {"": [None]}, nested(150)],
    ids=lambda value: str(value)[:12],
)
def test_a_definition_keeps_its_values_to_the_last_digit(workflow_store: WorkflowStore, default: Any) -> None:
    types = {dict: "object", int: "number", float: "number", list: "array"}
    document = workflow(
        transform("a", {"literal": "{{{{", "number": 2**70}),
        inputs=[declare("n", types.get(type(default), "string"), default=default), declare("t", "text")],
    )
    version = replace(VERSION, definition=checked(document))
    workflow_store.put_first(version)
    kept = workflow_store.get_latest("acme", VERSION.workflow_id).definition
    assert kept == version.definition
    assert repr(kept.to_json()) == repr(version.definition.to_json())
    assert kept.input[0].has_default
    assert not kept.input[1].has_default


def test_a_workflow_of_1000_tasks_is_stored(workflow_store: WorkflowStore) -> None:
    tasks = [transform(f"task_{number}", f"a text of its own: {number}" * 10) for number in range(1000)]
    large = WorkflowVersion(nth_id(3), 1, "acme", checked(workflow(*tasks)), VERSION.created_at)
    workflow_store.put_first(large)
    assert workflow_store.get_latest("acme", nth_id(3)) == large


@pytest.mark.parametrize(
    "value",
    [None, 0, "", [], {"a": [1, 2.5, {"b": None}]}, "ü🙂\u2028", 2**70 + 1, "x" * INLINE_LIMIT_BYTES, ["y" * 300_000]],
    ids=lambda value: str(value)[:12],
)
def test_a_value_is_read_as_it_was_put_whatever_its_size(payload_store: PayloadStore, value: object) -> None:
    stored = payload_store.put("run/task", value)
    assert payload_store.get(stored) == value
    assert (stored.key is None) == (stored.size <= INLINE_LIMIT_BYTES)
    assert (stored.inline is None) == (stored.key is not None)


def test_a_value_of_exactly_the_limit_travels_in_its_record(payload_store: PayloadStore) -> None:
    fits, over = "x" * (INLINE_LIMIT_BYTES - 2), "x" * (INLINE_LIMIT_BYTES - 1)
    assert payload_store.put("a", fits).key is None
    assert payload_store.put("a", over).key is not None


def test_two_large_values_of_one_name_do_not_overwrite_each_other(payload_store: PayloadStore) -> None:
    first, second = (payload_store.put("run/task", letter * 20_000) for letter in "ab")
    assert first.key != second.key
    assert payload_store.get(first) == "a" * 20_000


def test_what_json_cannot_say_is_not_put(payload_store: PayloadStore) -> None:
    for value in (float("nan"), float("inf"), "\ud800", {1, 2}):
        with pytest.raises(NotJsonError):
            payload_store.put("a", value)


def test_a_value_over_100_mb_is_refused(payload_store: PayloadStore) -> None:
    with pytest.raises(PayloadTooLargeError):
        payload_store.put("a", "x" * MAX_PAYLOAD_BYTES)


def test_a_large_value_that_has_been_deleted_is_gone(payload_store: PayloadStore) -> None:
    with pytest.raises(PayloadGoneError):
        payload_store.get(StoredPayload(20_000, key="runs/never/was.json"))


def test_a_large_value_is_fetched_once_for_who_will_ask_again_and_anew_for_others(
    s3_store: S3PayloadStore,
) -> None:
    first, second, third = (s3_store.put("run/output", [number] * 5000) for number in range(3))
    kept = s3_store.get(first, may_keep=True)
    assert s3_store.get(first, may_keep=True) is kept
    assert s3_store.get(first) == kept
    assert s3_store.get(first) is not kept
    for other in (second, third):
        assert s3_store.get(other, may_keep=True) is s3_store.get(other, may_keep=True)
    assert s3_store.get(first, may_keep=True) is not kept, "two are kept"


def test_a_very_large_value_is_never_kept(s3_store: S3PayloadStore) -> None:
    stored = s3_store.put("run/output", ["x" * KEPT_BYTES])
    assert s3_store.get(stored, may_keep=True) is not s3_store.get(stored, may_keep=True)


def test_a_large_value_has_an_address(payload_store: PayloadStore) -> None:
    text = "".join(random.Random(1).choices(string.ascii_letters, k=20_000))
    assert payload_store.url(payload_store.put("run/output", text))


def test_an_address_is_good_for_15_minutes_and_names_the_values_own_object(s3_store: S3PayloadStore) -> None:
    stored = s3_store.put("run/output", "x" * 20_000)
    address = urlsplit(s3_store.url(stored))
    assert address.path.endswith(f"{BUCKET}/{stored.key}") or address.path == f"/{stored.key}"
    assert stored.key
    assert stored.key.startswith("runs/run/output-")
    query = parse_qs(address.query)
    lasts = query.get("X-Amz-Expires") or [str(int(query["Expires"][0]) - int(time.time()))]
    assert 890 <= int(lasts[0]) <= 900


def test_a_client_is_made_for_large_values_only(clock: Clock) -> None:
    def refuse() -> Any:
        pytest.fail("a client was made")

    store = S3PayloadStore(refuse, BUCKET, new_ids(clock))
    assert store.get(store.put("run/output", "x" * 8000)) == "x" * 8000
