"""Start a run because an event on the deployment's bus asks for it. docs/events.md, "Start a run by an event"."""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.domain.idempotency import StartOnce
from stepcall.domain.json_text import write_canonical_json
from stepcall.domain.run import Run
from stepcall.domain.run_mode import RunMode
from stepcall.stores.workflow_store import WorkflowNotFoundError
from stepcall.use_cases.dependencies import AcceptDependencies
from stepcall.use_cases.invalid_events import TenantWithoutWorkflowError
from stepcall.use_cases.start_configured_run import find_configured_workflow
from stepcall.use_cases.start_once import Started, start_once
from stepcall.use_cases.start_run import StartRun, start_run

PRINCIPAL = "event-bus"
INPUT = "/detail/input"


class StartByEvent(NamedTuple):
    """The command: which workflow, by its id or `config_id`, of which tenant, and with what."""

    tenant: str
    event_id: str
    workflow: UUID | str
    input: Mapping[str, Any]
    run_mode: RunMode = RunMode.FULL
    idempotency_key: str | None = None
    is_tenant_named: bool = True
    """Whether the event says whose workflow it means; else it is the deployment's first tenant's."""

    @property
    def once(self) -> StartOnce:
        """An event that is delivered again is the same start, and so is another one with the same key of its sender's.

        Nobody can take another's event for his by what he calls his key.
        """
        key = f"event:{self.event_id}" if self.idempotency_key is None else f"key:{self.idempotency_key}"
        asked = [str(self.workflow), dict(self.input), self.run_mode.value]
        return StartOnce(key, hashlib.sha256(write_canonical_json(asked).encode(errors="surrogatepass")).hexdigest())


def start_by_event(command: StartByEvent, deps: AcceptDependencies) -> Started:
    """The run that the event starts or has started.

    Raises what `start_once` and `start_run` raise, and TenantWithoutWorkflowError in place of WorkflowNotFoundError.
    """
    try:
        return start_once(_start, command, Caller(command.tenant, PRINCIPAL, PRINCIPAL), deps)
    except WorkflowNotFoundError as exc:
        raise TenantWithoutWorkflowError(command.tenant, is_named=command.is_tenant_named) from exc


def _start(command: StartByEvent, caller: Caller, deps: AcceptDependencies) -> Run:
    workflow = command.workflow
    workflow_id = workflow if isinstance(workflow, UUID) else find_configured_workflow(workflow, caller, deps)
    started = StartRun(workflow_id, command.input, INPUT, run_mode=command.run_mode, once=command.once)
    return start_run(started, caller, deps)
