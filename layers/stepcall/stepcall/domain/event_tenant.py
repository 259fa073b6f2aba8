"""Whose an event is: triggers of all tenants listen on the same buses. docs/triggers.md, "Whose events"."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from stepcall.domain.ids import MalformedIdError, read_workflow_id
from stepcall.domain.trigger import Bus
from stepcall.domain.trigger_depth import run_told_of

EXECUTE_WORKFLOW = "Execute Workflow"
"""The detail type of an event on the deployment's bus that asks for a run, as template.yaml has it."""


def is_of_another(event: Mapping[str, Any], bus: Bus | None, tenant: str, default_tenant: str) -> bool:
    """Whether the event is of a tenant, and of another than this. Events that are not Stepcall's are nobody's."""
    if (run := run_told_of(event)) is not None:
        return bool(run.get("tenant", tenant) != tenant)
    if (asked := _asked_by(event, bus)) is not None:
        return bool((asked.get("tenant") or default_tenant) != tenant)
    return False


def is_beyond(event: Mapping[str, Any], bus: Bus | None, heard: frozenset[UUID] | None) -> bool:
    """Whether it tells of a run, or asks for one, of another workflow than these, or of nobody knows which."""
    said = run_told_of(event)
    said = _asked_by(event, bus) if said is None else said
    return heard is not None and said is not None and _read_workflow(said.get("workflow_id")) not in heard


def _asked_by(event: Mapping[str, Any], bus: Bus | None) -> Mapping[str, Any] | None:
    """What an event says that asks for a run; None for others."""
    if bus is not Bus.STEPCALL or event.get("detail-type") != EXECUTE_WORKFLOW:
        return None
    detail = event.get("detail")
    return detail if isinstance(detail, Mapping) else {}


def _read_workflow(named: Any) -> UUID | None:
    try:
        return read_workflow_id(named) if isinstance(named, str) else None
    except MalformedIdError:
        return None
