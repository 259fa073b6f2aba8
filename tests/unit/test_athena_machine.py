"""Queries on a connection with the engine athena: the states they become, and what stands in them."""

import json
from typing import Any
from uuid import UUID

import pytest

from stepcall.asl.check import check_state_machine
from stepcall.asl.compiler import compile_workflow
from stepcall.asl.limits import limits_of
from stepcall.domain.check import check_definition
from stepcall.domain.connection import SqlEngine
from stepcall.domain.errors import InvalidDefinitionError
from stepcall.domain.workflow import WorkflowVersion
from stepcall.tasks.catalog import CATALOG
from stepcall.use_cases.compile_version import MachineCompiler
from stepcall.use_cases.engine import EngineUnavailableError
from tests.clock import Clock
from tests.unit.run_world import ARNS

GROUP = "stepcall-queries"
SECRET_TEXT, SECRET_VALUE = "hush_column", "hush-value"
DOCUMENT: dict[str, Any] = {
    "name": "Two queries",
    "connection": "athena_dw",
    "input": [{"name": "city", "type": "string", "default": SECRET_VALUE}],
    "tasks": [
        {
            "ref": "one",
            "type": "Sql.Query",
            "input": {"query": "SELECT hush_column FROM d WHERE c = @c", "parameters": {"c": "{{input.city}}"}},
        },
        {"ref": "out", "type": "Workflow.Output", "input": {"table": "{{refs.one.output.table}}"}},
    ],
}
DEFINITION = check_definition(DOCUMENT, CATALOG).definition


def machine(work_group: str | None = GROUP) -> Any:
    return json.loads(compile_workflow(DEFINITION, CATALOG, ARNS, work_group).definition)


def version(engine: SqlEngine | None, number: int = 1) -> WorkflowVersion:
    return WorkflowVersion(UUID(int=1), number, "acme", DEFINITION, Clock().now(), sql_engine=engine)


def test_a_query_is_prepared_executed_and_recorded_and_other_tasks_stay_as_they_are() -> None:
    states = machine()["States"]
    assert list(states) == ["one", "one query", "one result", "out", "Finish run", "Fail run", "Run failed"]
    assert [states[name].get("Next") for name in ("one", "one query", "one result", "out")] == [
        *("one query", "one result", "out", "Finish run")
    ]
    assert states["out"] == machine(None)["States"]["out"]


def test_what_waits_for_the_query_is_step_functions() -> None:
    query = machine()["States"]["one query"]
    assert query["Resource"] == "arn:aws:states:::athena:startQueryExecution.sync"
    assert query["Parameters"] == {
        "QueryString.$": "States.Format('EXECUTE {}', $.query.statement)",
        "WorkGroup": GROUP,
        "ClientRequestToken.$": "$.query.statement",
    }


def test_a_query_that_fails_is_recorded_by_its_own_task() -> None:
    states = machine()["States"]
    assert states["one query"]["Catch"] == [
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.query.error", "Next": "one result"}
    ]
    assert states["one result"]["Catch"] == states["one"]["Catch"]
    assert states["one result"]["Parameters"]["Payload"]["query.$"] == "$.query"


def test_neither_the_query_nor_a_value_stands_in_the_machine() -> None:
    text = json.dumps(machine())
    assert SECRET_TEXT not in text
    assert SECRET_VALUE not in text


def test_the_machine_is_sound_and_costs_two_transitions_more_for_each_query() -> None:
    plain, on_athena = (compile_workflow(DEFINITION, CATALOG, ARNS, group) for group in (None, GROUP))
    check_state_machine(json.loads(on_athena.definition))
    assert (plain.transitions, on_athena.transitions) == (3, 5)
    assert on_athena.history_events > plain.history_events
    assert on_athena.content_hash != plain.content_hash


def test_the_price_counts_athenas_state_as_a_transition_and_not_as_an_invocation() -> None:
    plain, on_athena = (
        limits_of(compile_workflow(DEFINITION, CATALOG, ARNS, group), DEFINITION) for group in (None, GROUP)
    )
    two_transitions, one_invocation = 2 * 25.0, 0.20
    assert on_athena.usd_per_million_runs - plain.usd_per_million_runs == pytest.approx(
        two_transitions + one_invocation,
        abs=0.011,  # each price is rounded to a cent
    )


def test_a_version_is_compiled_for_the_engine_that_it_was_defined_on() -> None:
    compiler = MachineCompiler(CATALOG, ARNS, GROUP)
    assert json.loads(compiler(version(SqlEngine.ATHENA)).definition) == machine()
    assert json.loads(compiler(version(SqlEngine.DUCKDB, 2)).definition) == machine(None)
    assert json.loads(compiler(version(None, 3)).definition) == machine(None)


def test_where_athena_was_taken_away_nothing_of_it_starts_and_nothing_new_is_defined() -> None:
    compiler = MachineCompiler(CATALOG, ARNS)
    with pytest.raises(EngineUnavailableError, match="Athena=true"):
        compiler(version(SqlEngine.ATHENA))
    with pytest.raises(InvalidDefinitionError) as refused:
        compiler.try_out(DEFINITION, SqlEngine.ATHENA)
    [problem] = refused.value.problems
    assert (problem.location, problem.code) == ("/connection", "no_athena")
