"""What an answer means, and how long is waited for the next attempt."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcall.domain.webhook_answer import (
    Answered,
    NotAnswered,
    Verdict,
    describe_failure,
    judge,
    read_retry_after,
    wait_before_next,
)

NOW = datetime(2026, 11, 21, 9, 15, 32, tzinfo=UTC)
DAY = 24 * 60 * 60


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        *((Answered(status), Verdict.DELIVERED) for status in (200, 201, 202, 204, 299)),
        *((Answered(status), Verdict.RETRY) for status in (100, 199, 300, 301, 307, 400, 404, 429, 500, 503, 999)),
        (Answered(410), Verdict.GONE),
        (NotAnswered("No."), Verdict.RETRY),
        (NotAnswered("No.", is_final=True), Verdict.REFUSED),
    ],
)
def test_a_status_is_a_success_a_farewell_or_a_reason_to_try_again(
    answer: Answered | NotAnswered, verdict: Verdict
) -> None:
    assert judge(answer) is verdict
    assert (describe_failure(answer) is None) is (verdict is Verdict.DELIVERED)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("9" * 5000, DAY),
        ("Sat, 21 Nov 2026 09:16:32 GMT", 60),
        ("Sat, 21 Nov 2026 09:14:32 GMT", -60),
        ("Saturday, 21-Nov-26 09:16:32 GMT", 60),
        ("Sat, 21 Nov 2026 09:16:32 -0000", 60),
        ("-5", 0),
        ("1.5", 0),
        ("soon", 0),
        ("", 0),
        ("٣", 0),
        ("Mon, 99999999999999999999 Jan 2026 00:00:00 GMT", 0),
        ("Mon, 1 Jan 99999999999999999999 00:00:00 GMT", 0),
        ("Mon, 01 Jan 2026 99999999999999999999:00:00 GMT", 0),
        ("Mon, 01 Jan 2026 00:00:00 +99999999999999999999", 0),
        ("Mon, 01 Jan 2026 00:00:00 -9999", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float) -> None:
    assert read_retry_after(text, NOW) == seconds


@given(st.text())
def test_a_header_of_any_text_is_no_fault(text: str) -> None:
    assert 0 <= wait_before_next(5, Answered(503, text), NOW, 0.5) <= 1.1 * DAY


@pytest.mark.parametrize(
    ("planned", "answer", "shortest", "longest"),
    [
        (5, Answered(500), 5, 6),
        (300, NotAnswered("No."), 270, 330),
        (86400, Answered(500), 77760, 95040),
        (5, Answered(429, "60"), 60, 66),
        (5, Answered(503, "Sat, 21 Nov 2026 09:16:32 GMT"), 60, 66),
        (300, Answered(429, "60"), 270, 330),
        (5, Answered(500, "60"), 5, 6),
        (5, Answered(429, "999999"), DAY, 1.1 * DAY),
        (5, Answered(429, "Sat, 21 Nov 2027 09:16:32 GMT"), DAY, 1.1 * DAY),
        (1, Answered(500), 1, 2),
        (0, Answered(429, "60"), 0, 0),
    ],
)
def test_the_wait_is_the_schedules_or_what_the_receiver_asks_for_with_some_jitter(
    planned: int, answer: Answered | NotAnswered, shortest: float, longest: float
) -> None:
    waits = [wait_before_next(planned, answer, NOW, chance) for chance in (0, 0.25, 0.5, 0.75, 1)]
    assert shortest <= min(waits) <= max(waits) <= longest
    assert waits == sorted(waits)


def test_nothing_of_what_a_receiver_writes_is_in_the_log() -> None:
    assert describe_failure(Answered(429, "a secret")) == "The receiver answered 429."
