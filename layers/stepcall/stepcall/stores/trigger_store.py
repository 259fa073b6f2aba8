"""The port to triggers: a record of each, and of each change that EventBridge has yet to be told of.

Every change of a record writes, in the same transaction, that it is unsettled. Who has told EventBridge what the record
says settles it; what stays unsettled the sweep finds. docs/decisions/2026-11-21-triggers.md.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from stepcall.domain.trigger import LastError, LastRun, Trigger, TriggerKey
from stepcall.domain.trigger_errors import TooManyTriggersError, TriggerIsChangingError, TriggerNotFoundError

__all__ = [
    "TooManyTriggersError",
    "TriggerIsChangingError",
    "TriggerNotFoundError",
    "TriggerStore",
    "UnsettledTrigger",
]


class UnsettledTrigger(NamedTuple):
    """A trigger that was changed or deleted, and EventBridge may not know."""

    key: TriggerKey
    changed_at: datetime


class TriggerStore(Protocol):
    def put(self, trigger: Trigger) -> None:
        """Store a new one, unsettled. Raises TooManyTriggersError, TriggerIsChangingError."""

    def replace(self, trigger: Trigger, *, seen: Trigger, now: datetime) -> Trigger | None:
        """Store it, unsettled and with the next revision, in place of what was seen; None when that has changed.

        What runs and errors it has stays as it is kept; what is returned has those that were seen.
        Raises TriggerNotFoundError, TriggerIsChangingError.
        """

    def get(self, tenant: str, workflow_id: UUID, trigger_id: UUID) -> Trigger:
        """Raises TriggerNotFoundError."""

    def list_by_workflow(self, tenant: str, workflow_id: UUID) -> Sequence[Trigger]:
        """All of a workflow's, oldest first."""

    def delete(self, trigger: Trigger, now: datetime) -> None:
        """It is unsettled until EventBridge has forgotten it. One that is not there is fine. Raises
        TriggerIsChangingError."""

    def settle(self, key: TriggerKey, revision: int | None) -> bool:
        """EventBridge has what this revision says, None: has forgotten it. False when the record says otherwise.

        True again for what another has settled at this revision. Raises TriggerIsChangingError.
        """

    def recheck(self, key: TriggerKey, now: datetime) -> None:
        """EventBridge may have what the record does not say, of a record that may be gone: it waits as if unsettled.

        The record itself stays settled. One that waits already waits since then. Raises TriggerIsChangingError.
        """

    def list_unsettled(self, *, limit: int) -> Sequence[UnsettledTrigger]:
        """Those that wait longest first. All tenants'."""

    def record_run(self, key: TriggerKey, run: LastRun) -> None:
        """The trigger has started it. One that is not there any more is fine, and one that has started another later.

        Raises TriggerIsChangingError.
        """

    def record_error(self, key: TriggerKey, error: LastError) -> None:
        """The trigger has started nothing. One that is not there any more is fine, and one with a later error.

        Raises TriggerIsChangingError.
        """
