"""A bus that keeps what it takes: tests/contract/test_event_bus.py holds it to what EventBridge does."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from stepcall.domain.run_events import RunEvent
from stepcall.use_cases.event_bus import NotTaken


@dataclass
class FakeEventBus:
    refused: set[UUID] = field(default_factory=set)
    """Events that it does not take."""
    taken: list[RunEvent] = field(default_factory=list)

    def put(self, events: Sequence[RunEvent]) -> NotTaken | None:
        for position, event in enumerate(events):
            if event.event_id in self.refused:
                return NotTaken(position, "ThrottlingException")
            self.taken.append(event)
        return None
