"""Errors carry what their readers need."""

import pytest

from stepcall.domain.errors import (
    ErrorReason,
    InvalidDefinitionError,
    PermanentTaskError,
    Problem,
    RetryableTaskError,
    TaskError,
    count,
    shorten,
)


def test_reasons_are_bigquerys_words() -> None:
    assert {reason.value for reason in ErrorReason} == {
        "invalidQuery", "invalid", "notFound", "accessDenied", "resourcesExceeded", "quotaExceeded",
        "rateLimitExceeded", "timeout", "stopped", "backendError", "internalError",
    }  # fmt: skip


def test_a_problem_leaves_out_what_it_does_not_say() -> None:
    assert Problem("/name", "missing", "`name` is missing.").to_json() == {
        "location": "/name",
        "code": "missing",
        "message": "`name` is missing.",
    }
    assert Problem("", "x", "y", "one", "other").to_json()["got"] == "other"


def test_an_error_says_how_many_problems_it_holds() -> None:
    problem = Problem("", "x", "y")
    assert str(InvalidDefinitionError([problem])) == "The workflow definition has 1 problem."
    assert str(InvalidDefinitionError([problem, problem])) == "The workflow definition has 2 problems."
    assert count(0, "task") == "0 tasks"


@pytest.mark.parametrize(("kind", "retryable"), [(RetryableTaskError, True), (PermanentTaskError, False)])
def test_a_task_error_says_whether_to_try_again_and_cuts_its_message(kind: type[TaskError], retryable: bool) -> None:
    error = kind(ErrorReason.BACKEND_ERROR, "m" * 3000)
    assert (error.retryable, error.reason, len(error.message)) == (retryable, ErrorReason.BACKEND_ERROR, 2000)


@pytest.mark.parametrize(("length", "text"), [(5, "abcde"), (4, "abc…"), (1, "…")])
def test_long_text_is_cut_and_says_so(length: int, text: str) -> None:
    assert shorten("abcde", length) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\r\nb\tc", "a  b c"),
        ("a\x1b[31mb\x00", "a\N{REPLACEMENT CHARACTER}[31mb\N{REPLACEMENT CHARACTER}"),
        ("a\u202eb\u2028c\x85d", "a\N{REPLACEMENT CHARACTER}b c d"),
        ("Größe 日本 ~", "Größe 日本 ~"),
    ],
)
def test_what_a_caller_sent_is_told_on_one_line_and_without_control_characters(text: str, told: str) -> None:
    assert shorten(text) == told
    assert shorten(text * 64).isprintable()
