"""Call a procedure: what is refused, what is stored, what is executed, reused and joined."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from stepcall.domain.access import Caller, Grants, NotGrantedError, RateLimit, SourceGrant
from stepcall.domain.connection import default_connection
from stepcall.domain.idempotency import StartOnce
from stepcall.domain.procedure import output_table_name
from stepcall.domain.rate_limit import RateLimitedError
from stepcall.domain.run import Run, RunStatus, TableClaim, TaskStatus
from stepcall.stores.connection_store import ConnectionNotFoundError
from stepcall.stores.memory_run_store import MemoryRunStore
from stepcall.stores.procedure_store import ProcedureNotFoundError
from stepcall.stores.run_store import TableClaimedError
from stepcall.use_cases.call_procedure import TableBusyError, call_procedure
from stepcall.use_cases.cancel_run import cancel_run
from stepcall.use_cases.read_run import read_run
from stepcall.use_cases.start_run import StartRun, start_run
from tests.sample_workflows import declare, transform, workflow
from tests.unit.job_world import ARGUMENTS, GIVEN, JobWorld, query_one
from tests.unit.run_world import CALLER, STRANGER


def granted(*sources: tuple[str, str]) -> Caller:
    return replace(CALLER, grants=Grants(sources=tuple(SourceGrant(*source) for source in sources)))


def stored(world: JobWorld) -> list[Run]:
    return [found.run for found in vars(world.runs)["_runs"].values()]


def test_a_call_stores_a_pending_run_that_knows_how_it_was_called() -> None:
    world = JobWorld()
    run = world.call()
    assert world.found(run).run == run
    assert (run.status, run.tenant, run.principal, run.workflow_version) == ("PENDING", "acme", "ci", 1)
    assert world.value(run.input) == GIVEN
    assert list(world.engine.started) == [run.run_id]
    assert run.job
    assert run.job.query == f"CALL `{world.name}`({ARGUMENTS})"
    assert (run.job.connection, run.job.location) == ("carto_dw", "US")
    assert run.job.connection_id == default_connection("acme").connection_id
    assert run.job.output_table == output_table_name(world.name, GIVEN)


def test_arguments_are_positional_and_null_is_the_default() -> None:
    world = JobWorld()
    run = world.call("-2, NULL, @type", {"type": None})
    assert world.value(run.input) == {"number_of_clusters": -2, "buffer_radius": 500, "store_type": None}
    by_position = world.call("?, ?, 'Kiosk'", [3, 0.5])
    assert world.value(by_position.input) == {"number_of_clusters": 3, "buffer_radius": 0.5, "store_type": "Kiosk"}


def test_the_same_values_have_one_table_however_they_are_given() -> None:
    world = JobWorld()
    runs = [
        world.call(),
        world.call("2, 500.0, 'Supermarket'", {}),
        world.call("?, NULL, ?", [2.0, "Supermarket"]),
        world.call("@Number_Of_Clusters, 500, @store_type", {"number_of_clusters": 2, "store_type": "Supermarket"}),
    ]
    assert {run.run_id for run in runs} == {runs[0].run_id}
    assert world.value(runs[0].input) == GIVEN
    assert type(world.value(world.call("7, 8.0, 'x'", {}).input)["buffer_radius"]) is int
    other = world.call("3, 500, 'Supermarket'", {})
    assert other.job
    assert runs[0].job
    assert other.job.output_table != runs[0].job.output_table


NAMES = "number_of_clusters, buffer_radius, store_type"
REFUSED: list[tuple[str, Any, str]] = [
    (
        ARGUMENTS,
        GIVEN | {"number_of_clusters": "two"},
        "Cannot coerce expression @number_of_clusters to type INT64 at [1:52]",
    ),
    (ARGUMENTS, GIVEN | {"buffer_radius": "500"}, "Cannot coerce expression @buffer_radius to type FLOAT64 at [1:72]"),
    (ARGUMENTS, GIVEN | {"store_type": 5}, "Cannot coerce expression @store_type to type STRING at [1:87]"),
    ("'two', 1, 'x'", {}, "Cannot coerce literal to type INT64 at [1:52]"),
    ("1e25, 1, 'x'", {}, "Cannot coerce literal to type INT64 at [1:52]"),
    ("2.5, 1, 'x'", {}, "Cannot coerce literal to type INT64 at [1:52]"),
    (
        ARGUMENTS,
        GIVEN | {"number_of_clusters": -(2**63) - 1},
        "Cannot coerce expression @number_of_clusters to type INT64 at [1:52]",
    ),
    ("1,\n ?, 'x'", ["y"], "Cannot coerce query parameter number 1 to type FLOAT64 at [2:2]"),
    ("NULL, 1, 'x'", {}, "Argument 'number_of_clusters' must not be NULL, for it has no default at [1:52]"),
    ("@a, 1, 'x'", {}, "Query parameter 'a' not found at [1:52]"),
    ("@a, 1, 'x'", [1], "Query parameter 'a' not found (queryParameters must be an object for @name) at [1:52]"),
    ("1, ?, ?", ["x"], "Query parameter number 2 not found at [1:58]"),
    ("1, ?, ?", {"x": 1}, "Query parameter number 1 not found (queryParameters must be an array for ?) at [1:55]"),
    ("1, 2", {}, f"The procedure takes 3 arguments ({NAMES}) and is called with 2 at [1:56]"),
    ("1, 2, 'x', 4", {}, f"The procedure takes 3 arguments ({NAMES}) and is called with 4 at [1:63]"),
    ("", {}, f"The procedure takes 3 arguments ({NAMES}) and is called with 0 at [1:52]"),
    ("1, 2, 'x'", {"y": 1}, "Query parameter 'y' is never used at [1:61]"),
    ("1, 2, ?", ["x", "y"], "Query parameter number 2 is never used at [1:59]"),
]


@pytest.mark.parametrize(("arguments", "given", "message"), REFUSED)
def test_arguments_that_do_not_fit_make_a_job_that_has_failed(arguments: str, given: Any, message: str) -> None:
    world = JobWorld()
    column = len(f"CALL `{world.name}`(") + 1
    run = world.call(arguments, given)
    assert world.found(run).run == run
    assert run.status is RunStatus.FAILED
    assert run.completed_at == world.clock.now()
    assert run.error
    assert run.job
    expected = _moved(message, column - 52)
    assert run.error.to_json() == {
        "reason": "invalidQuery",
        "location": "query",
        "message": f"Query error: {expected}",
    }
    assert run.job.output_table is None
    assert world.engine.started == {}


def _moved(message: str, by: int) -> str:
    """The table is written for a procedure whose arguments begin in column 52."""
    head, _, place = message.rpartition(" at [")
    line, column = place.rstrip("]").split(":")
    return f"{head} at [{line}:{int(column) + (by if line == '1' else 0)}]"


@pytest.mark.parametrize("sent", [-(2**63), 2**63 - 1, 2.0, 1e18])
def test_an_integer_is_one_in_the_run_however_it_was_written(sent: float) -> None:
    world = JobWorld()
    value = world.payloads.get(world.call(given=GIVEN | {"number_of_clusters": sent}).input)["number_of_clusters"]
    assert (value, type(value)) == (int(sent), int)


def test_an_argument_that_breaks_its_schema_is_refused_with_the_place_in_it() -> None:
    schema = {"type": "object", "properties": {"k": {"type": "integer", "minimum": 1}}, "required": ["k"]}
    document = workflow(transform("only"), inputs=[declare("options", "object", schema=schema)])
    world = JobWorld(document=document)
    assert world.call("@o", {"o": {"k": 1}}).status is RunStatus.PENDING
    failed = world.call("JSON '{\"k\": 0}'", {}).error
    assert failed
    assert failed.message.startswith("Query error: Argument 'options' does not fit its schema at `/k`: ")
    assert failed.message.endswith(f" at [1:{len(f'CALL `{world.name}`(') + 1}]")


def test_an_argument_that_cannot_be_stored_is_refused() -> None:
    world = JobWorld(document=workflow(transform("only"), inputs=[declare("x", "array")]))
    deep: list[Any] = []
    for _ in range(200):
        deep = [deep]
    for value in (deep, [10**5000]):
        run = world.call("@x", {"x": value})
        assert run.error
        assert "nests too deep or is too long a number at [" in run.error.message


def test_an_unknown_connection_procedure_or_tenant_is_not_found_and_nothing_is_stored() -> None:
    world = JobWorld()
    with pytest.raises(ConnectionNotFoundError):
        call_procedure(world.command(connection="other"), CALLER, world.deps)
    with pytest.raises(ProcedureNotFoundError):
        world.call(caller=STRANGER)
    strange = world.command()
    for name in ("p", world.name + "0", "x" * 5000, world.name.replace("wfproc", "WFPROC")):
        with pytest.raises(ProcedureNotFoundError):
            call_procedure(strange._replace(call=strange.call._replace(procedure=name)), CALLER, world.deps)
    world.connections.put(replace(default_connection("acme"), name="warehouse"), [])
    with pytest.raises(ProcedureNotFoundError):
        call_procedure(world.command(connection="warehouse"), CALLER, world.deps)
    world.procedures.delete("acme", world.name)
    with pytest.raises(ProcedureNotFoundError):
        world.call()
    assert stored(world) == []


def test_a_caller_with_grants_needs_the_procedure_on_that_connection() -> None:
    world = JobWorld()
    project = world.name.partition(".")[0]
    for source in (world.name, f"{project}.workflows_temp.*", "*"):
        assert world.call(caller=granted(("carto_dw", source))).run_id in world.engine.started
    started = len(stored(world))
    for caller in (
        granted(),
        granted(("other", "*")),
        granted(("carto_dw", world.name[:-1])),
        replace(CALLER, grants=Grants(workflows=frozenset({world.version.workflow_id}))),
        replace(CALLER, run_id=world.deps.new_id()),
    ):
        with pytest.raises(NotGrantedError):
            world.call(caller=caller)
    assert len(stored(world)) == started


def test_calls_over_the_limit_are_refused_whether_they_fit_or_not() -> None:
    world = JobWorld()
    limited = replace(CALLER, key_id="key_one", rate_limit=RateLimit(per_second=10, burst=2))
    world.call(caller=limited)
    world.call("1", {}, caller=limited)
    with pytest.raises(RateLimitedError):
        world.call(caller=limited)


def test_an_equal_call_that_is_under_way_is_joined() -> None:
    world = JobWorld()
    first = world.call()
    assert world.call() == first
    world.do_task(first, "rows", query_one)
    joined = world.call(caller=replace(CALLER, principal="other"))
    assert (joined.run_id, joined.status) == (first.run_id, RunStatus.RUNNING)
    assert list(world.engine.started) == [first.run_id]


def test_an_equal_call_later_shows_the_output_and_executes_nothing() -> None:
    world = JobWorld()
    first = world.complete(world.call())
    world.clock.sleep(60)
    reused = world.call(caller=replace(CALLER, principal="other"))
    assert world.found(reused).run == reused
    assert (reused.status, reused.principal, reused.reused_run_id) == (RunStatus.COMPLETED, "other", first.run_id)
    assert reused.created_at == reused.completed_at == world.clock.now()
    assert reused.output == first.output
    assert reused.job == first.job
    assert list(world.engine.started) == [first.run_id]
    view = read_run(reused.run_id, CALLER, world.deps)
    assert [task.status for task in view.tasks] == [TaskStatus.SKIPPED, TaskStatus.SKIPPED]
    third = world.call()
    assert third.reused_run_id == first.run_id


def test_a_failed_or_cancelled_call_is_executed_again() -> None:
    world = JobWorld()
    failed = world.call()
    world.finish(failed, "States.Timeout")
    second = world.call()
    cancel_run(second.run_id, CALLER, world.deps)
    third = world.call()
    assert list(world.engine.started) == [failed.run_id, second.run_id, third.run_id]


def test_with_the_cache_off_every_call_is_executed() -> None:
    world = JobWorld()
    world.deploy(cache=False)
    first, second = world.call(), world.call()
    world.complete(second)
    third = world.call()
    assert list(world.engine.started) == [first.run_id, second.run_id, third.run_id]
    claim = claim_of(world, first)
    assert (claim.run_id, claim.complete_run_id) == (third.run_id, second.run_id)


def claim_of(world: JobWorld, run: Run) -> TableClaim:
    table = run.job.output_table if run.job else None
    claim = world.runs.get_claim("acme", table or "")
    assert claim
    return claim


def test_another_version_of_the_workflow_is_computed_anew_and_the_old_table_shown_meanwhile() -> None:
    world = JobWorld()
    first = world.complete(world.call())
    world.workflows.put_next(replace(world.version, version=2), world.version)
    world.deploy(version=2)
    second = world.call()
    assert (second.workflow_version, second.reused_run_id) == (2, None)
    assert second.job == first.job
    assert claim_of(world, second).complete_run_id == first.run_id


@pytest.mark.parametrize(("age", "is_reused"), [(timedelta(days=28, hours=23), True), (timedelta(days=29), False)])
def test_a_table_that_will_be_gone_tomorrow_is_computed_anew(age: timedelta, is_reused: bool) -> None:
    world = JobWorld()
    first = world.call()
    world.complete(first)
    world.clock.time = first.created_at + age
    assert (world.call().reused_run_id == first.run_id) is is_reused


def test_what_was_computed_before_the_datasets_changed_is_computed_anew() -> None:
    world = JobWorld()
    world.connections.put(replace(default_connection("acme"), changed_at=world.clock.now()), [])
    world.clock.sleep(1)
    first = world.complete(world.call())
    assert world.call().reused_run_id == first.run_id
    world.connections.touch("acme", "carto_dw", world.clock.now())
    assert world.call().reused_run_id is None


def test_a_call_under_way_that_began_before_the_datasets_changed_is_not_joined() -> None:
    world = JobWorld()
    first = world.call()
    world.clock.sleep(1)
    world.connections.touch("acme", "carto_dw", world.clock.now())
    world.clock.sleep(1)
    second = world.call()
    assert world.call() == second
    assert list(world.engine.started) == [first.run_id, second.run_id]


def test_values_that_share_a_tables_name_do_not_share_its_rows() -> None:
    """The name is made of values joined by commas, and these hold some."""
    document = workflow(
        {"ref": "rows", "type": "Sql.Query", "input": {"query": "SELECT 1 AS n"}},
        {"ref": "result", "type": "Workflow.Output", "input": {"table": "{{refs.rows.output.table}}"}},
        inputs=[declare("a"), declare("b")],
    )
    world = JobWorld(document=document)
    first = world.complete(world.call("'x,y', 'z'", {}))
    second = world.call("'x', 'y,z'", {})
    assert first.job
    assert second.job
    assert first.job.output_table == second.job.output_table
    assert second.run_id in world.engine.started
    assert claim_of(world, second).complete_run_id is None


def test_without_a_workflow_output_there_is_no_table_no_cache_and_no_joining() -> None:
    world = JobWorld(document=workflow(transform("only"), inputs=[declare("x")]))
    runs = [world.call("'a'", {}) for _ in range(3)]
    assert [run.job.output_table for run in runs if run.job] == [None] * 3
    assert list(world.engine.started) == [run.run_id for run in runs]


def test_a_run_that_another_face_started_is_neither_joined_nor_reused() -> None:
    world = JobWorld()
    native = start_run(StartRun(world.version.workflow_id, GIVEN), CALLER, world.deps)
    assert world.call().run_id != native.run_id


def test_a_call_that_step_functions_did_not_take_waits_and_who_has_joined_it_gets_its_end() -> None:
    world = JobWorld()
    world.engine.is_down = True
    first, joined = world.call(), world.call()
    assert (first.status, joined.run_id) == (RunStatus.PENDING, first.run_id)
    world.engine.is_down = False
    assert world.engine.started == {}
    world.sweep(after=61)
    assert list(world.engine.started) == [first.run_id]
    world.complete(first)
    assert world.call().reused_run_id == first.run_id


def test_a_call_that_step_functions_refused_has_failed_and_the_next_one_is_executed() -> None:
    world = JobWorld()
    world.engine.fault = PermissionError("AccessDeniedException")
    with pytest.raises(PermissionError):
        world.call()
    world.engine.fault = None
    [failed] = stored(world)
    assert failed.status is RunStatus.FAILED
    assert world.call().run_id in world.engine.started


def test_a_claim_whose_run_is_no_more_is_taken_over() -> None:
    world = JobWorld()
    first = world.complete(world.call())
    del vars(world.runs)["_runs"][first.run_id]
    second = world.call()
    assert second.run_id in world.engine.started
    assert claim_of(world, second).complete_run_id is None


class OutrunStore(MemoryRunStore):
    """Somebody else has always just claimed the table."""

    def put_with_claim(self, run: Run, claim: TableClaim, *, seen: UUID | None, once: StartOnce | None = None) -> None:
        raise TableClaimedError("Outrun.")


def test_a_call_that_is_always_outrun_gives_up_and_leaves_nothing_behind() -> None:
    world = JobWorld(runs=OutrunStore())
    before = world.clock.now()
    with pytest.raises(TableBusyError):
        world.call()
    assert stored(world) == []
    assert world.clock.now() - before < timedelta(seconds=10)


def call_at_once(world: JobWorld, number: int) -> list[Run | Exception]:
    gate, answers = threading.Barrier(number), list[Run | Exception]()

    def call() -> None:
        gate.wait()
        try:
            answers.append(world.call())
        except Exception as exc:  # the test looks at every one
            answers.append(exc)

    threads = [threading.Thread(target=call) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_fifty_equal_calls_at_once_one_executes() -> None:
    world = JobWorld()
    answers = call_at_once(world, 50)
    assert len(world.engine.started) == 1
    assert {answer.run_id for answer in answers if isinstance(answer, Run)} == set(world.engine.started)
    assert len(answers) == 50
    assert len(stored(world)) == 1


def test_of_fifty_equal_calls_at_once_with_the_cache_off_each_executes() -> None:
    world = JobWorld()
    world.deploy(cache=False)
    answers = call_at_once(world, 50)
    started = {answer.run_id for answer in answers if isinstance(answer, Run)}
    assert set(world.engine.started) == started
    assert all(isinstance(answer, Run | TableBusyError) for answer in answers)
    assert len(stored(world)) == len(started) > 1


def test_what_a_caller_has_sent_is_in_no_log() -> None:
    world = JobWorld()
    world.call("'a-secret-value', @x, 'y'", {"x": "another-secret"})
    world.complete(world.call(given=GIVEN | {"store_type": "a-secret-store"}))
    world.call(given=GIVEN | {"store_type": "a-secret-store"})
    assert {"call_refused", "output_reused"} <= set(world.events())
    assert "secret" not in str(world.logged)
