"""Start a run of a workflow that is named by its id or by the `config_id` of its definition."""

from typing import NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.idempotency import StartOnce
from stepcall.domain.ids import MalformedIdError, read_workflow_id
from stepcall.domain.run import Run, TimeRange
from stepcall.domain.run_mode import RunMode
from stepcall.domain.workflow import MAX_CONFIG_ID_LENGTH
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.dependencies import AcceptDependencies, WorkerDependencies
from stepcall.use_cases.start_run import StartRun, start_run


class StartConfiguredRun(NamedTuple):
    """The command: which workflow, how much of it, and which time it is about."""

    config_id: str
    run_mode: RunMode = RunMode.FULL
    time_range: TimeRange | None = None
    once: StartOnce | None = None


def start_configured_run(command: StartConfiguredRun, caller: Caller, deps: AcceptDependencies) -> Run:
    """A run without parameters. Raises as `start_run` does."""
    workflow_id = find_configured_workflow(command.config_id, caller, deps)
    started = StartRun(workflow_id, {}, run_mode=command.run_mode, time_range=command.time_range, once=command.once)
    return start_run(started, caller, deps)


def find_configured_workflow(config_id: str, caller: Caller, deps: WorkerDependencies) -> UUID:
    """The id that this is, of a workflow that may not be there, or that of the workflow with this `config_id`.

    Raises WorkflowNotFoundError where no workflow has the `config_id`.
    """
    try:
        return read_workflow_id(config_id)  # no `config_id` reads as one
    except MalformedIdError:
        if not 0 < len(config_id) <= MAX_CONFIG_ID_LENGTH:  # a key of the table has its own limits
            raise WorkflowNotFoundError("There is no workflow of this config_id.") from None
        return deps.workflows.find_config_id(caller.tenant, config_id)
