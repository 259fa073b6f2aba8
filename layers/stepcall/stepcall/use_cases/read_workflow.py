"""A workflow as its author wrote it."""

from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.workflow import WorkflowVersion
from stepcall.stores.workflow_store import VersionNotFoundError
from stepcall.use_cases.dependencies import WorkerDependencies


def read_workflow(
    workflow_id: UUID, caller: Caller, deps: WorkerDependencies, *, number: int | None = None
) -> WorkflowVersion:
    """That version, by default the newest.

    Raises WorkflowNotFoundError, also for another tenant's or a deleted one, NotGrantedError and
    VersionNotFoundError.
    """
    latest = deps.workflows.get_latest(caller.tenant, workflow_id)  # of a deleted workflow no version is shown
    caller.require_workflow(workflow_id)
    if number is None or number == latest.version:
        return latest
    if number > latest.version:
        raise VersionNotFoundError(number, latest.version)
    return deps.workflows.get_version(workflow_id, number)
