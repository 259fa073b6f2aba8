"""What a task may say of its attempts, and of what becomes of its failure."""

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from stepcall.domain.definition_model import DefinitionModel, TaskType

MAX_ATTEMPTS = 10
USUAL_ATTEMPTS = 3
"""Of a task whose author does not say it."""
MAX_DELAY_SECONDS = 24 * 60 * 60
FALLBACK = ".fallback"
"""Ends the ref of what is done in a task's place: no task's own ref has a point."""

MAX_CONCURRENCY = 1000
DEFAULT_CONCURRENCY = 40
"""Elements that a task is done for at once: as many as an inline Map does at most."""
MAX_ELEMENTS = 10_000
"""That a task is done for: their indexes travel through the state machine, whose states hold 256 KB, and the output of
each is read again where the task ends."""
INSTANCE = re.compile(r"[^\[\]]+\[(0|[1-9][0-9]{0,4})\]")
"""The ref of a task as it is done for one element."""


class Retry(DefinitionModel):
    """How often a task is tried, and how long after its last failure: for errors that may pass."""

    attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)]
    """In all: 1 tries it once."""
    delay: Annotated[int, Field(ge=1, le=MAX_DELAY_SECONDS)] = 1
    """Seconds before the second attempt."""
    multiplier: Annotated[float, Field(ge=1, le=10)] = 2.0
    """By which each delay is longer than the one before."""
    max_delay: Annotated[int, Field(ge=2, le=MAX_DELAY_SECONDS)] | None = None
    """Seconds that no delay is longer than: more than `delay`."""
    jitter: bool = True
    """Whether each delay is drawn between 0 and its length: retries of many runs at once do not arrive together."""


class OnError(StrEnum):
    """What becomes of a run when a task of it has failed for good."""

    FAIL = "fail"
    CONTINUE = "continue"


class Fallback(DefinitionModel):
    """Another task that is tried: `type`, or what the task `ref` is of. The later generation's `task` is either."""

    type: TaskType | None = None
    ref: TaskType | None = Field(default=None, alias="task")
    input: dict[str, Any] | None = Field(default=None, alias="inputs")
    """None: what the task `ref` is given."""


def fallback_ref(ref: str) -> str:
    """The ref of what is done in the task's place."""
    return ref + FALLBACK


def task_ref(ref: str) -> str:
    """The ref of the task that a fallback is of, or the ref itself."""
    return ref.removesuffix(FALLBACK)


def instance_ref(ref: str, index: int) -> str:
    """The ref of a task as it is done for one element."""
    return f"{ref}[{index}]"


def is_instance(ref: str) -> bool:
    """Callers send refs, too: what only looks like an instance's is none, and no second spelling of one."""
    return INSTANCE.fullmatch(ref) is not None


def index_of(ref: str) -> int:
    """The element's, of an instance's ref."""
    return int(ref[ref.index("[") + 1 : -1])


def whole_ref(ref: str) -> str:
    """The ref of the task that an instance is of, or the ref itself."""
    return ref.partition("[")[0] if is_instance(ref) else ref
