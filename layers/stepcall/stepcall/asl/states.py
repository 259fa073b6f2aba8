"""One frozen type per state of Amazon States Language, in its own words. Source: https://states-language.net/spec.html."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

EVENTS_AROUND_BRANCHES = 4
AslObject = dict[str, Any]
LAMBDA_INVOKE = "arn:aws:states:::lambda:invoke"
ALL_ERRORS = "States.ALL"
QUERY_PATH = "$.query"
"""Where a machine keeps what it knows of the query that it is at: its statement's name, its id, its error."""
WAIT_PATH = "$.wait"
"""Where it keeps until when it waits."""
EACH_PATH = "$.each"
"""Where it keeps the indexes that a task is done for, and then whether that failed."""


@dataclass(frozen=True, slots=True)
class Retrier:
    """`JitterStrategy` is FULL unless said otherwise: retries of many runs at once must not arrive together."""

    error_equals: tuple[str, ...]
    interval_seconds: int
    max_attempts: int
    backoff_rate: float
    max_delay_seconds: int | None = None
    has_jitter: bool = True

    def to_asl(self) -> AslObject:
        return {
            "ErrorEquals": list(self.error_equals),
            "IntervalSeconds": self.interval_seconds,
            "MaxAttempts": self.max_attempts,
            "BackoffRate": self.backoff_rate,
            **({"MaxDelaySeconds": self.max_delay_seconds} if self.max_delay_seconds else {}),
            "JitterStrategy": "FULL" if self.has_jitter else "NONE",
        }


@dataclass(frozen=True, slots=True)
class Catcher:
    error_equals: tuple[str, ...]
    next: str
    result_path: str

    def to_asl(self) -> AslObject:
        return {"ErrorEquals": list(self.error_equals), "ResultPath": self.result_path, "Next": self.next}


@lru_cache
def rules_to_asl(rules: tuple[Retrier, ...] | tuple[Catcher, ...]) -> list[AslObject]:
    """One list for all states that share their rules: most of a machine's text is these, and they are checked once."""
    return [rule.to_asl() for rule in rules]


@dataclass(frozen=True, slots=True)
class LambdaTaskState:
    """A Task state that invokes a Lambda function. By default it keeps nothing of its answer: data travels by the
    run's record."""

    resource: ClassVar[str] = LAMBDA_INVOKE
    events_of_attempt: ClassVar[int] = 3

    name: str
    function_arn: str
    payload: Mapping[str, str]
    timeout_seconds: int
    retry: tuple[Retrier, ...]
    catch: tuple[Catcher, ...] = ()
    next: str | None = None
    """None ends the machine here."""
    kept: Mapping[str, str] | None = None
    """What of the answer is kept, None for nothing."""
    kept_at: str = QUERY_PATH

    def to_asl(self) -> AslObject:
        return {
            "Type": "Task",
            "Resource": self.resource,
            "Parameters": {"FunctionName": self.function_arn, "Payload": dict(self.payload)},
            **({"ResultSelector": dict(self.kept)} if self.kept else {}),
            "ResultPath": self.kept_at if self.kept else None,
            "TimeoutSeconds": self.timeout_seconds,
            "Retry": rules_to_asl(self.retry),
            **({"Catch": rules_to_asl(self.catch)} if self.catch else {}),
            **({"Next": self.next} if self.next else {"End": True}),
        }


@dataclass(frozen=True, slots=True)
class FailState:
    """`cause_path` is a path or an intrinsic function, in place of `cause`."""

    name: str
    error: str
    cause: str = ""
    cause_path: str | None = None

    def to_asl(self) -> AslObject:
        cause = {"CausePath": self.cause_path} if self.cause_path else {"Cause": self.cause}
        return {"Type": "Fail", "Error": self.error, **cause}


class InnerStates(ABC):
    """A state with others inside. `count` counts those of a branch."""

    __slots__ = ()
    is_of_elements: ClassVar[bool] = False
    """Whether what is inside is done once for each element."""
    branches: "tuple[tuple[State, ...], ...]"

    @abstractmethod
    def count_events(self, count: "Callable[[Sequence[Any]], int]") -> int:
        """Its own, and of all inside."""


@dataclass(frozen=True, slots=True)
class ParallelState(InnerStates):
    """Branches that run at once, of which nothing is kept; the first one that fails ends the others."""

    name: str
    branches: "tuple[tuple[State, ...], ...]"
    """Each begins with its first state."""
    catch: tuple[Catcher, ...] = ()
    next: str | None = None

    def count_events(self, count: "Callable[[Sequence[Any]], int]") -> int:
        return EVENTS_AROUND_BRANCHES + sum(map(count, self.branches))

    def to_asl(self) -> AslObject:
        return {
            "Type": "Parallel",
            "Branches": [machine_to_asl(branch) for branch in self.branches],
            "ResultPath": None,
            **({"Catch": rules_to_asl(self.catch)} if self.catch else {}),
            **({"Next": self.next} if self.next else {"End": True}),
        }


def machine_to_asl(states: "Sequence[State]") -> AslObject:
    """A machine, or one inside another, that starts at the first state."""
    return {"StartAt": states[0].name, "States": {state.name: state.to_asl() for state in states}}


if TYPE_CHECKING:
    from stepcall.asl.athena_states import AthenaQueryState
    from stepcall.asl.awaited_states import AwaitedTaskState
    from stepcall.asl.each_states import MapState, SizeState
    from stepcall.asl.wait_states import WaitState

    OnceState: TypeAlias = LambdaTaskState | AthenaQueryState | WaitState | AwaitedTaskState
    State: TypeAlias = OnceState | ParallelState | SizeState | MapState | FailState


@dataclass(frozen=True, slots=True)
class StateMachine:
    """States in the order in which they are printed; the first is where the machine starts."""

    comment: str
    states: "tuple[State, ...]"
    timeout_seconds: int | None = None

    def to_asl(self) -> AslObject:
        timeout = {"TimeoutSeconds": self.timeout_seconds} if self.timeout_seconds else {}
        return {"Comment": self.comment, **timeout, **machine_to_asl(self.states)}
