"""SELECT on output tables, and CALLs that are waited for."""
# ruff: noqa: S608 - the SQL is of the tests' own making

from dataclasses import replace

import pytest

from stepcall.domain.access import Caller, Grants, NotGrantedError, RateLimit, SourceGrant
from stepcall.domain.connection import DEFAULT_LOCATION, Column, default_connection
from stepcall.domain.ids import spell_job
from stepcall.domain.rate_limit import RateLimitedError
from stepcall.domain.run import Run
from stepcall.sql.faults import SqlError
from stepcall.stores.connection_store import ConnectionNotFoundError
from stepcall.use_cases.call_procedure import call_procedure
from stepcall.use_cases.output_tables import TableNotCompleteError, TableNotFoundError
from stepcall.use_cases.query_table import (
    NO_ROWS,
    SECONDS_FOR_ROWS,
    JobFailedError,
    JobNotEndedError,
    Query,
    QueryAnswer,
    TableTimeoutError,
    TableTooLargeError,
    call_and_wait,
    select_rows,
)
from stepcall.use_cases.sql_worker import (
    ResultTooLargeError,
    SqlRefusedError,
    SqlTimeoutError,
    SqlWorkerBusyError,
    TableRows,
)
from tests.sample_workflows import transform, workflow
from tests.unit.job_world import JobWorld, query_one, table_of_run
from tests.unit.run_world import CALLER, STRANGER

ROWS = TableRows([{"n": 1}], [Column("n", "INT64")], 1234)


def by_source(source: str, connection: str = "carto_dw") -> Caller:
    return replace(CALLER, grants=Grants(sources=(SourceGrant(connection, source),)))


def name_of(run: Run) -> str:
    assert run.job
    assert run.job.output_table
    return run.job.output_table


def select(world: JobWorld, table: str, caller: Caller = CALLER, connection: str = "carto_dw") -> QueryAnswer:
    return select_rows(Query(connection, f"SELECT * FROM `{table}` WHERE n = @n", {"n": 1}), caller, world.deps)


def prefix_read(world: JobWorld) -> str:
    _, tables, _ = world.sql_worker.selected[-1]
    [prefix] = tables.values()
    return prefix


def world_with_rows() -> JobWorld:
    world = JobWorld()
    world.sql_worker.rows = ROWS
    return world


def test_a_select_reads_what_the_job_of_the_table_has_written() -> None:
    world = world_with_rows()
    run = world.complete(world.call())
    assert select(world, name_of(run)) == QueryAnswer(ROWS, DEFAULT_LOCATION)
    text, tables, parameters = world.sql_worker.selected[-1]
    assert text == f"SELECT * FROM `{name_of(run)}` WHERE n = @n"
    assert (dict(tables), parameters) == ({name_of(run): table_of_run(run).prefix}, {"n": 1})


def test_a_job_whose_output_task_was_not_done_has_no_table() -> None:
    world = world_with_rows()
    run = world.call()
    world.do_task(run, "rows", query_one)
    world.finish(run)
    with pytest.raises(TableNotFoundError, match="was not done"):
        select(world, name_of(run))


def test_a_select_may_join_tables_of_several_jobs() -> None:
    world = world_with_rows()
    runs = [world.complete(world.call(f"{number}, 1, 'x'", {})) for number in range(2)]
    first, second = map(name_of, runs)
    text = f"WITH a AS (SELECT * FROM `{first}`) SELECT * FROM a JOIN `{second}` AS b USING (n)"
    select_rows(Query("carto_dw", text, []), CALLER, world.deps)
    assert set(world.sql_worker.selected[-1][1]) == {first, second}


def test_a_table_is_read_by_who_is_granted_it_on_that_connection() -> None:
    world = world_with_rows()
    name = name_of(world.complete(world.call()))
    for caller in (CALLER, by_source(name), by_source(f"{world.name}*"), by_source(world.name)):
        assert select(world, name, caller).rows == ROWS
    selected = len(world.sql_worker.selected)
    for caller in (by_source(name, "other"), by_source(name[:-1]), by_source(f"{world.name[:-1]}0")):
        with pytest.raises(NotGrantedError):
            select(world, name, caller)
    with pytest.raises(TableNotFoundError):
        select(world, name, STRANGER)
    assert len(world.sql_worker.selected) == selected


def test_who_may_call_a_procedure_reads_its_tables_on_that_connection_and_no_others() -> None:
    world = world_with_rows()
    run = world.complete(world.call())
    calls_it = by_source(world.name)
    assert select(world, name_of(run), calls_it).rows == ROWS
    another = world.name[:-16] + "0" * 16
    beside = (f"{another}_out_{'0' * 16}", f"{world.name}_out_x", f"{world.name}_out_{'0' * 16}_out_{'0' * 16}")
    for name in beside:
        with pytest.raises(NotGrantedError):
            select(world, name, calls_it)
    for caller in (by_source(world.name, "other"), by_source(another), by_source(world.name[:-1])):
        with pytest.raises(NotGrantedError):
            select(world, name_of(run), caller)


