"""What is told of a function that has failed: its own words."""

import json
from typing import Any

from stepcall.domain.errors import ErrorReason, PermanentTaskError, TaskError, shorten

MAX_TYPE_LENGTH = 128
MAX_TEXT_LENGTH = 1000
TOO_LARGE = "Function.ResponseSizeTooLarge"
TIMED_OUT = ("Sandbox.Timedout", "Task timed out")


def error_of_function(text: bytes) -> TaskError:
    """The function raised, or was stopped: its own words, shortened, for it is the deployer's own."""
    kind, message = _told(text)
    if kind == TOO_LARGE:
        return PermanentTaskError(
            ErrorReason.RESOURCES_EXCEEDED, "The function's answer is larger than Lambda hands on: 6 MB."
        )
    if any(sign in part for part in (kind, message) for sign in TIMED_OUT):
        return PermanentTaskError(ErrorReason.TIMEOUT, "The function ran into its own time limit.")
    said = f"{shorten(kind, MAX_TYPE_LENGTH)}: " if kind else ""
    return PermanentTaskError(
        ErrorReason.INVALID, f"The function failed. {said}{shorten(message, MAX_TEXT_LENGTH)}".strip()
    )


def _told(text: bytes) -> tuple[str, str]:
    """errorType and errorMessage; a runtime of one's own may say anything."""
    try:
        told: Any = json.loads(text)  # lenient: half a surrogate pair in the words of an error loses none of them
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        return "", "It says no more."
    kind, message = told.get("errorType"), told.get("errorMessage")
    return kind if isinstance(kind, str) else "", message if isinstance(message, str) else ""
