"""The events of an execution, counted from its states; tests/local/test_history.py asks an interpreter."""

from stepcall.asl.history import count_events, count_transitions
from stepcall.asl.states import ALL_ERRORS, Catcher, FailState, LambdaTaskState, ParallelState, Retrier, StateMachine
from stepcall.asl.wait_states import WaitState, wait_states

TWICE = Retrier(("Busy",), interval_seconds=1, max_attempts=2, backoff_rate=2.0)
THRICE = Retrier(("Slow",), interval_seconds=1, max_attempts=3, backoff_rate=2.0)
END = FailState("End", error="E", cause="C")


def task(
    name: str, retry: tuple[Retrier, ...] = (), to: str | None = None, catch: str | None = None
) -> LambdaTaskState:
    catchers = (Catcher((ALL_ERRORS,), next=catch, result_path="$.error"),) if catch else ()
    return LambdaTaskState(name, "arn", {}, 10, retry, catchers, to)


def machine(*states: LambdaTaskState | ParallelState | FailState | WaitState) -> StateMachine:
    return StateMachine("", states)


def test_one_task_is_five_events_and_the_execution_two() -> None:
    assert count_events(machine(task("A"))) == 7


def test_every_retry_of_every_retrier_is_three_events_more() -> None:
    assert count_events(machine(task("A", (TWICE, THRICE)))) == 7 + 3 * 5


def test_the_longest_road_counts_be_it_the_good_one_or_the_bad_one() -> None:
    good = machine(task("A", to="B", catch="End"), task("B", to="C"), task("C"), END)
    bad = machine(task("A", to="B", catch="Mend"), task("B"), task("Mend", (TWICE,), to="End"), END)
    assert count_events(good) == 2 + 3 * 5
    assert count_events(bad) == 2 + 5 + (5 + 3 * 2) + 1


def test_transitions_are_the_states_of_the_good_road() -> None:
    assert count_transitions(machine(task("A", to="B", catch="End"), task("B", (THRICE,), catch="End"), END)) == 2


def test_branches_are_counted_together_with_four_events_around_them_and_one_transition() -> None:
    """Of each branch the longest road, although a branch that fails ends the others."""
    caught = (task("B", (TWICE,), catch="End"), END)
    both = ParallelState("Both", ((task("A", to="A2"), task("A2")), caught), next="C")
    assert count_events(machine(both, task("C"))) == 2 + (4 + (5 + 5) + (5 + 3 * 2 + 1)) + 5
    assert count_transitions(machine(both, task("C"))) == 1 + (2 + 1) + 1


def test_a_wait_is_two_events_and_one_transition_between_those_of_its_worker() -> None:
    waits = tuple(wait_states(task("A", (TWICE,), to="B")))
    assert count_events(machine(*waits, task("B"))) == 2 + (5 + 3 * 2) + 2 + (5 + 3 * 2) + 5
    assert count_transitions(machine(*waits, task("B"))) == 4