def test_a_job_token_reads_the_table_of_its_own_job_and_no_other() -> None:
    world = world_with_rows()
    run, other = world.complete(world.call()), world.complete(world.call("3, 1, 'x'", {}))
    reused = world.call()
    for job in (run, reused):
        assert select(world, name_of(run), replace(CALLER, run_id=job.run_id)).rows == ROWS
        assert prefix_read(world) == table_of_run(run).prefix
    for token in (replace(CALLER, run_id=other.run_id), replace(by_source("*"), run_id=other.run_id)):
        with pytest.raises(NotGrantedError):
            select(world, name_of(run), token)


def test_a_table_is_found_on_its_own_connection_only() -> None:
    world = world_with_rows()
    name = name_of(world.complete(world.call()))
    world.connections.put(replace(default_connection("acme"), name="warehouse"), [])
    with pytest.raises(TableNotFoundError):
        select(world, name, connection="warehouse")
    with pytest.raises(ConnectionNotFoundError):
        select(world, name, connection="nothing")


def test_who_is_narrowed_cannot_tell_a_hidden_connection_from_none() -> None:
    world = world_with_rows()
    run = world.complete(world.call())
    world.connections.put(replace(default_connection("acme"), name="warehouse"), [])
    for caller in (replace(CALLER, run_id=run.run_id), by_source("*"), by_source("*", "other")):
        for text in (f"SELECT * FROM `{name_of(run)}`", "SELECT * FROM stores", "SELECT 1 AS a"):
            for connection in ("warehouse", "nothing"):
                with pytest.raises(NotGrantedError):
                    select_rows(Query(connection, text, {}), caller, world.deps)
    assert world.sql_worker.selected == []


def test_who_is_narrowed_names_a_table() -> None:
    world = world_with_rows()
    run, query = world.complete(world.call()), Query("carto_dw", "SELECT * FROM UNNEST([1]) AS n", {})
    assert select_rows(query, CALLER, world.deps).rows == ROWS
    for caller in (replace(CALLER, run_id=run.run_id), by_source("*")):
        with pytest.raises(NotGrantedError):
            select_rows(query, caller, world.deps)


def test_a_select_counts_as_a_start() -> None:
    world = world_with_rows()
    name = name_of(world.complete(world.call()))
    caller = replace(CALLER, key_id="key_1", rate_limit=RateLimit(1, 2))
    select(world, name, caller)
    with pytest.raises(SqlError):
        select_rows(Query("carto_dw", "DROP TABLE x", {}), caller, world.deps)
    for ask in (lambda: select(world, name, caller), lambda: call_procedure(world.command(), caller, world.deps)):
        with pytest.raises(RateLimitedError):
            ask()
    world.clock.sleep(1)
    assert select(world, name, caller).rows == ROWS


def test_what_is_no_output_table_is_not_found_whatever_it_is() -> None:
    world = world_with_rows()
    run = world.complete(world.call())
    for name in ("stores", table_of_run(run).name, world.name, name_of(run)[:-1] + "x"):
        with pytest.raises(TableNotFoundError):
            select(world, name)
    assert world.sql_worker.selected == []


def test_a_table_is_not_complete_before_its_job_is_done() -> None:
    world = world_with_rows()
    run = world.call()
    with pytest.raises(TableNotCompleteError, match=f"its job {spell_job(run.run_id)} is PENDING"):
        select(world, name_of(run))
    with pytest.raises(TableNotCompleteError):
        select(world, name_of(run), replace(CALLER, run_id=run.run_id))
    world.finish(run, "States.Timeout")
    with pytest.raises(TableNotCompleteError, match=f"{spell_job(run.run_id)} is DONE with .* call it again"):
        select(world, name_of(run))


def test_a_dataset_is_told_apart_from_the_tables_that_can_be_read() -> None:
    with pytest.raises(TableNotFoundError, match="only output tables can be read here"):
        select_rows(Query("carto_dw", "SELECT * FROM orders", {}), CALLER, world_with_rows().deps)


def test_while_a_table_is_written_again_it_shows_what_it_held() -> None:
    world = world_with_rows()
    world.deploy(cache=False)
    first = world.complete(world.call())
    second = world.call()
    select(world, name_of(first))
    assert prefix_read(world) == table_of_run(first).prefix
    world.finish(second, "States.Timeout")
    third = world.call()
    select(world, name_of(first))
    assert prefix_read(world) == table_of_run(first).prefix
    world.complete(third)
    select(world, name_of(first))
    assert prefix_read(world) == table_of_run(third).prefix


