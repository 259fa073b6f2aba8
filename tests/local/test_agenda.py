"""The agenda: what is due when, in which order, and that it ends."""

import logging
import threading
import time

import pytest

from local.background.agenda import Agenda, running
from tests.local.manual_clock import ManualClock


def test_jobs_are_done_when_they_are_due_and_in_their_order() -> None:
    clock, done = ManualClock(), list[str]()
    agenda = Agenda(clock)
    agenda.after(2, lambda: done.append("later"))
    agenda.after(1, lambda: done.append("first of two"))
    agenda.after(1, lambda: done.append("second of two"))
    agenda.soon(lambda: done.append("now"))
    agenda.run_due()
    assert done == ["now"]
    clock.pass_by(1, agenda)
    assert done == ["now", "first of two", "second of two"]
    clock.pass_by(1, agenda)
    assert done[3:] == ["later"]


def test_a_clock_that_is_set_back_does_not_change_the_order_of_what_is_due_soon() -> None:
    clock, done = ManualClock(), list[int]()
    agenda = Agenda(clock)
    agenda.soon(lambda: done.append(1))
    clock.seconds -= 3600
    agenda.soon(lambda: done.append(2))
    agenda.run_due()
    assert done == [1, 2]


def test_a_job_that_fails_is_logged_and_the_next_one_done(caplog: pytest.LogCaptureFixture) -> None:
    agenda, done = Agenda(), list[int]()
    agenda.soon(lambda: done.append(1 // 0))
    agenda.soon(lambda: done.append(1))
    with caplog.at_level(logging.ERROR):
        agenda.run_due()
    assert done == [1]
    assert "ZeroDivisionError" in caplog.text


def test_its_thread_does_what_comes_while_it_waits_and_ends_with_the_context() -> None:
    agenda, done = Agenda(), threading.Event()
    with running(agenda):
        time.sleep(0.02)  # it waits by now
        agenda.after(0.05, done.set)
        assert done.wait(5)
        [thread] = [thread for thread in threading.enumerate() if thread.name == "agenda"]
        agenda.after(60, lambda: None)
    assert not thread.is_alive()


def test_nothing_is_begun_any_more_when_it_is_closed() -> None:
    agenda, done = Agenda(), list[int]()
    agenda.soon(agenda.close)
    agenda.soon(lambda: done.append(1))
    agenda.run_due()
    assert done == []


def test_it_is_idle_when_nothing_is_due_or_done_or_expected_of_another_thread() -> None:
    clock, seen = ManualClock(), list[bool]()
    agenda = Agenda(clock)
    agenda.after(1, lambda: seen.append(agenda.is_idle))
    assert agenda.is_idle
    clock.seconds += 1
    assert not agenda.is_idle
    agenda.run_due()
    assert (seen, agenda.is_idle) == ([False], True)
    agenda.expect()
    assert not agenda.is_idle
    agenda.bring(lambda: None)
    assert not agenda.is_idle
    agenda.run_due()
    assert agenda.is_idle
