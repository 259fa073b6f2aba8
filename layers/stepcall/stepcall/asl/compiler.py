"""Workflow definition → Amazon States Language. Pure: equal input gives equal bytes, and the bytes name the machine.

A sequential workflow of n tasks costs n + 1 state transitions on the good road: its tasks, and `Finish run`, which ends
the machine. On the bad road a task's `Catch` leads to `Fail run`, which writes the run's end, and to `Run failed`.
Tasks that run at once stand in the branches of a Parallel, which costs one more. A branch whose task fails says which.
A query that Athena runs costs three transitions: its worker prepares it, Athena runs it, its worker records the result.
So does a wait: its worker begins it, the machine waits, its worker ends it. What somebody's answer ends costs one.
A task that is done for each element of an array costs four or five, and one more for each further element: its worker
says for which, a Map has it done for each, its worker gathers what they gave.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from stepcall.asl.check import check_state_machine
from stepcall.asl.check_limits import MAX_HISTORY_EVENTS, refuse_over_limits
from stepcall.asl.graph import Plan, TaskStep, plan
from stepcall.asl.history import count_events, count_inner_events, count_per_element, count_transitions
from stepcall.asl.parts import Parallel, Part, Series
from stepcall.asl.states import (
    ALL_ERRORS,
    Catcher,
    FailState,
    LambdaTaskState,
    ParallelState,
    Retrier,
    StateMachine,
)
from stepcall.domain.errors import BRANCH_FAILED, RetryableTaskError
from stepcall.domain.run_mode import RunMode
from stepcall.domain.task_contract import TaskContract, TaskKind
from stepcall.domain.task_control import USUAL_ATTEMPTS, Retry
from stepcall.domain.workflow import WorkflowDefinition

if TYPE_CHECKING:
    from stepcall.asl.states import State

FINISH_RUN = "finish_run"
FINISH_STATE = "Finish run"  # each with a space, so that no task's ref can be a state of ours
FAIL_STATE = "Fail run"
FAILED_STATE = "Run failed"
FINISH_TIMEOUT_SECONDS = 70
COMMENT = "Compiled by Stepcall: edit the workflow, not this machine."

FunctionArns = Mapping[str, str]
"""The ARN of each worker and of `finish_run`, by the name of its folder under `functions/`."""

RUN = {"run.$": "$.run"}
# https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
LAMBDA_TRANSIENT = Retrier(
    error_equals=(
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    ),
    interval_seconds=2,
    max_attempts=3,
    backoff_rate=2.0,
)
# a process that died (killed, out of memory, crashed): what Lambda's runtimes report, and what older ones did
DIED = ("Runtime.ExitError", "Lambda.Unknown")
AGAIN = (RetryableTaskError.__name__, *DIED)
TASK_RETRYABLE = Retrier(AGAIN, interval_seconds=1, max_attempts=USUAL_ATTEMPTS - 1, backoff_rate=5.0)
# a run's end must be written: wait out a throttled table
END_RETRYABLE = Retrier(AGAIN, interval_seconds=1, max_attempts=6, backoff_rate=2.0)
# nothing comes after the state that fails a run: whatever stops it, it is tried again
ANY_ERROR = Retrier((ALL_ERRORS,), interval_seconds=1, max_attempts=6, backoff_rate=2.0)


@lru_cache(maxsize=1024)
def _catch_all(target: str) -> Catcher:
    """One for all states that lead there: the rules of a machine are most of its text."""
    return Catcher((ALL_ERRORS,), next=target, result_path="$.error")


@dataclass(frozen=True, slots=True)
class CompiledWorkflow:
    """`definition` is the machine's Amazon States Language as JSON text; `content_hash` is 32 hex digits of it."""

    definition: str
    content_hash: str
    transitions: int
    """Of a run on the good road."""
    history_events: int
    """Of the longest execution that can be."""
    athena_queries: int = 0
    """Of the transitions, as are `waits`: the others invoke a function."""
    waits: int = 0
    critical_path: int = 0
    """How many of its tasks run one after the other, at most."""
    answers: int = 0
    """How many of its tasks somebody's answer ends."""
    transitions_per_element: int = 0
    """Of one element more of each task that is done for each: `transitions` counts one."""


