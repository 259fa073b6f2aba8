"""What can go wrong with triggers: apart from what raises it, which loads when somebody asks for triggers."""

from collections.abc import Sequence

from stepcall.domain.errors import Problem, StepcallError


class TriggerNotFoundError(StepcallError):
    """The workflow has no such trigger: there never was, or it is deleted."""


class TooManyTriggersError(StepcallError):
    """The workflow has as many triggers as it may have."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"A workflow may have {most} triggers, and this one has as many: delete one that nobody needs."
        )


class TriggerIsChangingError(StepcallError):
    """Others change the workflow's triggers all the time, and nothing was changed."""


class TriggerRefusedError(StepcallError):
    """There can be no such trigger; `problems` says why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("There can be no such trigger, and nothing was changed.")
        self.problems = list(problems)


class TriggerQuotaError(StepcallError):
    """EventBridge has as many rules or schedules as the account may have; nothing was changed."""
