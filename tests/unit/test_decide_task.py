"""A decision meets everything else that may happen to its task at that moment; each test plays the machine itself."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from run_data_task.approval import Asker
from stepcall.domain.approval import FLOW_APPROVAL
from stepcall.domain.decision_errors import (
    InvalidDecisionError,
    TaskDecidedError,
    TaskNotAwaitingError,
    TaskNotFoundError,
)
from stepcall.domain.errors import ErrorReason, PermanentTaskError, RetryableTaskError
from stepcall.domain.run import ErrorResult, Run, RunEnd, RunStatus, TaskEnd, TaskRun, TaskStatus
from stepcall.stores.memory_run_store import MemoryRunStore
from stepcall.stores.run_store import LateAttemptError, RunHasEndedError
from stepcall.use_cases.cancel_run import cancel_run
from stepcall.use_cases.decide_task import Decision, PlaceOfTask, decide_task
from stepcall.use_cases.resume_run import ResumeRun, resume_run
from stepcall.use_cases.run_task import NothingToAwaitError, TaskInvocation, run_task
from tests.sample_workflows import Document
from tests.unit.run_world import CALLER, RunWorld, sent_by_the_machine

YES, NO = Decision(TaskStatus.COMPLETED, {"ok": True}), Decision(TaskStatus.FAILED, message="Too much.")
ANN, BOB = replace(CALLER, principal="ann"), replace(CALLER, principal="bob")


def asks(**given: Any) -> Document:
    return {"name": "Ask", "tasks": [{"ref": "ask", "type": FLOW_APPROVAL, "input": {"message": "Pay?", **given}}]}


@pytest.fixture
def world() -> RunWorld:
    return RunWorld()


@pytest.fixture
def run(world: RunWorld) -> Run:
    return world.start(asks(expires_in=60))


def deliver(world: RunWorld, run: Run, phase: str = "prepare", attempt: int = 0, token: str = "token") -> None:  # noqa: S107
    event = {**sent_by_the_machine(run), "ref": "ask", "attempt": attempt, "phase": phase, "token": token}
    world.clock.sleep(1)
    run_task(
        TaskInvocation.model_validate(event), {FLOW_APPROVAL: Asker(world.clock.now).ask}, lambda: 60.0, world.deps
    )


def decide(world: RunWorld, run: Run, decision: Decision, caller: Any = CALLER) -> TaskRun:
    return decide_task(PlaceOfTask(run.workflow_id, run.run_id, "ask"), decision, caller, world.deps)


def test_nobody_decides_before_the_worker_has_asked(world: RunWorld, run: Run) -> None:
    with pytest.raises(TaskNotAwaitingError, match="PENDING"):
        decide(world, run, YES)
    deliver(world, run)
    assert decide(world, run, YES).status is TaskStatus.COMPLETED


@pytest.mark.parametrize(
    "ref", ["ask[x]", "ask[]", "ask[-1]", "ask[007]", "ask[1_0]", "ask[\u0663]", "a]", "]", "ask[1][2]"]
)
def test_a_ref_that_only_looks_like_an_elements_is_no_tasks(world: RunWorld, run: Run, ref: str) -> None:
    deliver(world, run)
    with pytest.raises(TaskNotFoundError):
        decide_task(PlaceOfTask(run.workflow_id, run.run_id, ref), YES, CALLER, world.deps)


def test_the_same_decision_with_its_fields_in_another_order_is_the_same(world: RunWorld, run: Run) -> None:
    deliver(world, run)
    first = decide(world, run, Decision(TaskStatus.COMPLETED, {"sum": 3, "of": {"a": 1, "b": 2}}))
    assert decide(world, run, Decision(TaskStatus.COMPLETED, {"of": {"b": 2, "a": 1}, "sum": 3})) == first


def test_a_worker_whose_task_is_decided_lets_its_machine_wait_for_nobody(world: RunWorld, run: Run) -> None:
    deliver(world, run)
    decided = decide(world, run, YES)
    with pytest.raises(NothingToAwaitError):
        deliver(world, run, attempt=1, token="second")
    deliver(world, run, "collect")
    assert world.task(run, "ask") == decided


def test_a_worker_that_is_tried_again_leaves_the_token_of_its_last_attempt(world: RunWorld, run: Run) -> None:
    deliver(world, run, token="first")
    deliver(world, run, attempt=1, token="second")
    with pytest.raises(NothingToAwaitError):
        deliver_late(world, run)
    assert world.runs.tokens == {(run.run_id, "ask", 1): "second"}


def deliver_late(world: RunWorld, run: Run) -> None:
    """The first attempt's worker, which began before the second one's and writes its token after it."""

    class BegunBefore(MemoryRunStore):
        def begin_task(self, *_: Any, **__: Any) -> None:
            """It has."""

    begun = BegunBefore()
    vars(begun).update(vars(world.runs))
    event = {**sent_by_the_machine(run), "ref": "ask", "attempt": 0, "phase": "prepare", "token": "first"}
    implementations = {FLOW_APPROVAL: Asker(world.clock.now).ask}
    run_task(TaskInvocation.model_validate(event), implementations, lambda: 60.0, replace(world.deps, runs=begun))


@pytest.mark.parametrize("decision", [YES, NO], ids=["yes", "no"])
def test_at_the_moment_of_expiry_what_was_written_first_counts(world: RunWorld, run: Run, decision: Decision) -> None:
    deliver(world, run)
    decided = decide(world, run, decision, ANN)
    if decision is NO:
        with pytest.raises(PermanentTaskError):
            deliver(world, run, "collect")
    else:
        deliver(world, run, "collect")
    assert world.task(run, "ask") == decided


def test_a_decision_after_its_task_has_expired_is_told_so(world: RunWorld, run: Run) -> None:
    expire(world, run)
    with pytest.raises(TaskNotAwaitingError, match="Nobody decided within 60 seconds"):
        decide(world, run, YES)
    assert world.task(run, "ask").decided_by is None


def expire(world: RunWorld, run: Run) -> None:
    deliver(world, run)
    with pytest.raises(PermanentTaskError) as raised:
        deliver(world, run, "collect")
    assert raised.value.reason is ErrorReason.TIMEOUT


@pytest.mark.parametrize(
    ("status", "advice"), [("FAILED", " Resume the execution, and it asks again."), ("COMPLETED", "")]
)
def test_a_decision_after_the_end_of_a_run_whose_task_has_expired_is_told_so(
    world: RunWorld, run: Run, status: str, advice: str
) -> None:
    expire(world, run)
    error = ErrorResult(ErrorReason.TIMEOUT, "ask", "Nobody decided within 60 seconds.")
    world.runs.end(run, RunEnd(RunStatus(status), world.clock.now(), run.input, error if advice else None))
    with pytest.raises(RunHasEndedError) as raised:
        decide(world, run, YES)
    assert str(raised.value) == f"The run is {status}. Nobody decided within 60 seconds.{advice}"


@pytest.mark.parametrize(
    ("first", "second", "how"),
    [
        (YES, Decision(TaskStatus.COMPLETED, {"ok": False}), "has completed it at 2[^ ]*, with other data: what"),
        (NO, Decision(TaskStatus.FAILED, message="Never."), "has refused it at 2[^ ]*, with another message: what"),
        (YES, NO, "has completed it at 2[^ ]*: what"),
        (NO, YES, "has refused it at 2[^ ]*: what"),
    ],
)
def test_who_decides_otherwise_is_told_how_it_was_decided(
    world: RunWorld, run: Run, first: Decision, second: Decision, how: str
) -> None:
    deliver(world, run)
    decide(world, run, first, ANN)
    with pytest.raises(TaskDecidedError, match=f"`ann` {how} is decided stays decided."):
        decide(world, run, second, BOB)


def test_who_misspells_a_ref_is_told_the_nearest(world: RunWorld, run: Run) -> None:
    with pytest.raises(TaskNotFoundError, match="no task `ask_`; did you mean `ask`"):
        decide_task(PlaceOfTask(run.workflow_id, run.run_id, "ask_"), YES, CALLER, world.deps)


@pytest.mark.parametrize(
    ("each", "ref", "told"),
    [
        ({"for_each": [1, 2]}, "ask", "decide `ask[0]` (in an address `ask%5B0%5D`); `…/tasks/ask/instances` lists"),
        ({}, "ask[0]", "`ask` is done once, and not for each element: decide `ask` itself."),
    ],
)
def test_who_decides_a_task_for_an_element_or_the_other_way_is_told_what_to_decide(
    world: RunWorld, each: Document, ref: str, told: str
) -> None:
    document = asks()
    document["tasks"][0] |= each
    run = world.start(document)
    with pytest.raises(TaskNotAwaitingError, match=re.escape(told)):
        decide_task(PlaceOfTask(run.workflow_id, run.run_id, ref), YES, CALLER, world.deps)


class Overtaken(MemoryRunStore):
    """Lets something happen between what a decision has read and what it writes."""

    meanwhile: Callable[[], object] | None = None

    def settle_task(self, run: Any, ref: str, end: TaskEnd) -> None:
        if meanwhile := self.meanwhile:
            self.meanwhile = None
            meanwhile()
        super().settle_task(run, ref, end)


@pytest.fixture
def overtaken() -> tuple[RunWorld, Overtaken, Run]:
    store = Overtaken()
    world = RunWorld(runs=store)
    run = world.start(asks(expires_in=60))
    deliver(world, run)
    return world, store, run


def test_two_who_decide_the_same_at_once_are_both_told_who_was_first(
    overtaken: tuple[RunWorld, Overtaken, Run],
) -> None:
    world, store, run = overtaken
    store.meanwhile = lambda: decide(world, run, YES, BOB)
    assert decide(world, run, YES, ANN).decided_by == "bob"


def test_of_two_who_decide_otherwise_at_once_the_second_is_told_of_the_first(
    overtaken: tuple[RunWorld, Overtaken, Run],
) -> None:
    world, store, run = overtaken
    store.meanwhile = lambda: decide(world, run, NO, BOB)
    with pytest.raises(TaskDecidedError, match=r"`bob` has refused it at [^ ]*: what is decided stays decided."):
        decide(world, run, YES, ANN)
    assert world.task(run, "ask").decided_by == "bob"


def test_a_decision_that_a_cancellation_outruns_is_not_taken(overtaken: tuple[RunWorld, Overtaken, Run]) -> None:
    world, store, run = overtaken
    store.meanwhile = lambda: cancel_run(run.run_id, CALLER, world.deps)
    with pytest.raises(RunHasEndedError):
        decide(world, run, YES)
    assert world.task(run, "ask").status is TaskStatus.CANCELLED


def test_a_decision_of_an_earlier_attempt_does_not_decide_the_new_one(
    overtaken: tuple[RunWorld, Overtaken, Run],
) -> None:
    world, store, run = overtaken

    def resume() -> None:
        cancel_run(run.run_id, CALLER, world.deps)
        resume_run(ResumeRun(run.run_id, run.workflow_id), CALLER, world.deps)
        deliver(world, world.found(run).run, token="new")

    store.meanwhile = resume
    with pytest.raises(TaskNotAwaitingError, match="asked for anew"):
        decide(world, run, YES)
    assert (world.status(run), world.task(run, "ask").status) == (RunStatus.RUNNING, TaskStatus.RUNNING)
    with pytest.raises(LateAttemptError):
        deliver(world, run, "collect")
    assert decide(world, world.found(run).run, YES).status is TaskStatus.COMPLETED


def test_what_is_asked_may_use_what_was_given_and_has_a_length(world: RunWorld) -> None:
    document = asks(message="Is {{input.text}} right?") | {"input": [{"name": "text", "type": "string"}]}
    short, long = world.start(document, text="this"), world.start(document, text="x" * 3000)
    deliver(world, short)
    awaited = world.task(short, "ask").awaited
    assert awaited
    assert awaited.message == "Is this right?"
    with pytest.raises(PermanentTaskError) as raised:
        deliver(world, long)
    assert raised.value.reason is ErrorReason.INVALID
    assert "message" in raised.value.message


def test_nobody_is_told_of_a_time_after_the_runs_own_deadline(world: RunWorld) -> None:
    run = world.start(asks())
    deliver(world, run)
    awaited = world.task(run, "ask").awaited
    assert awaited
    assert awaited.expires_at == run.deadline
    assert run.deadline
    assert run.deadline - run.created_at == timedelta(days=7)


def test_a_store_that_does_not_answer_lets_the_worker_be_tried_again(world: RunWorld, run: Run) -> None:
    class DownError(Exception):
        pass

    def down(*_: Any, **__: Any) -> None:
        raise DownError

    world.runs.await_task = down  # type: ignore[method-assign]
    with pytest.raises((DownError, RetryableTaskError)):
        deliver(world, run)


def test_data_that_does_not_fit_leaves_the_task_as_it_is(world: RunWorld) -> None:
    run = world.start(asks(output_schema={"type": "object", "required": ["ok"], "properties": {"ok": {"const": 1}}}))
    deliver(world, run)
    before = world.task(run, "ask")
    with pytest.raises(InvalidDecisionError) as raised:
        decide(world, run, Decision(TaskStatus.COMPLETED, {}))
    assert [problem.location for problem in raised.value.problems] == ["/data/ok"]
    assert world.task(run, "ask") == before


def test_nobody_decides_for_an_element_whose_task_has_failed_while_its_run_goes_on(world: RunWorld) -> None:
    document = asks()
    document["tasks"][0] |= {"for_each": [1, 2], "on_error": "continue"}
    run = world.start(document)
    world.runs.begin_task(run, "ask", attempt=0, now=world.clock.now())
    event = {**sent_by_the_machine(run), "ref": "ask", "attempt": 0, "phase": "prepare", "token": "token", "index": 1}
    ask = Asker(world.clock.now).ask
    run_task(TaskInvocation.model_validate(event), {FLOW_APPROVAL: ask}, lambda: 60.0, world.deps)
    error = ErrorResult(ErrorReason.STOPPED, "ask[0]", "Too much.")
    world.runs.fail_task(run, "ask", error, world.clock.now())
    place = PlaceOfTask(run.workflow_id, run.run_id, "ask[1]")
    with pytest.raises(TaskNotAwaitingError, match="`ask` is FAILED"):
        decide_task(place, YES, CALLER, world.deps)
    assert world.runs.get_for_work(run.run_id, ("ask[1]",)).task("ask[1]").decided_by is None