def compile_workflow(
    definition: WorkflowDefinition,
    catalog: Mapping[str, TaskContract],
    function_arns: FunctionArns,
    athena_work_group: str | None = None,
    *,
    mode: RunMode = RunMode.FULL,
) -> CompiledWorkflow:
    """Compile what a run of that mode runs of a checked definition; modes that run the same have the same machine.

    With a work group its queries run on Athena, else in their worker.

    Raises EmptyRunModeError where that is nothing, InvalidDefinitionError when it breaks a limit of Step Functions,
    InvalidStateMachineError when its machine could not run, which is a bug of ours.
    """
    planned = plan(definition, catalog, mode)
    states = states_of(planned, function_arns, athena_work_group)
    machine = states.to_asl()
    text = json.dumps(machine, separators=(",", ":"))
    history_events = count_events(states)
    refuse_over_limits(text, history_events)
    check_state_machine(machine)
    content_hash = hashlib.sha256(text.encode()).hexdigest()[:32]
    queries = sum(step.kind is TaskKind.QUERY for step in planned.steps) if athena_work_group else 0
    transitions = count_transitions(states)
    waits = sum(step.kind is TaskKind.WAIT for step in planned.steps)
    answers = sum(step.kind is TaskKind.AWAITED for step in planned.steps)
    path, per_element = planned.critical_path, count_per_element(states)
    return CompiledWorkflow(text, content_hash, transitions, history_events, queries, waits, path, answers, per_element)


def states_of(planned: Plan, function_arns: FunctionArns, athena_work_group: str | None = None) -> StateMachine:
    """The plan's steps as states, then the states that end the run."""
    tasks = TaskStates(planned, function_arns, athena_work_group)
    if any(step.most_elements is not None for step in planned.steps):
        tasks.share_history(MAX_HISTORY_EVENTS - count_events(_machine_of(planned, tasks.lay(), function_arns)))
    return _machine_of(planned, tasks.lay(), function_arns)


def _machine_of(planned: Plan, tasks: "list[State]", function_arns: FunctionArns) -> StateMachine:
    finish_arn = function_arns[FINISH_RUN]
    finish = LambdaTaskState(
        FINISH_STATE,
        finish_arn,
        RUN,
        FINISH_TIMEOUT_SECONDS,
        retry=(LAMBDA_TRANSIENT, END_RETRYABLE),
        catch=(_catch_all(FAIL_STATE),),
    )
    fail = LambdaTaskState(
        FAIL_STATE,
        finish_arn,
        RUN | {"error.$": "$.error"},
        FINISH_TIMEOUT_SECONDS,
        retry=(ANY_ERROR,),
        next=FAILED_STATE,
    )
    failed = FailState(FAILED_STATE, error="RunFailed", cause="The run failed; its record says why.")
    return StateMachine(COMMENT, (*tasks, finish, fail, failed), planned.timeout_seconds)


