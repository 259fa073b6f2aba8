"""The SQL of a definition is checked with the rest of it, before anything is stored."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from stepcall.domain.access import Caller, Grants, SourceGrant
from stepcall.domain.check import check_definition
from stepcall.domain.connection import Column, Connection, Dataset, SqlEngine, default_connection
from stepcall.domain.errors import MAX_PROBLEMS, InvalidDefinitionError, Problem
from stepcall.domain.sql_check import MAX_SQL_LENGTH, OUTPUT_TASK, QUERY_TASK, SqlSetting
from stepcall.tasks.catalog import CATALOG
from stepcall.tasks.sql import SQL_QUERY, WORKFLOW_OUTPUT
from stepcall.use_cases.check_workflow import LateQueryChecker, check_workflow
from stepcall.use_cases.update_workflow import update_workflow
from stepcall.use_cases.validate_workflow import validate_workflow
from tests.sample_workflows import Document, declare, give, transform, workflow
from tests.unit.counted_calls import count_calls
from tests.unit.run_world import CALLER, STRANGER, RunWorld

STORES = (Column("id", "INT64"), Column("city", "STRING"), Column("revenue", "FLOAT64"))
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def query(ref: str, text: Any, **more: Any) -> Document:
    return {"ref": ref, "type": "Sql.Query", "input": {"query": text, **more}}


def output(ref: str, table: str) -> Document:
    return {"ref": ref, "type": "Workflow.Output", "input": {"table": table}}


def setting(connection: str) -> SqlSetting:
    return SqlSetting(LateQueryChecker(), SqlEngine.DUCKDB, {"stores": STORES})


def problems_of(document: Document) -> list[tuple[str, str]]:
    with pytest.raises(InvalidDefinitionError) as refused:
        check_definition(document, CATALOG, setting)
    return [(problem.location, problem.code) for problem in refused.value.problems]


def warnings_of(document: Document) -> list[tuple[str, str]]:
    return [(warning.location, warning.code) for warning in check_definition(document, CATALOG, setting).warnings]


def test_the_domain_calls_the_task_types_what_they_are_called() -> None:
    assert {QUERY_TASK, OUTPUT_TASK} == {SQL_QUERY.name, WORKFLOW_OUTPUT.name}


def test_a_chain_of_queries_is_taken_and_its_engine_is_told() -> None:
    document = workflow(
        query("near", "SELECT id, city FROM stores WHERE revenue > @least", parameters={"least": "{{input.least}}"}),
        query(
            "totals",
            "SELECT city, COUNT(*) AS n FROM near GROUP BY city",
            sources={"near": "{{refs.near.output.table}}"},
        ),
        output("result", "{{refs.totals.output.table}}"),
        inputs=[declare("least", "number")],
        outputs=[
            give("city", "{{refs.totals.output.rows[0].city}}"),
            give("n", "{{refs.totals.output.rows[0].n}}", "integer"),
        ],
    )
    checked = check_definition(document, CATALOG, setting)
    assert (checked.warnings, checked.sql_engine) == ((), SqlEngine.DUCKDB)


def test_a_field_of_a_query_that_its_fallback_does_not_give_is_no_field_of_the_task() -> None:
    instead = {"type": "Data.Transform", "input": {"expression": "$", "data": 1}}
    document = workflow(
        query("near", "SELECT id FROM stores") | {"fallback": instead},
        outputs=[give("ids", "{{refs.near.output.rows}}", "array")],
    )
    assert problems_of(document) == [("/output/0/value", "unknown_output_field")]


def test_columns_are_known_through_a_chain_of_tasks() -> None:
    document = workflow(
        query("a", "SELECT id AS number, city FROM stores"),
        query("b", "SELECT * EXCEPT (city) FROM t", sources={"t": "{{refs.a.output.table}}"}),
        query("c", "SELECT number, city\nFROM t", sources={"t": "{{refs.b.output.table}}"}),
    )
    assert problems_of(document) == [("/tasks/2/input/query", "unknown_column")]


def test_what_templates_name_of_rows_is_checked_by_the_columns() -> None:
    document = workflow(
        query("a", "SELECT id, city FROM stores"),
        transform("b", "{{refs.a.output.rows[0].town}}"),
        outputs=[give("o", "{{refs.a.output.rows[0].id}}"), give("p", "{{refs.a.output.rows[0].city}}")],
    )
    assert problems_of(document) == [
        ("/tasks/1/input/data", "unknown_output_field"),
        ("/output/0/value", "type_mismatch"),
    ]


def test_everything_is_told_at_once_in_the_order_of_the_document() -> None:
    document = workflow(
        query("a", "SELECT nope FROM stores WHERE id = @x AND city = @y", parameters={"x": {}}),
        transform("b", "{{input.missing}}"),
        query("c", "DROP TABLE stores"),
        query("d", "SELECT getenv('x') AS a FROM stores", sources={"s": "{{refs.b.output.result}}"}),
        output("e", "stores"),
        output("f", "{{refs.c.output.table}}"),
    )
    assert problems_of(document) == [
        ("/tasks/0/input/query", "unknown_column"),
        ("/tasks/0/input/query", "unbound_parameter"),
        ("/tasks/0/input/parameters/x", "type_mismatch"),
        ("/tasks/1/input/data", "unknown_input"),
        ("/tasks/2/input/query", "sql_not_select"),
        ("/tasks/3/input/query", "sql_forbidden"),
        ("/tasks/3/input/sources/s", "bad_source"),
        ("/tasks/4/input/table", "bad_source"),
        ("/tasks/5/type", "second_output"),
    ]


def test_a_misspelt_parameter_is_refused_with_the_one_that_was_probably_meant() -> None:
    document = workflow(query("a", "SELECT id FROM stores WHERE id = @leest", parameters={"least": 1}))
    with pytest.raises(InvalidDefinitionError) as refused:
        check_definition(document, CATALOG, setting)
    [problem] = refused.value.problems
    assert problem.message == "Query error: Query parameter `leest` is not given; did you mean `least`? at [1:34]"


def test_who_misses_a_table_hears_on_which_connection() -> None:
    document = {**workflow(query("a", "SELECT 1 AS one FROM orders")), "connection": "sales"}
    with pytest.raises(InvalidDefinitionError) as refused:
        check_definition(document, CATALOG, setting)
    [problem] = refused.value.problems
    said = "There is no table `orders` in `sources` or on the connection `sales`"
    assert problem.message == f"Query error: {said} at [1:22]"


@pytest.mark.parametrize("text", ["{{input.q}}", "SELECT '{{input.q}}' AS a", "SELECT {{{{ {{input.q}}"])
def test_a_query_holds_no_template(text: str) -> None:
    document = workflow(query("a", text), inputs=[declare("q")])
    assert ("/tasks/0/input/query", "sql_not_literal") in problems_of(document)


def test_escaped_braces_are_text_of_the_query() -> None:
    assert warnings_of(workflow(query("a", "SELECT '{{{{x}}' AS a"))) == []


def test_values_and_tables_that_are_never_named_are_warned_of() -> None:
    document = workflow(
        query("a", "SELECT id FROM stores"),
        query("b", "SELECT @used AS u", parameters={"used": 1, "other": 2}, sources={"a": "{{refs.a.output.table}}"}),
    )
    assert warnings_of(document) == [
        ("/tasks/1/input/parameters/other", "unused_parameter"),
        ("/tasks/1/input/sources/a", "unused_source"),
    ]


def test_a_source_hides_a_dataset_of_its_name_and_names_have_no_case() -> None:
    document = workflow(
        query("a", "SELECT 1 AS one"),
        query("b", "SELECT one FROM STORES", sources={"Stores": "{{refs.a.output.table}}"}),
    )
    assert warnings_of(document) == []


def test_parameters_given_as_a_whole_are_not_guessed_at() -> None:
    document = workflow(
        query("a", "SELECT @x AS x FROM stores", parameters="{{input.p}}"), inputs=[declare("p", "object")]
    )
    assert warnings_of(document) == []


def test_what_a_source_may_be() -> None:
    document = workflow(
        query("a", "SELECT 1 AS one"),
        output("o", "{{refs.a.output.table}}"),
        query("ok", "SELECT one FROM x", sources={"x": "{{refs.o.output.content}}"}),
        query("b", "SELECT one FROM x", sources={"x": "{{refs.o.output.table}}"}),
        query("c", "SELECT one FROM x", sources={"x": "run_{{refs.a.output.table}}"}),
        query("d", "SELECT one FROM x", sources={"x": "{{refs.a.output.rows}}"}),
        query("e", "SELECT one FROM x", sources="{{input.s}}"),
        inputs=[declare("s", "object")],
    )
    told = [location for location, code in problems_of(document) if code == "bad_source"]
    assert told == [
        "/tasks/3/input/sources/x",
        "/tasks/4/input/sources/x",
        "/tasks/5/input/sources/x",
        "/tasks/6/input/sources",
    ]


def test_the_later_generation_is_checked_in_its_own_words() -> None:
    document = {
        "title": "later",
        "tasks": [
            {"name": "a", "type": "Sql.Query", "inputs": {"query": "SELECT id FROM stores"}},
            {
                "name": "b",
                "type": "Sql.Query",
                "inputs": {"query": "SELECT city FROM t", "sources": {"t": "{{tasks.a.outputs.table}}"}},
            },
        ],
    }
    assert problems_of(document) == [("/tasks/1/inputs/query", "unknown_column")]


@pytest.mark.parametrize(
    "given",
    [
        {"query": 5},
        {"query": None},
        {"query": ["SELECT 1"]},
        {"query": ""},
        {"query": "x" * 70_000},
        {"query": "SELECT 1", "parameters": 5},
        {"query": "SELECT 1", "parameters": None, "sources": None},
        {"query": "SELECT 1", "sources": ["a"]},
        {"query": "SELECT 1", "sources": {"a": 5}},
        {"query": "{{"},
        {"parameters": {"a": []}},
        "SELECT 1",
    ],
)
def test_whatever_stands_there_is_refused_and_not_stumbled_over(given: Any) -> None:
    assert problems_of(workflow({"ref": "a", "type": "Sql.Query", "input": given}))


@pytest.mark.parametrize("ref", [5, None, [], {}])
def test_a_ref_of_any_kind_is_not_stumbled_over(ref: Any) -> None:
    assert problems_of(workflow({"ref": ref, "type": "Sql.Query", "input": {"query": "SELECT 1 AS a"}}))


def test_many_faulty_queries_are_a_bounded_answer() -> None:
    faulty = "SELECT " + ", ".join(f"n{number}" for number in range(150)) + " FROM stores"  # noqa: S608
    found: list[Problem] = []

    def check() -> None:
        with pytest.raises(InvalidDefinitionError) as refused:
            check_definition(workflow(*(query(f"q{n}", faulty) for n in range(100))), CATALOG, setting)
        found.extend(refused.value.problems)

    assert count_calls(check, at_most=60_000_000) < 60_000_000
    assert len(found) == MAX_PROBLEMS
    assert len(json.dumps([problem.to_json() for problem in found])) < 1_000_000


def test_all_queries_together_have_a_limit() -> None:
    text = "SELECT 1 AS a -- " + "x" * 40_000
    codes = problems_of(workflow(*(query(f"q{n}", text) for n in range(MAX_SQL_LENGTH // len(text) + 1))))
    assert codes == [("/tasks/3/input/query", "too_much_sql")]


class TestWithStores:
    """Which connection and which datasets a definition means is its tenant's affair."""

    def world(self) -> RunWorld:
        world = RunWorld()
        dataset = Dataset(name="stores", key="k", columns=STORES, row_count=1, size=1, created_at=NOW)
        world.connections.put_dataset(CALLER.tenant, "carto_dw", dataset, NOW)
        return world

    def test_datasets_are_those_of_the_tenant(self) -> None:
        world, document = self.world(), workflow(query("a", "SELECT city FROM stores"))
        assert check_workflow(document, CALLER, world.deps).sql_engine is SqlEngine.DUCKDB
        [problem] = validate_workflow(document, STRANGER, world.deps).errors
        assert (problem.location, problem.code) == ("/tasks/0/input/query", "unknown_table")

    def test_an_unknown_connection_is_refused_and_its_tables_are_not(self) -> None:
        document = {**workflow(query("a", "SELECT x FROM anything")), "connection": "warehouse"}
        [problem] = validate_workflow(document, CALLER, self.world().deps).errors
        assert (problem.location, problem.code) == ("/connection", "unknown_connection")

    def test_an_unknown_connection_is_refused_without_sql_too(self) -> None:
        [problem] = validate_workflow({**workflow(), "connection": "warehouse"}, CALLER, self.world().deps).errors
        assert problem.code == "unknown_connection"

    def test_a_workflow_without_sql_has_no_engine(self) -> None:
        assert check_workflow(workflow(), CALLER, self.world().deps).sql_engine is None

    def test_a_connection_of_another_tenant_is_unknown(self) -> None:
        world = self.world()
        name = "warehouse"
        shared = default_connection(STRANGER.tenant)
        world.connections.put(Connection(tenant=STRANGER.tenant, connection_id=shared.connection_id, name=name), [])
        [problem] = validate_workflow({**workflow(), "connection": name}, CALLER, world.deps).errors
        assert problem.code == "unknown_connection"

    @pytest.mark.parametrize(
        ("sources", "code"),
        [
            ([], "unknown_connection"),
            ([("warehouse", "*")], "unknown_connection"),
            ([("carto_dw", "store")], "unknown_table"),
            ([("carto_dw", "p.*")], "unknown_table"),
        ],
    )
    def test_who_is_narrowed_is_told_and_may_use_nothing_of_what_it_is_not_granted(
        self, sources: list[tuple[str, str]], code: str
    ) -> None:
        world = self.world()
        one = world.define(workflow(query("a", "SELECT city FROM stores"))).workflow_id
        caller = narrowed(sources, one)
        for text in ("SELECT city FROM stores", "SELECT nothing FROM stores", "SELECT city FROM no_such"):
            document = workflow(query("a", text))
            assert [each.code for each in validate_workflow(document, caller, world.deps).errors] == [code]
            with pytest.raises(InvalidDefinitionError):
                update_workflow(one, document, caller, world.deps)
        assert world.workflows.get_latest(CALLER.tenant, one).version == 1

    def test_a_connection_that_the_caller_does_not_see_is_told_as_one_that_is_not_there(self) -> None:
        world, caller = self.world(), narrowed([("carto_dw", "*")])
        world.connections.put(replace(default_connection(CALLER.tenant), name="hidden"), [])
        hidden, missing = (
            [str(each) for each in validate_workflow(workflow() | {"connection": name}, caller, world.deps).errors]
            for name in ("hidden", "absent")
        )
        assert len(hidden) == 1
        assert hidden == [text.replace("absent", "hidden") for text in missing]

    @pytest.mark.parametrize("source", ["stores", "st*", "*"])
    def test_who_is_granted_a_dataset_by_its_name_may_query_it(self, source: str) -> None:
        world = self.world()
        one, document = world.define(workflow()).workflow_id, workflow(query("a", "SELECT city FROM stores"))
        stored = update_workflow(one, document, narrowed([("carto_dw", source)], one), world.deps)
        assert stored.version.version == 2

    def test_who_is_narrowed_changes_a_workflow_without_sql_as_before(self) -> None:
        world = self.world()
        one = world.define(workflow()).workflow_id
        assert update_workflow(one, workflow(transform("b")), narrowed([], one), world.deps).version.version == 2


def narrowed(sources: list[tuple[str, str]], *workflows: UUID) -> Caller:
    return replace(CALLER, grants=Grants(frozenset(workflows), tuple(SourceGrant(*each) for each in sources)))
