"""The states of a task that is done for each element. Imported when there is one: a cold start has no time for it.

Its worker says for which indexes, a Map has the task's own states done for each of them, and its worker gathers what
they gave. Up to `most_inline` elements the Map's items write into the execution's own history; more of them have
executions of their own. Neither an element nor an output travels through the machine.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from stepcall.asl.phases import END_SUFFIX, collecting, preparing
from stepcall.asl.states import (
    ALL_ERRORS,
    EACH_PATH,
    AslObject,
    Catcher,
    InnerStates,
    LambdaTaskState,
    Retrier,
    machine_to_asl,
    rules_to_asl,
)

if TYPE_CHECKING:
    from stepcall.asl.graph import TaskStep
    from stepcall.asl.states import State

SIZE_SUFFIX, INLINE_SUFFIX, DISTRIBUTED_SUFFIX = " size", " each", " many"
ITEM_SUFFIX, ITEM_OF_MANY_SUFFIX = " item", " one"
"""With which the names of the items' first states end: a name stands once in a machine."""
INLINE_CONCURRENCY = 40
"""More than these an inline Map does not do at once: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html"""
EVENTS_AROUND_MAP = 4
EVENTS_AROUND_ITEM = 2
EVENTS_OF_MAP_RUN = 2
NUMBER = f"{EACH_PATH}.number"


@dataclass(frozen=True, slots=True)
class SizeState:
    """A Choice between the Map whose items are the execution's own, and the one whose items are executions."""

    events_of_attempt: ClassVar[int] = 0
    retry: ClassVar[tuple[Retrier, ...]] = ()
    catch: ClassVar[tuple[Catcher, ...]] = ()

    name: str
    most_inline: int
    next: str
    """Where the longer history is."""
    next_of_many: str

    def to_asl(self) -> AslObject:
        few = {"Variable": NUMBER, "NumericLessThanEquals": self.most_inline, "Next": self.next}
        return {"Type": "Choice", "Choices": [few], "Default": self.next_of_many}


@dataclass(frozen=True, slots=True)
class MapState(InnerStates):
    """The states of one element, done for all of them. Of what they hand on their index is kept, and then nothing:
    the outputs of 10,000 states would not fit into one."""

    events_of_attempt: ClassVar[int] = 0
    retry: ClassVar[tuple[Retrier, ...]] = ()
    is_of_elements: ClassVar[bool] = True

    name: str
    branches: "tuple[tuple[State, ...], ...]"
    """The states of an item, alone."""
    most: int
    """Items that it may have."""
    max_concurrency: int
    catch: tuple[Catcher, ...]
    next: str
    label: str | None = None
    """Of a Map whose items are executions; None for one whose items are not."""

    def count_events(self, count: Callable[[Sequence[Any]], int]) -> int:
        if self.label:
            return EVENTS_AROUND_MAP + EVENTS_OF_MAP_RUN
        return EVENTS_AROUND_MAP + self.most * (EVENTS_AROUND_ITEM + count(self.branches[0]))

    def to_asl(self) -> AslObject:
        distributed = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        inner = machine_to_asl(self.branches[0])
        for state in inner["States"].values():
            if state.get("End"):
                state["OutputPath"] = "$.index"
        return {
            "Type": "Map",
            "ItemsPath": f"{EACH_PATH}.indexes",
            "ItemSelector": {"run.$": "$.run", "index.$": "$$.Map.Item.Value"},
            "MaxConcurrency": self.max_concurrency,
            **({"Label": self.label} if self.label else {}),
            "ItemProcessor": {"ProcessorConfig": distributed if self.label else {"Mode": "INLINE"}, **inner},
            "ResultSelector": {"done": True},
            "ResultPath": EACH_PATH,
            "Catch": rules_to_asl(self.catch),
            "Next": self.next,
        }


@dataclass(frozen=True, slots=True)
class EachTask:
    """What the states are made of. `lay_item` lays those of one element; their names begin with what it is given."""

    step: "TaskStep"
    task: LambdaTaskState
    """The state that a task is which is done once, with the time and the attempts that are usual for its worker."""
    lay_item: Callable[[str], "Iterator[State]"]
    most_inline: int
    label: str

    def lay(self) -> "Iterator[State]":
        ref, end = self.task.name, f"{self.task.name}{END_SUFFIX}"
        inline, many = f"{ref}{INLINE_SUFFIX}", f"{ref}{DISTRIBUTED_SUFFIX}"
        most_elements, max_concurrency = self.step.most_elements or 0, self.step.max_concurrency
        has_many = most_elements > self.most_inline
        kept = {"indexes.$": "$.Payload.indexes", "number.$": "$.Payload.number"}
        next_state = f"{ref}{SIZE_SUFFIX}" if has_many else inline
        yield preparing(self.task, next_state, kept, EACH_PATH)
        # whatever an element failed of, the records say which it was
        failed = (Catcher((ALL_ERRORS,), next=end, result_path=EACH_PATH),)
        if has_many:
            yield SizeState(next_state, self.most_inline, inline, many)
        few = min(most_elements, self.most_inline)
        item = tuple(self.lay_item(f"{ref}{ITEM_SUFFIX}"))
        yield MapState(inline, (item,), few, min(max_concurrency, INLINE_CONCURRENCY), failed, end)
        if has_many:
            one = tuple(self.lay_item(f"{ref}{ITEM_OF_MANY_SUFFIX}"))
            yield MapState(many, (one,), most_elements, max_concurrency, failed, end, self.label)
        yield collecting(self.task, end, **{"each.$": EACH_PATH})