class TaskStates:
    """The states of a plan's steps, in the order in which they run; of parallel branches in that of the document."""

    def __init__(self, planned: Plan, function_arns: FunctionArns, athena_work_group: str | None) -> None:
        self._planned = planned
        self._function_arns = function_arns
        self._athena_work_group = athena_work_group
        self._most_inline = {step.ref: 0 for step in planned.steps if step.most_elements is not None}
        """Elements that a Map of the execution's own may have, by ref."""
        self._names = {id(part): f"Parallel {number}" for number, part in enumerate(_parallels(planned.root), 1)}

    def share_history(self, room: int) -> None:
        """Let the elements of tasks write so many events into the execution's history, together."""
        from stepcall.asl.each_states import EVENTS_AROUND_ITEM  # noqa: PLC0415 - few workflows have it
        from stepcall.asl.elements import share_history  # noqa: PLC0415 - likewise

        each = [step for step in self._planned.steps if step.most_elements is not None]
        wanted = [step.most_elements or 0 for step in each]
        tasks = [_task_state(step, None, self._function_arns, _catch_all(FAIL_STATE)) for step in each]
        items = [[*self._lay_item(step, task, step.ref)] for step, task in zip(each, tasks, strict=True)]
        events = [EVENTS_AROUND_ITEM + count_inner_events(item) for item in items]
        shared = share_history(room, wanted, events)
        self._most_inline = {step.ref: most for step, most in zip(each, shared, strict=True)}

    def lay(self) -> "list[State]":
        return [*self._lay(self._planned.root, FINISH_STATE, is_branch=False)]

    def _lay(self, part: Part, after: str | None, *, is_branch: bool) -> "Iterator[State]":
        """`after` is the state behind it, None at the end of a branch."""
        match part:
            case Series(parts):
                names_after = [*map(self._name, parts[1:]), after]
                for inner, behind in zip(parts, names_after, strict=True):
                    yield from self._lay(inner, behind, is_branch=is_branch)
            case Parallel(parts):
                branches = tuple(tuple(self._lay(inner, None, is_branch=True)) for inner in parts)
                yield ParallelState(self._name(part), branches, () if is_branch else (_catch_all(FAIL_STATE),), after)
            case number:
                yield from self._lay_task(self._planned.steps[number], after, is_branch=is_branch)

    def _lay_task(self, step: TaskStep, after: str | None, *, is_branch: bool) -> "Iterator[State]":
        fail = f"{step.ref} failed" if is_branch else FAIL_STATE
        record = f"Record {step.ref}"
        last_resort = record if step.continues else fail
        caught_by = step.fallback.ref if step.fallback else last_resort
        task = _task_state(step, after, self._function_arns, _catch_all(caught_by))
        yield from self._lay_once(step, task) if step.most_elements is None else self._lay_each(step, task)
        if step.fallback:
            instead = _task_state(step.fallback, after, self._function_arns, _catch_all(last_resort))
            yield replace(instead, payload={**instead.payload, "error.$": "$.error"})
        if step.continues:
            yield self._record(record, step.ref, after, _catch_all(fail))
        if is_branch:
            # what is around the branch is told its error, and not which task has had it
            yield FailState(fail, BRANCH_FAILED, cause_path=f"States.Format('{step.ref} {{}}', $.error.Error)")

    def _lay_once(self, step: TaskStep, task: LambdaTaskState) -> "Iterator[State]":
        """`task` is the state that it is if it is one."""
        if step.kind is TaskKind.QUERY and self._athena_work_group:
            from stepcall.asl.athena_states import athena_states  # noqa: PLC0415 - few deployments have Athena

            yield from athena_states(task, self._athena_work_group, step.limit_seconds)
        elif step.kind is TaskKind.WAIT:
            from stepcall.asl.wait_states import wait_states  # noqa: PLC0415 - few workflows wait

            yield from wait_states(task)
        elif step.wait_seconds:
            from stepcall.asl.awaited_states import awaited_states  # noqa: PLC0415 - few workflows await an answer

            yield from awaited_states(task, min(step.limit_seconds or step.wait_seconds, step.wait_seconds))
        else:
            yield task

    def _lay_each(self, step: TaskStep, task: LambdaTaskState) -> "Iterator[State]":
        from stepcall.asl.each_states import EachTask  # noqa: PLC0415 - few workflows have it

        usual = replace(task, timeout_seconds=step.timeout_seconds, retry=(LAMBDA_TRANSIENT, TASK_RETRYABLE))
        label = f"each{[*self._most_inline].index(step.ref) + 1}"
        lay_item = partial(self._lay_item, step, task)
        yield from EachTask(step, usual, lay_item, self._most_inline[step.ref], label).lay()

    def _lay_item(self, step: TaskStep, task: LambdaTaskState, name: str) -> "Iterator[State]":
        """Of one element. What it fails of fails the Map."""
        payload = {**task.payload, "index.$": "$.index"}
        return self._lay_once(step, replace(task, name=name, payload=payload, catch=(), next=None))

    def _record(self, name: str, ref: str, after: str | None, catch: Catcher) -> LambdaTaskState:
        """Writes that a task has failed, while the run goes on: a worker that died has not."""
        return LambdaTaskState(
            name,
            self._function_arns[FINISH_RUN],
            RUN | {"ref": ref, "error.$": "$.error"},
            FINISH_TIMEOUT_SECONDS,
            retry=(LAMBDA_TRANSIENT, END_RETRYABLE),
            catch=(catch,),
            next=after,
        )

    def _name(self, part: Part) -> str:
        """Of its first state."""
        match part:
            case Series(parts):
                return self._name(parts[0])
            case Parallel():
                return self._names[id(part)]
            case number:
                return self._planned.steps[number].ref


def _retrier(retry: Retry) -> Retrier:
    retries = retry.attempts - 1
    return Retrier(AGAIN, retry.delay, retries, float(retry.multiplier), retry.max_delay, retry.jitter)


def _parallels(part: Part) -> Iterator[Parallel]:
    if isinstance(part, Parallel):
        yield part
    if not isinstance(part, int):
        for inner in part.parts:
            yield from _parallels(inner)


def _task_state(step: TaskStep, after: str | None, function_arns: FunctionArns, catch: Catcher) -> LambdaTaskState:
    limit = None if step.wait_seconds else step.limit_seconds  # of what is waited for, and not of its worker
    return LambdaTaskState(
        name=step.ref,
        function_arn=function_arns[step.worker],
        payload=RUN | {"ref": step.ref, "attempt.$": "$$.State.RetryCount"},
        timeout_seconds=min(limit or step.timeout_seconds, step.timeout_seconds),
        retry=(LAMBDA_TRANSIENT, _retrier(step.retry) if step.retry else TASK_RETRYABLE),
        catch=(catch,),
        next=after,
    )
