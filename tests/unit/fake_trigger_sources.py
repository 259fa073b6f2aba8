"""EventBridge as far as triggers see it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from stepcall.domain.trigger import Trigger, TriggerKey


@dataclass
class FakeTriggerSources:
    """Has what it was told last. `fault` is what it raises instead; `before` happens before it is told of one."""

    has: dict[UUID, Trigger] = field(default_factory=dict)
    fault: Exception | None = None
    before: list[Callable[[], object]] = field(default_factory=list)
    """Each once, in order."""
    told: int = 0

    def ensure(self, trigger: Trigger) -> None:
        self._meet()
        self.has[trigger.trigger_id] = trigger

    def remove(self, key: TriggerKey) -> None:
        self._meet()
        self.has.pop(key.trigger_id, None)

    def _meet(self) -> None:
        self.told += 1
        if self.before:
            self.before.pop(0)()
        if self.fault:
            raise self.fault
