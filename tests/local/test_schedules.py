"""Schedules of rules, by a clock of the test's own."""

import pytest

from local.background.agenda import Agenda
from local.background.schedules import Schedule, begin_schedules, next_after, read_period
from local.errors import UnsupportedResourceError
from tests.local.manual_clock import ManualClock


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(1 hour)", 3600), ("rate(2 days)", 172_800)],
)
def test_a_rate_is_read(expression: str, seconds: float) -> None:
    assert read_period("r", expression) == seconds


@pytest.mark.parametrize("expression", ["cron(0 12 * * ? *)", "rate(0 minutes)", "rate(1 week)", "at(2026-01-01)"])
def test_what_would_never_fire_here_is_refused(expression: str) -> None:
    with pytest.raises(UnsupportedResourceError, match="by rate only, and the rule nightly has"):
        read_period("nightly", expression)


def test_a_schedule_fires_at_its_time_and_keeps_firing() -> None:
    clock, fired = ManualClock(1000.0), list[float]()
    agenda = Agenda(clock)
    begin_schedules(agenda, [Schedule(60, fired.append)])
    clock.pass_by(59.9, agenda)
    assert fired == []
    for _ in range(3):
        clock.pass_by(60, agenda)
    assert fired == [1060.0, 1120.0, 1180.0]


def test_times_that_the_machine_slept_through_are_not_made_up_for() -> None:
    clock, fired = ManualClock(0.0), list[float]()
    agenda = Agenda(clock)
    begin_schedules(agenda, [Schedule(60, fired.append)])
    clock.pass_by(605, agenda)
    clock.pass_by(60, agenda)
    assert fired == [60.0, 660.0]


def test_a_schedule_goes_on_although_what_it_does_fails() -> None:
    clock, fired = ManualClock(0.0), list[float]()

    def fire(due: float) -> None:
        fired.append(due)
        raise ValueError("as the test says")

    agenda = Agenda(clock)
    begin_schedules(agenda, [Schedule(60, fire)])
    clock.pass_by(60, agenda)
    clock.pass_by(60, agenda)
    assert fired == [60.0, 120.0]


def test_the_next_time_is_after_now() -> None:
    assert next_after(100.0, 100.0, 60) == 160.0
    assert next_after(160.0, 100.0, 60) == 220.0
    assert next_after(40.0, 100.0, 60) == 160.0  # the clock was set back
