"""The triggers of a workflow."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.errors import Problem
from stepcall.domain.ids import spell_trigger
from stepcall.domain.trigger import Trigger, TriggerType
from stepcall.domain.trigger_advice import advise_on
from stepcall.domain.trigger_request import input_faults
from stepcall.domain.workflow import WorkflowVersion
from stepcall.use_cases.trigger_dependencies import TriggerDependencies


class TriggerView(NamedTuple):
    """A trigger, and what is probably not meant so: that the workflow's newest version takes other inputs, so that it
    would start nothing now, or that its pattern never fires."""

    trigger: Trigger
    warnings: Sequence[Problem]


def list_triggers(workflow_id: UUID, caller: Caller, deps: TriggerDependencies) -> list[TriggerView]:
    """Oldest first. Raises WorkflowNotFoundError, NotGrantedError."""
    version = require_workflow(workflow_id, caller, deps)
    return [view_trigger(each, version) for each in deps.triggers.list_by_workflow(caller.tenant, workflow_id)]


def read_trigger(workflow_id: UUID, trigger_id: UUID, caller: Caller, deps: TriggerDependencies) -> TriggerView:
    """Raises WorkflowNotFoundError, NotGrantedError, TriggerNotFoundError."""
    version = require_workflow(workflow_id, caller, deps)
    return view_trigger(deps.triggers.get(caller.tenant, workflow_id, trigger_id), version)


def warn_of_triggers(version: WorkflowVersion, deps: TriggerDependencies) -> list[Problem]:
    """Which triggers of the workflow would start nothing with this version, for who stores it."""
    triggers = deps.triggers.list_by_workflow(version.tenant, version.workflow_id)
    return [_warn_of(each) for each in triggers if _faults_of_input(each, version)]


def _warn_of(trigger: Trigger) -> Problem:
    name = spell_trigger(trigger.trigger_id)
    message = f"The input of the trigger `{name}` does not fit this version, so that it starts nothing: change it, too."
    return Problem("", "trigger_input", message)


def require_workflow(workflow_id: UUID, caller: Caller, deps: TriggerDependencies) -> WorkflowVersion:
    """The newest version. Raises WorkflowNotFoundError, also for another tenant's or a deleted one, NotGrantedError."""
    version = deps.workflows.get_latest(caller.tenant, workflow_id)
    caller.require_workflow(workflow_id)
    return version


def view_trigger(trigger: Trigger, version: WorkflowVersion) -> TriggerView:
    return TriggerView(trigger, [*_faults_of_input(trigger, version), *advise_on(trigger, version.definition)])


def _faults_of_input(trigger: Trigger, version: WorkflowVersion) -> list[Problem]:
    is_schedule = trigger.key.type is TriggerType.SCHEDULE
    return input_faults(trigger.input, version.definition, is_schedule=is_schedule)
