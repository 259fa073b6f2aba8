"""Starts with a key: sent again they find the run of the first time, and nothing else is done."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from stepcall.domain.access import Caller, Grants, NotGrantedError, RateLimit, SourceGrant
from stepcall.domain.errors import InvalidParametersError
from stepcall.domain.idempotency import IdempotencyKeyReusedError, StartOnce
from stepcall.domain.rate_limit import RateLimitedError
from stepcall.domain.run import Run, RunStatus, RunSummary
from stepcall.stores.memory_run_store import MemoryRunStore
from stepcall.stores.run_store import StartedOnceError
from stepcall.use_cases.call_procedure import call_procedure
from stepcall.use_cases.delete_workflow import delete_workflow
from stepcall.use_cases.query_table import call_and_wait
from stepcall.use_cases.start_configured_run import StartConfiguredRun, start_configured_run
from stepcall.use_cases.start_once import Started, start_once
from stepcall.use_cases.start_run import StartRun, start_run
from tests.sample_workflows import declare, transform, workflow
from tests.unit.job_world import ARGUMENTS, GIVEN, JobWorld
from tests.unit.run_world import CALLER, RunWorld

ONCE = StartOnce("key", "a" * 64)
OTHER_REQUEST = StartOnce("key", "b" * 64)
NAMED = workflow(transform("only")) | {"input": [declare("number", "integer")], "config_id": "cg-once"}


@dataclass
class OnceWorld(RunWorld):
    """A workflow of one input, and a caller with a key id of its own."""

    caller: Caller = field(default_factory=lambda: replace(CALLER, key_id="key id"))

    def __post_init__(self) -> None:
        super().__post_init__()
        self.version = self.define(NAMED)

    def command(self, once: StartOnce | None = ONCE, **parameters: object) -> StartRun:
        return StartRun(self.version.workflow_id, parameters or {"number": 1}, once=once)

    def once(self, command: StartRun | None = None, caller: Caller | None = None) -> Started:
        return start_once(start_run, command or self.command(), caller or self.caller, self.deps)

    def listed(self) -> tuple[RunSummary, ...]:
        return self.runs.list_by_tenant("acme", limit=1000, after=None).runs


@pytest.fixture
def world() -> OnceWorld:
    return OnceWorld()


def test_a_call_that_is_sent_again_is_answered_with_the_same_run(world: OnceWorld) -> None:
    first = world.once()
    assert not first.is_replayed
    world.clock.sleep(5)
    assert world.once() == Started(first.run, is_replayed=True)
    assert list(world.engine.started) == [first.run.run_id]
    assert len(world.listed()) == 1
    assert world.events().count("start_replayed") == 1


def test_a_run_that_has_ended_is_answered_as_it_was_started(world: OnceWorld) -> None:
    first = world.once().run
    world.do_task(first, "only")
    world.finish(first)
    assert world.status(first) is RunStatus.COMPLETED
    world.clock.sleep(timedelta(days=80).total_seconds())
    assert world.once() == Started(first, is_replayed=True)


def test_after_as_long_as_runs_are_kept_the_key_starts_another(world: OnceWorld) -> None:
    first = world.once().run
    world.clock.sleep(timedelta(days=91).total_seconds())
    second = world.once()
    assert not second.is_replayed
    assert second.run.run_id != first.run_id


def test_starts_without_a_key_are_all_their_own(world: OnceWorld) -> None:
    command = world.command(once=None)
    assert [world.once(command).is_replayed for _ in range(3)] == [False] * 3
    assert len(world.listed()) == 3


def test_a_key_that_comes_with_another_request_starts_nothing(world: OnceWorld) -> None:
    world.once()
    with pytest.raises(IdempotencyKeyReusedError, match="Send a new key with each new request"):
        world.once(world.command(OTHER_REQUEST))
    assert len(world.listed()) == 1


@pytest.mark.parametrize("stranger", [Caller("acme", "ci", "another"), Caller("other", "ci", "key id")])
def test_the_same_key_of_another_caller_is_another_key(world: OnceWorld, stranger: Caller) -> None:
    first = world.once().run
    version = world.define(NAMED | {"config_id": "cg-other"}, stranger)
    second = world.once(StartRun(version.workflow_id, {"number": 1}, once=ONCE), stranger)
    assert not second.is_replayed
    assert second.run.run_id != first.run_id


def test_another_key_is_another_call(world: OnceWorld) -> None:
    first = world.once()
    second = world.once(world.command(StartOnce("KEY", ONCE.fingerprint)))
    assert not second.is_replayed
    assert first.run.run_id != second.run.run_id


def test_a_workflow_that_was_changed_or_deleted_since_does_not_matter(world: OnceWorld) -> None:
    by_name = StartConfiguredRun("cg-once", once=StartOnce("2", "a"))
    version = world.define(workflow(transform("only")) | {"config_id": "cg-named"})
    by_name = by_name._replace(config_id="cg-named")
    first, named = world.once(), start_once(start_configured_run, by_name, world.caller, world.deps)
    for each in (world.version, version):
        delete_workflow(each.workflow_id, CALLER, world.deps, expected=None)
    assert world.once() == Started(first.run, is_replayed=True)
    again = start_once(start_configured_run, by_name, world.caller, world.deps)
    assert again == Started(named.run, is_replayed=True)


def test_a_refused_call_is_not_recorded(world: OnceWorld) -> None:
    with pytest.raises(InvalidParametersError):
        world.once(world.command(number="no number"))
    assert world.runs.find_start("acme", "key id", "key", world.clock.now()) is None
    assert not world.once(world.command(OTHER_REQUEST)).is_replayed


def test_a_replay_takes_nothing_from_the_callers_limit(world: OnceWorld) -> None:
    limited = replace(world.caller, rate_limit=RateLimit(per_second=1, burst=1))
    world.once(caller=limited)
    assert [world.once(caller=limited).is_replayed for _ in range(5)] == [True] * 5
    with pytest.raises(RateLimitedError):
        world.once(world.command(StartOnce("2", "a")), limited)


def test_a_caller_that_was_narrowed_since_is_not_told(world: OnceWorld) -> None:
    """A token has the key id of the key that it was given for, and may be granted less."""
    world.once()
    with pytest.raises(NotGrantedError):
        world.once(caller=replace(world.caller, grants=Grants()))
    granted = Grants(frozenset({world.version.workflow_id}))
    assert world.once(caller=replace(world.caller, grants=granted)).is_replayed


def test_a_key_whose_run_is_kept_no_more_is_no_ones_to_start_again(world: OnceWorld) -> None:
    first = world.once().run
    del vars(world.runs)["_runs"][first.run_id]
    with pytest.raises(IdempotencyKeyReusedError, match="kept no more"):
        world.once()
    assert list(world.engine.started) == [first.run_id]


def test_a_start_that_waits_for_step_functions_is_found_by_its_key(world: OnceWorld) -> None:
    world.engine.is_down = True
    first = world.once()
    world.engine.is_down = False
    assert world.once() == Started(first.run, is_replayed=True)
    assert len(world.listed()) == 1


class OutrunOnce(MemoryRunStore):
    """The same call is made by somebody else just before the first put; `and_lost`: whose put came to nothing."""

    def __init__(self, *, and_lost: bool = False) -> None:
        super().__init__()
        self.others: list[Callable[[], object]] = []
        self._and_lost = and_lost

    def put(self, run: Run, *, once: StartOnce | None = None) -> None:
        if self.others:
            self.others.pop()()
            if self._and_lost:
                raise StartedOnceError("Somebody else is putting it.")
        super().put(run, once=once)


def test_who_loses_a_race_answers_with_the_winners_run() -> None:
    store = OutrunOnce()
    world = OnceWorld(runs=store)
    winners: list[Started] = []
    store.others.append(lambda: winners.append(world.once()))
    loser = world.once()
    assert loser == Started(winners[0].run, is_replayed=True)
    assert list(world.engine.started) == [loser.run.run_id]


def test_who_loses_to_another_request_of_the_key_is_told_so() -> None:
    store = OutrunOnce()
    world = OnceWorld(runs=store)
    store.others.append(lambda: world.once(world.command(OTHER_REQUEST)))
    with pytest.raises(IdempotencyKeyReusedError):
        world.once()
    assert len(world.listed()) == 1


def test_a_call_that_is_under_way_elsewhere_and_cannot_be_found_yet_is_to_be_sent_again() -> None:
    store = OutrunOnce(and_lost=True)
    world = OnceWorld(runs=store)
    store.others.append(lambda: None)
    with pytest.raises(StartedOnceError):
        world.once()
    assert world.listed() == ()
    assert not world.once().is_replayed


def at_once(call: Callable[[], Started], number: int) -> list[Started]:
    gate, answers = threading.Barrier(number), list[Started]()

    def wait_and_call() -> None:
        gate.wait()
        answers.append(call())

    threads = [threading.Thread(target=wait_and_call) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_200_equal_calls_at_once_one_starts_a_run_and_all_are_answered_with_it(world: OnceWorld) -> None:
    answers = at_once(world.once, 200)
    assert len(answers) == 200
    assert sorted(answer.is_replayed for answer in answers) == [False, *[True] * 199]
    [run_id] = {answer.run.run_id for answer in answers}
    assert list(world.engine.started) == [run_id] == [run.run_id for run in world.listed()]


# --- calls of procedures


def keyed(world: JobWorld, once: StartOnce = ONCE, arguments: str = ARGUMENTS, caller: Caller | None = None) -> Started:
    command = world.command(arguments, GIVEN)._replace(once=once)
    return start_once(call_procedure, command, caller or world.caller, world.deps)


def test_a_call_sent_again_is_the_same_job_also_with_the_cache_off() -> None:
    world = JobWorld()
    world.deploy(cache=False)
    first = keyed(world)
    assert keyed(world) == Started(first.run, is_replayed=True)
    assert keyed(world, StartOnce("2", "a")).run.run_id != first.run.run_id
    assert len(world.engine.started) == 2


def test_a_call_that_joined_another_finds_that_one_for_ever() -> None:
    world = JobWorld()
    world.deploy(cache=True)
    first = world.call()
    joined = keyed(world)
    assert (joined.run.run_id, joined.is_replayed) == (first.run_id, False)
    world.complete(first)
    world.deploy(cache=False)
    again = keyed(world)
    assert (again.run.run_id, again.is_replayed) == (first.run_id, True)
    with pytest.raises(IdempotencyKeyReusedError):
        keyed(world, OTHER_REQUEST)
    assert list(world.engine.started) == [first.run_id]


def test_a_call_that_reused_a_table_is_the_same_job_again() -> None:
    world = JobWorld()
    world.complete(world.call())
    reusing = keyed(world)
    assert reusing.run.reused_run_id is not None
    again = keyed(world)
    assert (again.run.run_id, again.run.reused_run_id) == (reusing.run.run_id, reusing.run.reused_run_id)
    assert again.is_replayed


def test_a_call_whose_arguments_do_not_fit_is_a_job_and_the_same_one_again() -> None:
    world = JobWorld()
    refused = keyed(world, arguments="'x', 1, 'y'")
    assert refused.run.status is RunStatus.FAILED
    again = keyed(world, arguments="'x', 1, 'y'")
    assert (again.run.run_id, again.is_replayed) == (refused.run.run_id, True)


def test_a_procedure_that_was_disabled_since_does_not_matter_but_grants_do() -> None:
    world = JobWorld()
    first = keyed(world)
    world.procedures.delete("acme", world.name)
    assert keyed(world).run.run_id == first.run.run_id
    granted = Grants(sources=(SourceGrant("carto_dw", world.name),))
    assert keyed(world, caller=replace(world.caller, grants=granted)).is_replayed
    with pytest.raises(NotGrantedError):
        keyed(world, caller=replace(world.caller, grants=Grants(frozenset({world.version.workflow_id}))))


def test_a_query_that_waits_for_a_call_waits_for_the_job_of_the_first_time() -> None:
    world = JobWorld()
    first = keyed(world).run
    world.complete(first)
    command = world.command(ARGUMENTS, GIVEN)._replace(once=ONCE)
    answer = call_and_wait(command, world.caller, world.deps, seconds=10)
    assert answer.is_replayed
    assert list(world.engine.started) == [first.run_id]


def test_of_50_equal_calls_at_once_with_a_key_and_without_a_cache_one_is_a_job() -> None:
    world = JobWorld()
    world.deploy(cache=False)
    answers = at_once(lambda: keyed(world), 50)
    assert len({answer.run.run_id for answer in answers}) == 1
    assert len(answers) == 50
    assert len(world.engine.started) == 1