def test_a_job_that_is_done_can_be_read_while_another_writes_its_table_again() -> None:
    world = world_with_rows()
    world.deploy(cache=False)
    first, _, _ = world.call(), world.call(), world.call()
    with pytest.raises(TableNotCompleteError, match="PENDING"):
        select(world, name_of(first))
    world.complete(first)
    select(world, name_of(first))
    assert prefix_read(world) == table_of_run(first).prefix


def test_a_table_is_there_for_thirty_days() -> None:
    world = world_with_rows()
    run = world.complete(world.call())
    world.clock.sleep(30 * 24 * 3600 - 10)
    assert select(world, name_of(run)).rows == ROWS
    world.clock.sleep(10)
    with pytest.raises(TableNotFoundError):
        select(world, name_of(run))


@pytest.mark.parametrize("text", ["DROP TABLE x", "SELECT 1; SELECT 2", "SELECT * FROM read_csv('/etc/passwd')"])
def test_what_is_no_select_is_refused_before_anything_is_read(text: str) -> None:
    world = world_with_rows()
    with pytest.raises(SqlError, match=r"^Query error: .* at \[1:\d+\]$"):
        select_rows(Query("carto_dw", text, {}), CALLER, world.deps)
    assert world.sql_worker.selected == []


@pytest.mark.parametrize(
    "error", [SqlRefusedError("no"), ResultTooLargeError("large"), SqlTimeoutError("slow"), SqlWorkerBusyError("busy")]
)
def test_what_the_worker_refuses_is_handed_on(error: Exception) -> None:
    world = world_with_rows()
    run = world.complete(world.call())
    world.sql_worker.rows = error
    with pytest.raises(type(error)):
        select(world, name_of(run))


def test_a_call_that_is_waited_for_answers_the_rows_of_its_table() -> None:
    world = world_with_rows()
    world.complete(world.call())
    answer = call_and_wait(world.command(), CALLER, world.deps, seconds=5)
    assert (answer.rows, answer.is_reused) == (ROWS, True)
    text, tables, _ = world.sql_worker.selected[-1]
    [name] = tables
    assert answer.table == name
    assert text == f"SELECT * FROM `{name}`"


@pytest.mark.parametrize(
    ("raised", "told"),
    [(ResultTooLargeError("large"), TableTooLargeError), (SqlTimeoutError("slow"), TableTimeoutError)],
)
def test_a_call_whose_rows_cannot_be_answered_is_told_their_table(
    raised: Exception, told: type[TableTooLargeError | TableTimeoutError]
) -> None:
    world = world_with_rows()
    run = world.complete(world.call())
    world.sql_worker.rows = raised
    with pytest.raises(told) as answer:
        call_and_wait(world.command(), CALLER, world.deps, seconds=5)
    assert answer.value.table == name_of(run)


def test_a_call_of_a_workflow_without_a_table_answers_no_rows() -> None:
    world = JobWorld(document=workflow(transform("only")))

    def end_it() -> None:
        [found] = vars(world.runs)["_runs"].values()
        world.do_task(found.run, "only")
        world.finish(found.run)

    world.engine.on_start = end_it
    assert call_and_wait(world.command("", {}), CALLER, world.deps, seconds=5).rows == NO_ROWS
    assert world.sql_worker.selected == []


def test_the_rows_have_the_time_that_the_job_has_left() -> None:
    world = world_with_rows()

    def take_twelve_seconds() -> None:
        world.clock.sleep(12)
        [found] = vars(world.runs)["_runs"].values()
        world.complete(found.run)

    world.engine.on_start = take_twelve_seconds
    begun = world.clock.monotonic()
    call_and_wait(world.command(), CALLER, world.deps, seconds=25)
    took = world.clock.monotonic() - begun
    assert took > 12
    assert world.sql_worker.seconds == [pytest.approx(25 - took, abs=0.1)]


def test_a_call_that_takes_longer_is_told_as_the_job_that_goes_on() -> None:
    world = JobWorld()
    before = world.clock.now()
    with pytest.raises(JobNotEndedError) as told:
        call_and_wait(world.command(), CALLER, world.deps, seconds=25)
    assert told.value.run.run_id in world.engine.started
    assert (world.clock.now() - before).total_seconds() == pytest.approx(25 - SECONDS_FOR_ROWS)


def test_a_call_that_fails_says_why() -> None:
    world = JobWorld()
    with pytest.raises(JobFailedError, match=r"^Query error: Cannot coerce literal to type INT64 at \[1:\d+\]$"):
        call_and_wait(world.command("'x', 1, 'y'", {}), CALLER, world.deps, seconds=5)
