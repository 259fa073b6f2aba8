"""A clock that a test moves."""

from local.background.agenda import Agenda


class ManualClock:
    def __init__(self, seconds: float = 1_760_000_000.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds

    def pass_by(self, seconds: float, agenda: Agenda) -> None:
        """Do in this thread all that becomes due, for an agenda without a thread of its own."""
        self.seconds += seconds
        agenda.run_due()
