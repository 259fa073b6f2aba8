"""Schedules of rules, by a clock of the test's own."""

from types import SimpleNamespace
from typing import Any

import pytest

from local.background.agenda import Agenda
from local.background.schedules import Fire, Schedule, begin_schedule, find_fault, times_of, times_of_rule
from local.errors import UnsupportedResourceError
from tests.local.manual_clock import ManualClock

NOON = 1_760_011_200.0  # of 2025-10-09


def a_rule(expression: str) -> Any:
    return SimpleNamespace(name="nightly", scheduled_expression=expression)


def begin(agenda: Agenda, expression: str, fire: Fire) -> None:
    now = agenda.now()
    begin_schedule(agenda, Schedule(times_of_rule(a_rule(expression), now), fire), now)


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(1 hour)", 3600), ("rate(2 days)", 172_800)],
)
def test_a_rate_comes_first_one_period_after_its_rule_is_made(expression: str, seconds: float) -> None:
    assert times_of_rule(a_rule(expression), NOON + 7)(NOON + 7) == NOON + 7 + seconds


def test_a_cron_comes_at_its_time_in_utc() -> None:
    assert times_of_rule(a_rule("cron(15 12 * * ? *)"), NOON)(NOON) == NOON + 900
    assert times_of_rule(a_rule("cron(0 12 ? * 6L *)"), NOON)(NOON) == NOON + 22 * 86_400


@pytest.mark.parametrize("expression", ["cron(0 12 * * * *)", "rate(0 minutes)", "rate(1 week)", "at(2026-01-01)"])
def test_what_would_never_fire_is_refused(expression: str) -> None:
    with pytest.raises(UnsupportedResourceError, match="The rule nightly has"):
        times_of_rule(a_rule(expression), NOON)


def test_a_fault_is_told_in_the_words_of_the_service() -> None:
    assert find_fault("rate(1 day)", "Europe/Berlin") is None
    assert "hours is out of range" in (find_fault("cron(0 24 * * ? *)", "UTC") or "")
    assert "time zone" in (find_fault("rate(1 day)", "Berlin") or "")


def test_nothing_comes_after_the_end() -> None:
    next_after = times_of("rate(1 minute)", "UTC", starts_at=NOON, ends_at=NOON + 60)
    assert [next_after(NOON - 1), next_after(NOON), next_after(NOON + 60)] == [NOON, NOON + 60, None]


def test_a_schedule_fires_at_its_time_and_keeps_firing() -> None:
    clock, fired = ManualClock(1000.0), list[float]()
    agenda = Agenda(clock)
    begin(agenda, "rate(1 minute)", fired.append)
    clock.pass_by(59.9, agenda)
    assert fired == []
    for _ in range(3):
        clock.pass_by(60, agenda)
    assert fired == [1060.0, 1120.0, 1180.0]


def test_times_that_the_machine_slept_through_are_not_made_up_for() -> None:
    clock, fired = ManualClock(0.0), list[float]()
    agenda = Agenda(clock)
    begin(agenda, "rate(1 minute)", fired.append)
    clock.pass_by(605, agenda)
    clock.pass_by(60, agenda)
    assert fired == [60.0, 660.0]


def test_a_schedule_goes_on_although_what_it_does_fails() -> None:
    clock, fired = ManualClock(0.0), list[float]()

    def fire(due: float) -> None:
        fired.append(due)
        raise ValueError("as the test says")

    agenda = Agenda(clock)
    begin(agenda, "rate(1 minute)", fire)
    clock.pass_by(60, agenda)
    clock.pass_by(60, agenda)
    assert fired == [60.0, 120.0]


def test_no_time_comes_twice_when_the_clock_is_set_back() -> None:
    clock, fired = ManualClock(0.0), list[float]()
    agenda = Agenda(clock)

    def fire(due: float) -> None:
        fired.append(due)
        clock.seconds = 40.0

    begin(agenda, "rate(1 minute)", fire)
    clock.pass_by(60, agenda)
    clock.pass_by(60, agenda)
    assert fired == [60.0]
    clock.pass_by(60, agenda)
    assert fired == [60.0, 120.0]
