"""A workflow that is callable as a procedure, in a world of memory stores: each test plays the state machine."""

from dataclasses import dataclass, field
from typing import Any

from carto_api.call_statement import read_call
from stepcall.domain.access import Caller
from stepcall.domain.connection import DEFAULT_CONNECTION
from stepcall.domain.procedure import Procedure, procedure_name
from stepcall.domain.run import Run
from stepcall.domain.run_table import RunTable
from stepcall.domain.task_contract import TaskContext
from stepcall.domain.workflow import WorkflowVersion
from stepcall.tasks.sql import OutputInput, OutputOutput, QueryInput, QueryOutput
from stepcall.use_cases.call_procedure import CallProcedure, call_procedure
from tests.sample_workflows import Document, declare
from tests.unit.run_world import CALLER, RunWorld

MARK = "0123456789ab"
CLUSTERS: Document = {
    "name": "Clusters",
    "input": [
        declare("number_of_clusters", "integer"),
        declare("buffer_radius", "number", default=500),
        declare("store_type", "string", required=False),
    ],
    "tasks": [
        {
            "ref": "rows",
            "type": "Sql.Query",
            "input": {"query": "SELECT @n AS n", "parameters": {"n": "{{input.number_of_clusters}}"}},
        },
        {"ref": "result", "type": "Workflow.Output", "input": {"table": "{{refs.rows.output.table}}"}},
    ],
}
ARGUMENTS = "@number_of_clusters,@buffer_radius,@store_type"
GIVEN = {"number_of_clusters": 2, "buffer_radius": 500, "store_type": "Supermarket"}


def table_of_run(run: Run) -> RunTable:
    return RunTable(run.run_id, "rows", MARK)


def query_one(_input: QueryInput, context: TaskContext) -> QueryOutput:
    table = RunTable(context.run_id, context.ref, MARK)
    return QueryOutput(table=table.name, row_count=1, columns=[], rows=[{"n": 1}], truncated=False)


def name_output(given: OutputInput, context: TaskContext) -> OutputOutput:
    return OutputOutput(table=context.output_table or given.table, content=given.table)


@dataclass
class JobWorld(RunWorld):
    """`version` is deployed as `procedure`."""

    document: Document = field(default_factory=lambda: CLUSTERS)
    caller: Caller = CALLER

    def __post_init__(self) -> None:
        super().__post_init__()
        self.version: WorkflowVersion = self.define(self.document, self.caller)
        self.name = procedure_name(self.caller.tenant, self.version.workflow_id)
        self.deploy()

    def deploy(self, *, cache: bool = True, version: int = 1, connection: str = DEFAULT_CONNECTION) -> None:
        self.procedures.put(
            Procedure(
                tenant=self.caller.tenant,
                workflow_id=self.version.workflow_id,
                workflow_version=version,
                connection=connection,
                cache=cache,
                enabled_at=self.clock.now(),
            )
        )

    def command(
        self, arguments: str = ARGUMENTS, given: Any = None, connection: str = DEFAULT_CONNECTION
    ) -> CallProcedure:
        query = f"CALL `{self.name}`({arguments})"
        return CallProcedure(connection, query, read_call(query), GIVEN if given is None else given)

    def call(self, arguments: str = ARGUMENTS, given: Any = None, caller: Caller | None = None) -> Run:
        return call_procedure(self.command(arguments, given), caller or self.caller, self.deps)

    def complete(self, run: Run) -> Run:
        self.do_task(run, "rows", query_one)
        self.do_task(run, "result", name_output)
        self.finish(run)
        return self.found(run).run
