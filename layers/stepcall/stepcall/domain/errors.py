"""What can go wrong, in the domain's own words. Faces turn these into their dialect in one map each."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import ClassVar

MAX_MESSAGE_LENGTH = 2000
BRANCH_FAILED = "BranchFailed"
"""The error that a branch of a state machine ends with: its cause is the ref of the task, and the name of its error."""
MAX_PROBLEMS = 1000
"""Of one document: nobody reads more, and an answer has 6 MB at most. The rest shows when these are mended."""
MAX_LOCATION_LENGTH = 1000
"""Where the place is shortened, too: of a request's fields, and of what an answer warns of."""
MAX_NAMES, MAX_NAMES_LENGTH = 64, 512
MAX_PROBLEMS_LENGTH = 1024 * 1024
"""Of one document's problems together: a long key stands in the location of everything below it."""


class ErrorReason(StrEnum):
    """Why a run failed: BigQuery's error reasons, which the job shape uses as `errorResult.reason`."""

    INVALID_QUERY = "invalidQuery"
    INVALID = "invalid"
    NOT_FOUND = "notFound"
    ACCESS_DENIED = "accessDenied"
    RESOURCES_EXCEEDED = "resourcesExceeded"
    QUOTA_EXCEEDED = "quotaExceeded"
    RATE_LIMIT_EXCEEDED = "rateLimitExceeded"
    TIMEOUT = "timeout"
    STOPPED = "stopped"
    BACKEND_ERROR = "backendError"
    INTERNAL_ERROR = "internalError"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a document: where it is (a JSON Pointer), which rule it breaks, and what to change."""

    location: str
    code: str
    message: str
    expected: str | None = None
    got: str | None = None

    def __post_init__(self) -> None:
        for name in ("message", "expected", "got"):
            if (text := getattr(self, name)) is not None and len(text) > MAX_MESSAGE_LENGTH:
                object.__setattr__(self, name, shorten(text, MAX_MESSAGE_LENGTH))

    @property
    def length(self) -> int:
        """Characters that it takes in an answer, about."""
        return len(self.location) + len(self.message) + len(self.expected or "") + len(self.got or "")

    def to_json(self) -> dict[str, str]:
        """The problem as the faces print it; keys that say nothing are left out."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def with_short_location(problem: Problem) -> Problem:
    """For who knows the request by its fields: a key of a megabyte is not sent back."""
    if len(problem.location) <= MAX_LOCATION_LENGTH:
        return problem
    return replace(problem, location=problem.location[: MAX_LOCATION_LENGTH - 1] + "…")


def first_problems(found: Iterable[Problem]) -> list[Problem]:
    """As many problems as an answer holds; no more are looked for."""
    problems: list[Problem] = []
    length = 0
    for problem in found:
        problems.append(problem)
        length += problem.length
        if len(problems) >= MAX_PROBLEMS or length > MAX_PROBLEMS_LENGTH:
            break
    return problems


class StepcallError(Exception):
    """Base of every error that Stepcall raises on purpose."""


class InvalidDefinitionError(StepcallError):
    """A workflow definition was refused; `problems` holds all that is wrong (at most 1,000), in document order.

    `warnings` holds what is allowed and probably not meant.
    """

    def __init__(self, problems: list[Problem], warnings: list[Problem] | None = None) -> None:
        super().__init__(f"The workflow definition has {count(len(problems), 'problem')}.")
        self.problems = problems
        self.warnings = warnings or []


class InvalidParametersError(StepcallError):
    """The parameters of a call do not fit the workflow's inputs; `problems` holds all that is wrong (at most 1,000)."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"The parameters have {count(len(problems), 'problem')}.")
        self.problems = problems


class InstancesNotFoundError(StepcallError):
    """A workflow has no task of that ref, or it is not done for each element of an array."""


class TaskError(StepcallError):
    """A task could not do its work, for a reason that the workflow's author can read and act on.

    Raise one of the two subclasses. `message` is text for a person: no traceback, no ARN, no secret.
    """

    retryable: ClassVar[bool]

    def __init__(self, reason: ErrorReason, message: str, location: str | None = None) -> None:
        """`location` is where it was, where that is not the task as a whole."""
        super().__init__(message)
        self.reason = reason
        self.location = location
        self.message = message[:MAX_MESSAGE_LENGTH]


class RetryableTaskError(TaskError):
    """Trying the task again may succeed: a rate limit, a 5xx, a lost connection."""

    retryable = True


class PermanentTaskError(TaskError):
    """Trying the task again cannot succeed: a bad key, a page that is not there, an input that does not fit."""

    retryable = False


def count(number: int, noun: str) -> str:
    """`1 problem`, `2 problems`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shorten(text: str, length: int = 64) -> str:
    """Somebody's text at the length at which a message stays readable, on one line and without what nobody sees."""
    cut = text if len(text) <= length else text[: length - 1] + "…"
    return cut if cut.isprintable() else "".join(map(_printable, cut))


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else "\N{REPLACEMENT CHARACTER}"


def list_names(names: Iterable[str]) -> str:
    """What there is to choose from, as far as a message should list it."""
    listed = list(islice(names, MAX_NAMES + 1))
    return shorten(", ".join([*listed[:MAX_NAMES], *(["…"] if len(listed) > MAX_NAMES else [])]), MAX_NAMES_LENGTH)
