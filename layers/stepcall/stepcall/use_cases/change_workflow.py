"""How a workflow changes: from its newest version, one change after the other, and told when every process knows it."""

from collections.abc import Callable, Set
from typing import TypeVar
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.errors import StepcallError
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.workflow_store import LATEST_LEASE_SECONDS, VersionConflictError
from stepcall.use_cases.dependencies import FaceDependencies

CHANGE_ATTEMPTS = 10
PAUSE_SECONDS = 0.02
ChangedT = TypeVar("ChangedT")


class StaleVersionError(StepcallError):
    """The newest version is none of those that the caller knows, and nothing was changed."""

    def __init__(self, newest: int) -> None:
        super().__init__(f"The newest version is {newest}: read it, and send the change again with its number.")
        self.newest = newest


def change_newest(
    workflow_id: UUID,
    caller: Caller,
    deps: FaceDependencies,
    expected: Set[int] | None,
    change: Callable[[WorkflowVersion], ChangedT],
) -> ChangedT:
    """What `change` gives for the newest version, which must be one of `expected` if those are given.

    Raises WorkflowNotFoundError, NotGrantedError, StaleVersionError, what `change` raises, and VersionConflictError
    when others change it all the time.
    """

    def change_it() -> ChangedT:
        newest = deps.workflows.get_latest_now(caller.tenant, workflow_id)
        caller.require_workflow(workflow_id)
        if expected is not None and newest.version not in expected:
            raise StaleVersionError(newest.version)
        return change(newest)

    return retry_on_conflict(change_it, deps)


def retry_on_conflict(change: Callable[[], ChangedT], deps: FaceDependencies) -> ChangedT:
    """What `change` gives, once nobody comes before it. Raises VersionConflictError when somebody does every time."""
    attempt = 1
    while True:
        try:
            return change()
        except VersionConflictError:
            if attempt == CHANGE_ATTEMPTS:
                raise
            deps.sleep(PAUSE_SECONDS * attempt)
            attempt += 1


def wait_out_lease(deps: FaceDependencies) -> None:
    """Until nobody believes any more what was true before the change: the caller may be told of it then."""
    deps.sleep(LATEST_LEASE_SECONDS)
