"""What comes at its times: rules with a schedule, and the schedules of EventBridge Scheduler.

Source: docs.aws.amazon.com/eventbridge, "Setting a schedule pattern for scheduled rules (legacy)", and stepcall's
schedule_expression.py, which is imported when it is needed, as stepcall can be while a stack runs.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from local.background.agenda import Agenda
from local.errors import UnsupportedResourceError

Fire = Callable[[float], None]
"""Told the time at which the schedule was due."""
NextAfter = Callable[[float], float | None]
"""The next time after that one; None when no more comes."""


class Schedule(NamedTuple):
    next_after: NextAfter
    fire: Fire
    is_current: Callable[[], bool] = lambda: True
    """Whether it is still there, as it was then."""


def begin_schedule(agenda: Agenda, schedule: Schedule, since: float) -> None:
    """Its first time comes after `since`. Times that pass while the machine sleeps are left out, not made up for."""
    due = schedule.next_after(since)
    if due is not None:
        agenda.at(due, partial(_come, agenda, schedule, due))


def _come(agenda: Agenda, schedule: Schedule, due: float) -> None:
    if schedule.is_current():
        begin_schedule(agenda, schedule, max(agenda.now(), due))
        schedule.fire(due)


def find_fault(expression: str, timezone: str) -> str | None:
    """What is wrong with an expression, or its time zone."""
    from stepcall.domain.schedule_expression import InvalidExpressionError, read_schedule  # noqa: PLC0415

    try:
        read_schedule(expression, timezone)
    except InvalidExpressionError as exc:
        return " ".join(problem.message for problem in exc.problems)
    return None


def times_of(expression: str, timezone: str, starts_at: float | None = None, ends_at: float | None = None) -> NextAfter:
    """The times of an expression without faults; those of a rate count from `starts_at`."""
    from stepcall.domain.schedule_expression import read_schedule  # noqa: PLC0415

    read = read_schedule(expression, timezone)
    first = None if starts_at is None else _instant(starts_at)

    def next_after(last: float) -> float | None:
        found = [one.timestamp() for one in read.next_times(_instant(last), 1, first)]
        return next((due for due in found if ends_at is None or due <= ends_at), None)

    return next_after


def times_of_rule(rule: Any, now: float) -> NextAfter:
    """Of a rule that is made now: the first time of a rate comes one period later. Raises UnsupportedResourceError."""
    expression: str = rule.scheduled_expression
    if fault := find_fault(expression, "UTC"):
        raise UnsupportedResourceError(f"The rule {rule.name} has {expression}: {fault}")
    next_of_rate = times_of(expression, "UTC")(now) if expression.startswith("rate") else None
    return times_of(expression, "UTC", next_of_rate)


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
