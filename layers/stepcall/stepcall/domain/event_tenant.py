"""Whose an event is: triggers of all tenants listen on the same buses. docs/triggers.md, "Whose events"."""

from collections.abc import Mapping
from typing import Any

from stepcall.domain.trigger import Bus
from stepcall.domain.trigger_depth import run_told_of

EXECUTE_WORKFLOW = "Execute Workflow"
"""The detail type of an event on the deployment's bus that asks for a run, as template.yaml has it."""


def is_of_another(event: Mapping[str, Any], bus: Bus | None, tenant: str, default_tenant: str) -> bool:
    """Whether the event is of a tenant, and of another than this. Events that are not Stepcall's are nobody's."""
    if run := run_told_of(event):
        return bool(run.get("tenant", tenant) != tenant)
    if bus is Bus.STEPCALL and event.get("detail-type") == EXECUTE_WORKFLOW:
        detail = event.get("detail")
        named = detail.get("tenant") if isinstance(detail, Mapping) else None
        return bool((named or default_tenant) != tenant)
    return False
