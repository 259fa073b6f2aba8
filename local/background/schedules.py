"""Rules with a schedule, each at its times.

Source: docs.aws.amazon.com/eventbridge, "Setting a schedule pattern for scheduled rules (legacy)".
"""

import math
import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from local.background.agenda import Agenda
from local.errors import UnsupportedResourceError

UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
Fire = Callable[[float], None]
"""Told the time at which the schedule was due."""


class Schedule(NamedTuple):
    period_seconds: float
    fire: Fire


def read_period(rule: str, expression: str) -> float:
    """Seconds of a `rate(…)`. Raises UnsupportedResourceError for anything else."""
    matched = RATE.fullmatch(expression)
    if matched is None or int(matched[1]) == 0:
        raise UnsupportedResourceError(
            f"The local stack knows schedules by rate only, and the rule {rule} has {expression}."
        )
    return int(matched[1]) * UNIT_SECONDS[matched[2]]


def begin_schedules(agenda: Agenda, schedules: Iterable[Schedule]) -> None:
    """The first time comes one period after now, as after a rule is made."""
    for schedule in schedules:
        _await_next(agenda, schedule, agenda.now())


def _await_next(agenda: Agenda, schedule: Schedule, last: float) -> None:
    due = next_after(agenda.now(), last, schedule.period_seconds)
    agenda.at(due, partial(_fire, agenda, schedule, due))


def _fire(agenda: Agenda, schedule: Schedule, due: float) -> None:
    _await_next(agenda, schedule, due)
    schedule.fire(due)


def next_after(now: float, last: float, period_seconds: float) -> float:
    """Times that passed while the machine slept are left out, not made up for."""
    missed = max(0, math.floor((now - last) / period_seconds))
    return last + (missed + 1) * period_seconds
