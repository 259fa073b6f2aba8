"""What is refused of task types: apart from what refuses it, which loads when it is asked."""

from stepcall.domain.errors import Problem, StepcallError


class TaskTypeRefusedError(StepcallError):
    """There can be no such task type; `problems` holds all that is wrong, and nothing was stored."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("There can be no such task type.")
        self.problems = problems


class TooManyTaskTypesError(StepcallError):
    """The tenant has as many as it may have, and nothing was stored."""
