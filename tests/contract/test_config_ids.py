"""A `config_id` is one workflow's of its tenant, from the version that claims it to the one that does not."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from stepcall.domain.ids import spell_workflow
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.workflow_store import (
    ConfigIdTakenError,
    VersionConflictError,
    WorkflowNotFoundError,
    WorkflowStore,
)
from tests.contract.conftest import in_parallel, nth_id
from tests.contract.test_workflow_store import LATER, first, listed, named, next_of

if TYPE_CHECKING:
    pass

TABLE = "WorkflowsTable"


def claiming(version: WorkflowVersion, config_id: str | None, name: str = "a workflow") -> WorkflowVersion:
    """The same version with that `config_id`, or none."""
    return replace(version, definition=named(name, **({"config_id": config_id} if config_id else {})))


def put_first(store: WorkflowStore, number: int, config_id: str | None, tenant: str = "acme") -> WorkflowVersion:
    version = claiming(first(number, tenant=tenant), config_id)
    store.put_first(version)
    return version


def put_next(store: WorkflowStore, newest: WorkflowVersion, config_id: str | None) -> WorkflowVersion:
    version = claiming(next_of(newest), config_id)
    store.put_next(version, newest)
    return version


def owner(store: WorkflowStore, config_id: str, tenant: str = "acme") -> UUID | None:
    try:
        return store.find_config_id(tenant, config_id)
    except WorkflowNotFoundError:
        return None


def test_a_workflow_is_found_by_its_config_id_as_it_is_spelled(workflow_store: WorkflowStore) -> None:
    put_first(workflow_store, 1, "cg-Nightly.1")
    put_first(workflow_store, 2, None)
    assert owner(workflow_store, "cg-Nightly.1") == nth_id(1)
    for other in ("cg-nightly.1", "cg-Nightly.1 ", "cg-Nightly", "cg-Nightly.", "HEAD", "V#0000000001", "acme", "-"):
        assert owner(workflow_store, other) is None


def test_what_is_not_there_is_told_without_repeating_it(workflow_store: WorkflowStore) -> None:
    with pytest.raises(WorkflowNotFoundError, match="no workflow of this config_id") as raised:
        workflow_store.find_config_id("acme", "what-the-caller-sent")
    assert "caller" not in str(raised.value)


def test_another_tenant_may_have_the_same(workflow_store: WorkflowStore) -> None:
    put_first(workflow_store, 1, "shared")
    assert owner(workflow_store, "shared", "other") is None
    theirs = put_first(workflow_store, 2, "shared", tenant="other")
    assert (owner(workflow_store, "shared"), owner(workflow_store, "shared", "other")) == (nth_id(1), nth_id(2))
    workflow_store.delete(theirs, LATER)
    assert (owner(workflow_store, "shared"), owner(workflow_store, "shared", "other")) == (nth_id(1), None)


def test_a_new_workflow_with_a_config_id_that_is_taken_is_not_stored(workflow_store: WorkflowStore) -> None:
    put_first(workflow_store, 1, "taken")
    with pytest.raises(ConfigIdTakenError) as refused:
        put_first(workflow_store, 2, "taken")
    has_it = f"The workflow `{spell_workflow(nth_id(1))}` has this config_id"
    assert [(problem.location, problem.code, problem.message) for problem in refused.value.problems] == [
        ("/config_id", "config_id_taken", f"{has_it}.")
    ]
    assert str(refused.value).startswith(f"{has_it}, and nothing was stored. Choose another one")
    assert owner(workflow_store, "taken") == nth_id(1)
    assert [summary.workflow_id for summary in listed(workflow_store)] == [nth_id(1)]
    for read in (partial(workflow_store.get_latest, "acme"), partial(workflow_store.get_version, version=1)):
        with pytest.raises(WorkflowNotFoundError):
            read(nth_id(2))


def test_a_version_with_a_config_id_that_is_taken_is_not_stored(workflow_store: WorkflowStore) -> None:
    put_first(workflow_store, 1, "taken")
    mine = put_first(workflow_store, 2, "mine")
    with pytest.raises(ConfigIdTakenError, match=spell_workflow(nth_id(1))):
        put_next(workflow_store, mine, "taken")
    assert (owner(workflow_store, "taken"), owner(workflow_store, "mine")) == (nth_id(1), nth_id(2))
    assert workflow_store.get_latest("acme", nth_id(2)) == mine
    with pytest.raises(WorkflowNotFoundError):
        workflow_store.get_version(nth_id(2), 2)


@pytest.mark.parametrize("then", ["another", None])
def test_a_version_with_another_config_id_or_none_frees_the_old_one(
    workflow_store: WorkflowStore, then: str | None
) -> None:
    one = put_first(workflow_store, 1, "old")
    put_next(workflow_store, one, then)
    assert owner(workflow_store, "old") is None
    assert then is None or owner(workflow_store, then) == nth_id(1)
    put_first(workflow_store, 2, "old")
    assert owner(workflow_store, "old") == nth_id(2)


def test_a_version_with_the_same_config_id_keeps_it(workflow_store: WorkflowStore) -> None:
    newest = put_first(workflow_store, 1, "kept")
    for _ in range(3):
        newest = put_next(workflow_store, newest, "kept")
        assert owner(workflow_store, "kept") == nth_id(1)
    with pytest.raises(ConfigIdTakenError):
        put_first(workflow_store, 2, "kept")


def test_a_workflow_may_have_its_old_config_id_again_unless_somebody_took_it(workflow_store: WorkflowStore) -> None:
    one = put_first(workflow_store, 1, "a")
    three = put_next(workflow_store, put_next(workflow_store, one, "b"), "a")
    assert (owner(workflow_store, "a"), owner(workflow_store, "b")) == (nth_id(1), None)
    four = put_next(workflow_store, three, None)
    put_first(workflow_store, 2, "a")
    with pytest.raises(ConfigIdTakenError):
        put_next(workflow_store, four, "a")


def test_a_deleted_workflow_has_no_config_id(workflow_store: WorkflowStore) -> None:
    one = put_first(workflow_store, 1, "freed")
    workflow_store.delete(one, LATER)
    assert owner(workflow_store, "freed") is None
    put_first(workflow_store, 2, "freed")
    with pytest.raises(VersionConflictError):
        workflow_store.delete(one, LATER + timedelta(seconds=1))
    assert owner(workflow_store, "freed") == nth_id(2)


def test_who_was_outrun_neither_claims_nor_frees(workflow_store: WorkflowStore) -> None:
    one = put_first(workflow_store, 1, "a")
    put_next(workflow_store, one, "b")
    put_first(workflow_store, 2, "a")
    for late in (
        partial(put_next, workflow_store, one, "c"),
        partial(put_next, workflow_store, one, "a"),
        partial(workflow_store.delete, one, LATER),
    ):
        with pytest.raises(VersionConflictError):
            late()
    assert [owner(workflow_store, config_id) for config_id in "abc"] == [nth_id(2), nth_id(1), None]


def test_of_many_workflows_that_claim_one_config_id_at_once_one_has_it(workflow_store: WorkflowStore) -> None:
    changed = [put_first(workflow_store, number, None) for number in range(1, 7)]
    claims = [partial(put_next, workflow_store, newest, "wanted") for newest in changed]
    claims += [partial(put_first, workflow_store, number, "wanted") for number in range(7, 13)]
    raised = in_parallel(claims)
    [winner] = [number for number, error in enumerate(raised, start=1) if error is None]
    assert Counter(map(type, raised)) == {type(None): 1, ConfigIdTakenError: 11}
    assert owner(workflow_store, "wanted") == nth_id(winner)
    named_so = [version.workflow_id for version in newest_of_all(workflow_store) if version.definition.config_id]
    assert named_so == [nth_id(winner)]


def newest_of_all(store: WorkflowStore) -> list[WorkflowVersion]:
    return [store.get_latest("acme", summary.workflow_id) for summary in listed(store)]


def test_who_frees_and_who_claims_at_once_never_both_have_it(workflow_store: WorkflowStore) -> None:
    for number in range(1, 13, 2):
        config_id = f"contested-{number}"
        has_it = put_first(workflow_store, number, config_id)
        free: Any = partial(put_next, workflow_store, has_it, None)
        if number % 4 == 1:
            free = partial(workflow_store.delete, has_it, LATER)
        freed, claimed = in_parallel([free, partial(put_first, workflow_store, number + 1, config_id)])
        assert freed is None
        assert claimed is None or isinstance(claimed, ConfigIdTakenError)
        assert owner(workflow_store, config_id) == (nth_id(number + 1) if claimed is None else None)
