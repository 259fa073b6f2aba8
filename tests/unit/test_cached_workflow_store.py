"""Versions for ever, the newest one for a second."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import pytest

from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.cached_workflow_store import MAX_VERSIONS, CachedWorkflowStore
from stepcall.stores.memory_workflow_store import MemoryWorkflowStore
from stepcall.stores.workflow_store import (
    LATEST_LEASE_SECONDS,
    ConfigIdTakenError,
    VersionConflictError,
    VersionPage,
    WorkflowNotFoundError,
    WorkflowPage,
)
from tests.clock import Clock
from tests.sample_workflows import checked, workflow

DEFINITION = checked(workflow())


@dataclass
class CountedStore:
    """A store that counts how often it is read, and may be slow to answer."""

    inner: MemoryWorkflowStore = field(default_factory=MemoryWorkflowStore)
    reads: int = 0
    pause: Callable[[], None] = lambda: None

    def put_first(self, version: WorkflowVersion) -> None:
        self.inner.put_first(version)

    def put_next(self, version: WorkflowVersion, newest: WorkflowVersion) -> None:
        self.inner.put_next(version, newest)

    def delete(self, newest: WorkflowVersion, now: datetime) -> None:
        self.inner.delete(newest, now)

    def find_config_id(self, tenant: str, config_id: str) -> UUID:
        self.reads += 1
        found = self.inner.find_config_id(tenant, config_id)
        self.pause()
        return found

    def get_latest_now(self, tenant: str, workflow_id: UUID) -> WorkflowVersion:
        return self.get_latest(tenant, workflow_id)

    def list_by_tenant(self, tenant: str, *, name: str | None, limit: int, after: UUID | None) -> WorkflowPage:
        self.reads += 1
        return self.inner.list_by_tenant(tenant, name=name, limit=limit, after=after)

    def list_versions(self, workflow_id: UUID, *, limit: int, after: int | None) -> VersionPage:
        self.reads += 1
        return self.inner.list_versions(workflow_id, limit=limit, after=after)

    def get_latest(self, tenant: str, workflow_id: UUID) -> WorkflowVersion:
        self.reads += 1
        found = self.inner.get_latest(tenant, workflow_id)
        self.pause()
        return found

    def get_version(self, workflow_id: UUID, version: int) -> WorkflowVersion:
        self.reads += 1
        return self.inner.get_version(workflow_id, version)


@pytest.fixture
def stored() -> CountedStore:
    return CountedStore()


@pytest.fixture
def cached(stored: CountedStore, clock: Clock) -> CachedWorkflowStore:
    return CachedWorkflowStore(stored, clock.monotonic)


def version(
    clock: Clock, number: int = 1, workflow_id: int = 1, config_id: str | None = None, tenant: str = "acme"
) -> WorkflowVersion:
    definition = DEFINITION.model_copy(update={"config_id": config_id}) if config_id else DEFINITION
    return WorkflowVersion(UUID(int=workflow_id), number, tenant, definition, clock.now())


def test_what_was_put_is_served_without_reading(
    stored: CountedStore, cached: CachedWorkflowStore, clock: Clock
) -> None:
    first = version(clock)
    cached.put_first(first)
    assert cached.get_version(first.workflow_id, 1) is first
    assert stored.reads == 0
    assert stored.inner.get_version(first.workflow_id, 1) is first


def test_a_version_is_read_once_for_ever(stored: CountedStore, cached: CachedWorkflowStore, clock: Clock) -> None:
    stored.put_first(version(clock))
    first = cached.get_version(UUID(int=1), 1)
    clock.sleep(365 * 86400)
    assert cached.get_version(UUID(int=1), 1) is first
    assert stored.reads == 1


def test_the_newest_version_is_believed_for_a_second_and_no_longer(
    stored: CountedStore, cached: CachedWorkflowStore, clock: Clock
) -> None:
    stored.put_first(version(clock))
    assert cached.get_latest("acme", UUID(int=1)).version == 1
    stored.put_first(version(clock, 2))
    clock.sleep(LATEST_LEASE_SECONDS - 0.01)
    assert (cached.get_latest("acme", UUID(int=1)).version, stored.reads) == (1, 1)
    clock.sleep(0.01)
    assert (cached.get_latest("acme", UUID(int=1)).version, stored.reads) == (2, 2)


def test_the_second_counts_from_before_the_read(
    stored: CountedStore, cached: CachedWorkflowStore, clock: Clock
) -> None:
    """Otherwise a slow read would be believed for longer than whoever changes a workflow waits."""
    stored.pause = lambda: clock.sleep(0.6)
    stored.put_first(version(clock))
    cached.get_latest("acme", UUID(int=1))
    stored.put_first(version(clock, 2))
    clock.sleep(0.5)
    assert cached.get_latest("acme", UUID(int=1)).version == 2


def test_another_tenant_learns_nothing_from_the_cache(
    stored: CountedStore, cached: CachedWorkflowStore, clock: Clock
) -> None:
    cached.put_first(version(clock))
    cached.get_latest("acme", UUID(int=1))
    for tenant in ("other", "", "acme "):
        with pytest.raises(WorkflowNotFoundError, match="There is no workflow"):
            cached.get_latest(tenant, UUID(int=1))
    assert stored.reads == 1


def test_what_is_not_there_is_looked_for_again(stored: CountedStore, cached: CachedWorkflowStore, clock: Clock) -> None:
    for _ in range(2):
        with pytest.raises(WorkflowNotFoundError):
            cached.get_latest("acme", UUID(int=1))
        with pytest.raises(WorkflowNotFoundError):
            cached.get_version(UUID(int=1), 1)
    stored.put_first(version(clock))
    assert cached.get_latest("acme", UUID(int=1)).version == cached.get_version(UUID(int=1), 1).version == 1


def test_a_version_is_one_object_however_it_is_asked_for(
    stored: CountedStore, cached: CachedWorkflowStore, clock: Clock
) -> None:
    """What hangs on it, its parsed templates, is made once."""
    stored.put_first(version(clock))
    assert cached.get_latest("acme", UUID(int=1)) is cached.get_version(UUID(int=1), 1)


def test_memory_is_bounded_and_the_least_used_version_goes_first(
    stored: CountedStore, cached: CachedWorkflowStore, clock: Clock
) -> None:
    for number in range(MAX_VERSIONS):
        cached.put_first(version(clock, workflow_id=number))
    cached.get_version(UUID(int=0), 1)
    cached.put_first(version(clock, workflow_id=MAX_VERSIONS))
    assert stored.reads == 0
    cached.get_version(UUID(int=0), 1)
    assert stored.reads == 0
    cached.get_version(UUID(int=1), 1)
    assert stored.reads == 1


def test_many_workflows_do_not_fill_memory_with_their_newest_versions(
    stored: CountedStore, cached: CachedWorkflowStore, clock: Clock
) -> None:
    for number in range(3 * MAX_VERSIONS):
        stored.put_first(version(clock, workflow_id=number))
        cached.get_latest("acme", UUID(int=number))
    kept = 0
    for number in range(3 * MAX_VERSIONS):
        before = stored.reads
        cached.get_latest("acme", UUID(int=number))
        kept += stored.reads == before
    assert kept <= MAX_VERSIONS


def test_who_changes_a_workflow_sees_the_change_at_once(
    stored: CountedStore, cached: CachedWorkflowStore, clock: Clock
) -> None:
    cached.put_first(one := version(clock))
    assert cached.get_latest("acme", UUID(int=1)).version == 1
    two = version(clock, 2)
    cached.put_next(two, one)
    assert cached.get_latest("acme", UUID(int=1)) is two
    assert stored.reads == 2
    cached.delete(two, clock.now())
    with pytest.raises(WorkflowNotFoundError):
        cached.get_latest("acme", UUID(int=1))
    assert cached.get_version(UUID(int=1), 2) is two
    assert stored.reads == 3


def test_a_change_that_was_refused_is_not_remembered(
    stored: CountedStore, cached: CachedWorkflowStore, clock: Clock
) -> None:
    cached.put_first(one := version(clock))
    stored.put_next(theirs := version(clock, 2), one)
    clock.sleep(1)
    with pytest.raises(VersionConflictError):
        cached.put_next(version(clock, 2), one)
    assert cached.get_version(UUID(int=1), 2) is theirs


def test_who_is_about_to_change_a_workflow_is_not_served_from_memory(
    stored: CountedStore, cached: CachedWorkflowStore, clock: Clock
) -> None:
    cached.put_first(one := version(clock))
    assert cached.get_latest("acme", UUID(int=1)).version == 1
    stored.put_next(version(clock, 2), one)
    assert cached.get_latest_now("acme", UUID(int=1)).version == 2
    assert cached.get_latest_now("acme", UUID(int=1)) is cached.get_version(UUID(int=1), 2)


def test_lists_are_never_from_memory(stored: CountedStore, cached: CachedWorkflowStore, clock: Clock) -> None:
    cached.put_first(version(clock))
    for number in (2, 3):
        stored.put_next(version(clock, number), version(clock, number - 1))
        [summary] = cached.list_by_tenant("acme", name=None, limit=5, after=None).workflows
        versions = cached.list_versions(UUID(int=1), limit=5, after=None).versions
        assert (summary.latest_version, len(versions)) == (number, number)


def test_whose_a_config_id_is_is_believed_for_a_second_and_no_longer(
    stored: CountedStore, cached: CachedWorkflowStore, clock: Clock
) -> None:
    stored.put_first(one := version(clock, config_id="nightly"))
    assert cached.find_config_id("acme", "nightly") == UUID(int=1)
    stored.delete(one, clock.now())
    stored.put_first(version(clock, workflow_id=2, config_id="nightly"))
    clock.sleep(LATEST_LEASE_SECONDS - 0.01)
    assert (cached.find_config_id("acme", "nightly"), stored.reads) == (UUID(int=1), 1)
    clock.sleep(0.01)
    assert (cached.find_config_id("acme", "nightly"), stored.reads) == (UUID(int=2), 2)


def test_the_second_of_a_config_id_counts_from_before_the_read(
    stored: CountedStore, cached: CachedWorkflowStore, clock: Clock
) -> None:
    stored.pause = lambda: clock.sleep(0.6)
    stored.put_first(one := version(clock, config_id="nightly"))
    cached.find_config_id("acme", "nightly")
    stored.delete(one, clock.now())
    clock.sleep(0.5)
    with pytest.raises(WorkflowNotFoundError):
        cached.find_config_id("acme", "nightly")


def test_a_config_id_that_nobody_has_is_looked_for_again(
    stored: CountedStore, cached: CachedWorkflowStore, clock: Clock
) -> None:
    for _ in range(2):
        with pytest.raises(WorkflowNotFoundError):
            cached.find_config_id("acme", "nightly")
    stored.put_first(version(clock, config_id="nightly"))
    assert cached.find_config_id("acme", "nightly") == UUID(int=1)
    assert stored.reads == 3


def test_a_config_id_is_remembered_for_its_tenant(
    stored: CountedStore, cached: CachedWorkflowStore, clock: Clock
) -> None:
    stored.put_first(version(clock, config_id="nightly"))
    stored.put_first(version(clock, workflow_id=2, config_id="nightly", tenant="other"))
    for _ in range(2):
        assert cached.find_config_id("acme", "nightly") == UUID(int=1)
        assert cached.find_config_id("other", "nightly") == UUID(int=2)
        with pytest.raises(WorkflowNotFoundError):
            cached.find_config_id("third", "nightly")


def test_who_changes_a_config_id_sees_it_at_once(cached: CachedWorkflowStore, clock: Clock) -> None:
    def found() -> list[int]:
        return [int(cached.find_config_id("acme", config_id)) for config_id in ("a", "b") if is_there(config_id)]

    def is_there(config_id: str) -> bool:
        try:
            return bool(cached.find_config_id("acme", config_id))
        except WorkflowNotFoundError:
            return False

    cached.put_first(one := version(clock, config_id="a"))
    assert found() == [1]
    cached.put_next(two := version(clock, 2, config_id="b"), one)
    assert (found(), is_there("a")) == ([1], False)
    cached.put_first(version(clock, workflow_id=2, config_id="a"))
    assert found() == [2, 1]
    cached.delete(two, clock.now())
    assert (found(), is_there("b")) == ([2], False)


def test_who_takes_a_config_id_that_others_have_freed_sees_it_at_once(
    stored: CountedStore, cached: CachedWorkflowStore, clock: Clock
) -> None:
    stored.put_first(one := version(clock, config_id="a"))
    assert cached.find_config_id("acme", "a") == UUID(int=1)
    stored.put_next(version(clock, 2), one)
    cached.put_first(two := version(clock, workflow_id=2))
    cached.put_next(version(clock, 2, workflow_id=2, config_id="a"), two)
    assert cached.find_config_id("acme", "a") == UUID(int=2)
    stored.delete(stored.inner.get_latest("acme", UUID(int=2)), clock.now())
    cached.put_first(version(clock, workflow_id=3, config_id="a"))
    assert cached.find_config_id("acme", "a") == UUID(int=3)


def test_a_claim_that_was_refused_is_not_remembered(
    stored: CountedStore, cached: CachedWorkflowStore, clock: Clock
) -> None:
    stored.put_first(version(clock, config_id="taken"))
    with pytest.raises(ConfigIdTakenError):
        cached.put_first(version(clock, workflow_id=2, config_id="taken"))
    assert cached.find_config_id("acme", "taken") == UUID(int=1)
    with pytest.raises(WorkflowNotFoundError):
        cached.get_version(UUID(int=2), 1)


def test_memory_of_config_ids_is_bounded(stored: CountedStore, cached: CachedWorkflowStore, clock: Clock) -> None:
    for number in range(3 * MAX_VERSIONS):
        stored.put_first(version(clock, workflow_id=number, config_id=f"c{number}"))
        cached.find_config_id("acme", f"c{number}")
    assert stored.reads == 3 * MAX_VERSIONS
    for number in range(3 * MAX_VERSIONS):
        cached.find_config_id("acme", f"c{number}")
    assert stored.reads >= 5 * MAX_VERSIONS
