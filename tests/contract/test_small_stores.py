"""What every workflow store, API key store and payload store does."""

import random
import string
from datetime import UTC, datetime

import pytest

from stepcall.domain.json_text import NotJsonError
from stepcall.domain.workflow import WorkflowVersion
from stepcall.domain.run import StoredPayload
from stepcall.stores.api_key_store import ApiKey, ApiKeyStore, UnknownApiKeyError, hash_api_key
from stepcall.stores.payload_store import (
    INLINE_LIMIT_BYTES,
    MAX_PAYLOAD_BYTES,
    PayloadGoneError,
    PayloadStore,
    PayloadTooLargeError,
)
from stepcall.stores.workflow_store import WorkflowNotFoundError, WorkflowStore
from tests.contract.conftest import nth_id
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


def test_a_workflow_of_1000_tasks_is_stored(workflow_store: WorkflowStore) -> None:
    tasks = [transform(f"task_{number}", f"a text of its own: {number}" * 10) for number in range(1000)]
    large = WorkflowVersion(nth_id(3), 1, "acme", checked(workflow(*tasks)), VERSION.created_at)
    workflow_store.put_first(large)
    assert workflow_store.get_latest("acme", nth_id(3)) == large


def test_a_key_is_found_by_its_hash_and_by_nothing_else(api_key_store: ApiKeyStore) -> None:
    key = ApiKey(hash_api_key("sc_one"), "acme", "nightly")
    api_key_store.put(key)
    assert api_key_store.get(key.key_hash) == key
    for unknown in ("", "sc_one", hash_api_key("sc_two")):
        with pytest.raises(UnknownApiKeyError):
            api_key_store.get(unknown)


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


def test_a_large_value_has_an_address(payload_store: PayloadStore) -> None:
    text = "".join(random.Random(1).choices(string.ascii_letters, k=20_000))
    assert payload_store.url(payload_store.put("run/output", text))
