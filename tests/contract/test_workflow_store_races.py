"""Several at once on one workflow: each version number goes to one of them, and the others learn it."""

from collections import Counter
from dataclasses import replace
from functools import partial

from stepcall.stores.workflow_store import VersionConflictError, WorkflowNotFoundError, WorkflowStore
from tests.contract.conftest import in_parallel, nth_id
from tests.contract.test_workflow_store import LATER, first, listed, named, next_of


def test_of_many_next_versions_one_wins_and_the_others_learn_it(workflow_store: WorkflowStore) -> None:
    one = first(1)
    workflow_store.put_first(one)
    candidates = [replace(next_of(one), definition=named(str(number))) for number in range(12)]
    raised = in_parallel([partial(workflow_store.put_next, candidate, one) for candidate in candidates])
    [winner] = [index for index, error in enumerate(raised) if error is None]
    assert Counter(map(type, raised)) == {type(None): 1, VersionConflictError: 11}
    assert workflow_store.get_latest("acme", nth_id(1)) == candidates[winner]
    assert [(summary.latest_version, summary.name) for summary in listed(workflow_store)] == [(2, str(winner))]


def test_of_many_who_delete_a_workflow_one_does(workflow_store: WorkflowStore) -> None:
    one = first(1)
    workflow_store.put_first(one)
    times = [LATER.replace(microsecond=number) for number in range(8)]
    raised = in_parallel([partial(workflow_store.delete, one, time) for time in times])
    assert Counter(map(type, raised)) == {type(None): 1, VersionConflictError: 7}
    assert listed(workflow_store) == []


def test_a_workflow_that_is_changed_and_deleted_at_once_is_one_of_the_two(workflow_store: WorkflowStore) -> None:
    for number in range(1, 9):
        one = first(number)
        workflow_store.put_first(one)
        changed, deleted = in_parallel(
            [partial(workflow_store.put_next, next_of(one), one), partial(workflow_store.delete, one, LATER)]
        )
        assert {type(changed), type(deleted)} == {type(None), VersionConflictError}
        try:
            assert workflow_store.get_latest("acme", nth_id(number)).version == 2
            assert changed is None
        except WorkflowNotFoundError:
            assert deleted is None
