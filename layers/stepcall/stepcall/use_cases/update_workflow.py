"""Check a definition and store it as the next version of its workflow, unless it says what the newest one says."""

from collections.abc import Set
from datetime import timedelta
from typing import Any
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.connection import SqlEngine
from stepcall.domain.json_text import write_canonical_json
from stepcall.domain.workflow import WorkflowVersion
from stepcall.use_cases.change_workflow import change_newest, wait_out_lease
from stepcall.use_cases.check_workflow import CheckedWorkflow, StoredVersion, check_workflow
from stepcall.use_cases.dependencies import FaceDependencies

RECENT = timedelta(minutes=1)
"""Longer than any request: whoever stored an older version has waited."""


def update_workflow(
    workflow_id: UUID, document: Any, caller: Caller, deps: FaceDependencies, *, expected: Set[int] | None = None
) -> StoredVersion:
    """The version that holds this definition: a new one, or the newest if that is equal.

    Raises InvalidDefinitionError with every problem, ConfigIdTakenError, NotGrantedError for a `config_id` that the
    caller may not claim, and what `change_newest` raises; then nothing is stored.
    """
    deps.workflows.get_latest(caller.tenant, workflow_id)  # before the work: what is not theirs tells nothing
    caller.require_workflow(workflow_id)
    checked = check_workflow(document, caller, deps, workflow_id)
    said = _says(checked)

    def put_unless_equal(newest: WorkflowVersion) -> WorkflowVersion:
        if _says(newest) == said:
            return newest
        caller.require_config_id(checked.definition.config_id, newest.definition.config_id)
        version = _next(newest, checked, deps)
        deps.workflows.put_next(version, newest)
        return version

    version = change_newest(workflow_id, caller, deps, expected, put_unless_equal)
    if deps.now() - version.created_at < RECENT:  # an equal one too: who stored it may not have answered yet
        wait_out_lease(deps)
    return StoredVersion(version, checked.warnings)


def _next(newest: WorkflowVersion, checked: CheckedWorkflow, deps: FaceDependencies) -> WorkflowVersion:
    return WorkflowVersion(
        newest.workflow_id,
        newest.version + 1,
        newest.tenant,
        checked.definition,
        deps.now(),
        newest.workflow_created_at,
        checked.sql_engine,
        checked.custom_types,
    )


def _says(version: WorkflowVersion | CheckedWorkflow) -> tuple[str, SqlEngine | None, tuple[str, ...]]:
    """All that its machine and its tasks come of: where that is equal, there is no new version."""
    types = tuple(write_canonical_json(custom.to_json()) for custom in version.custom_types)
    return write_canonical_json(version.definition.to_json()), version.sql_engine, types
