"""The port to what sets triggers off: EventBridge Scheduler's schedules, and rules of event buses."""

from typing import Protocol

from stepcall.domain.errors import StepcallError
from stepcall.domain.trigger import Trigger, TriggerKey
from stepcall.domain.trigger_errors import TriggerQuotaError, TriggerRefusedError

__all__ = ["SourcesUnavailableError", "TriggerQuotaError", "TriggerRefusedError", "TriggerSources"]


class SourcesUnavailableError(StepcallError):
    """EventBridge does not answer, or throttles: the same call may be taken later."""


class TriggerSources(Protocol):
    def ensure(self, trigger: Trigger) -> None:
        """Have the schedule or rule be as the trigger says, whatever there was.

        Raises TriggerRefusedError when EventBridge has refused what it says, TriggerQuotaError, and
        SourcesUnavailableError.
        """

    def remove(self, key: TriggerKey) -> None:
        """Have neither. One that is not there is fine. Raises SourcesUnavailableError."""
