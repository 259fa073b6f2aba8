"""How many events an execution of a machine writes into its history at most: Step Functions ends it at 25,000.

A state that invokes a function writes TaskStateEntered, then TaskScheduled, TaskStarted and TaskSucceeded (or
TaskFailed, TaskTimedOut) for each attempt, then TaskStateExited, also when its error is caught: 5, and 3 for every
retry. One that waits for a query, or for an answer, writes TaskSubmitted besides, for each attempt: 6, and 4. A Wait
state writes WaitStateEntered and WaitStateExited: 2. Each retrier counts its own attempts, so all of them can be used.
A Parallel writes ParallelStateEntered, ParallelStateStarted, what its branches write, ParallelStateSucceeded (or
ParallelStateFailed) and ParallelStateExited. A Map writes the like of that, and MapIterationStarted and
MapIterationSucceeded (or MapIterationFailed) around what each item writes; one whose items are executions MapRunStarted
and MapRunSucceeded (or MapRunFailed), and nothing of its items. A Choice writes ChoiceStateEntered and
ChoiceStateExited. A Fail state writes FailStateEntered; the execution itself its start and
its end.
`tests/local/test_history.py` holds this against an interpreter.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from stepcall.asl.states import FailState, InnerStates, StateMachine

if TYPE_CHECKING:
    from stepcall.asl.states import State

EVENTS_OF_EXECUTION = 2
EVENTS_OF_FAIL = 1
EVENTS_AROUND_ATTEMPTS = 2


def count_events(machine: StateMachine) -> int:
    """The events of the longest road: all retries used, and the catch taken where that leads further."""
    return EVENTS_OF_EXECUTION + count_inner_events(machine.states)


def count_inner_events(states: "Sequence[State]") -> int:
    """A state leads only to states that are printed after it: there is no loop in a machine of ours."""
    to_end: dict[str, int] = {}
    for state in reversed(states):
        if isinstance(state, FailState):
            to_end[state.name] = EVENTS_OF_FAIL
            continue
        onwards = to_end[state.next] if state.next else 0
        for catcher in state.catch:
            onwards = max(onwards, to_end[catcher.next])
        if isinstance(state, InnerStates):
            own = state.count_events(count_inner_events)
        else:
            attempts = 1
            for retrier in state.retry:
                attempts += retrier.max_attempts
            own = EVENTS_AROUND_ATTEMPTS + attempts * state.events_of_attempt
        to_end[state.name] = own + onwards
    return to_end[states[0].name]


def count_transitions(machine: StateMachine) -> int:
    """The states that a run enters on the good road, with one element for each task that is done for each."""
    return _count_transitions(machine.states)


def count_per_element(machine: StateMachine) -> int:
    """Those that one element more of each such task enters, together."""
    return _count_per_element(machine.states)


def _count_transitions(states: "Sequence[State]") -> int:
    return sum(1 + sum(map(_count_transitions, _inside(state))) for state in _good_road(states))


def _count_per_element(states: "Sequence[State]") -> int:
    return sum(
        (_count_transitions if isinstance(state, InnerStates) and state.is_of_elements else _count_per_element)(inside)
        for state in _good_road(states)
        for inside in _inside(state)
    )


def _inside(state: "State") -> "Sequence[Sequence[State]]":
    return state.branches if isinstance(state, InnerStates) else ()


def _good_road(states: "Sequence[State]") -> "Iterator[State]":
    """Here, too, a state leads only to one that is printed later."""
    awaited = states[0].name
    for state in states:
        if state.name == awaited:
            yield state
            if isinstance(state, FailState) or not state.next:
                break
            awaited = state.next
