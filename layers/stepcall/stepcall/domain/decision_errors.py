"""Why somebody's decision about a task is not taken."""

from stepcall.domain.errors import Problem, StepcallError, count


class TaskNotFoundError(StepcallError):
    """The execution has no such task."""


class TaskNotAwaitingError(StepcallError):
    """The task awaits no decision: it is of another type, has not begun, or has ended without one."""


class TaskDecidedError(StepcallError):
    """The task was decided before, and otherwise."""


class InvalidDecisionError(StepcallError):
    """The data does not fit what the task asks for; `problems` holds all that is wrong (at most 1,000)."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"The data has {count(len(problems), 'problem')}. Nothing was decided: send it again.")
        self.problems = problems
