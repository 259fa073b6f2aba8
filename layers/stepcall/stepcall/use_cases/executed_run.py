"""What a state machine knows of its run, and hands to every function that it calls: ids, and what log lines say."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from stepcall.domain.ids import spell_trigger
from stepcall.domain.run import Run


class ExecutedRun(BaseModel):
    """Data stays in the run's record."""

    run_id: UUID
    run_attempt: int
    content_hash: str
    workflow_id: UUID
    workflow_version: int
    tenant: str
    correlation_id: str


def execution_input(run: Run) -> dict[str, Any]:
    """All that Step Functions carries: `$.run`. Its events tell it: `trigger_…` is for who starts runs by these."""
    return {
        "run": {
            "run_id": str(run.run_id),
            "run_attempt": run.run_attempt,
            "content_hash": run.content_hash,
            "workflow_id": str(run.workflow_id),
            "workflow_version": run.workflow_version,
            "tenant": run.tenant,
            "correlation_id": run.correlation_id,
            **({"trigger_depth": run.trigger_depth} if run.trigger_depth else {}),
            **({"trigger_ids": [spell_trigger(each) for each in run.trigger_ids]} if run.trigger_ids else {}),
        }
    }
