"""Contracts of the tasks that `run_sql_task` does."""

from typing import Any

from pydantic import Field

from stepcall.domain.task_contract import TaskContract, TaskInput, TaskKind, TaskOutput, Worker

MAX_QUERY_LENGTH = 65_536
MAX_SHOWN_ROWS = 1000
MAX_SHOWN_BYTES = 1024 * 1024


class QueryInput(TaskInput):
    query: str = Field(
        min_length=1,
        max_length=MAX_QUERY_LENGTH,
        description="One SELECT in BigQuery's dialect, without templates: values are `@name`, tables are datasets of "
        "the connection or named by `sources`.",
    )
    parameters: dict[str, Any] = Field(default_factory=dict, description="The value of each `@name`.")
    sources: dict[str, str] = Field(
        default_factory=dict, description="Tables of earlier tasks, by the name that the query gives them."
    )


class QueryColumn(TaskOutput):
    name: str = Field(description="The column's name.")
    type: str = Field(description="Its type in BigQuery's words, such as INT64.")


class QueryOutput(TaskOutput):
    table: str = Field(description="The table that holds the result: for `sources` of later tasks.")
    row_count: int = Field(description="How many rows the table has.")
    columns: list[QueryColumn] = Field(description="The table's columns.")
    rows: list[dict[str, Any]] = Field(description="The first rows: up to 1,000 of them, as far as 1 MB holds.")
    truncated: bool = Field(description="Whether the table has more rows than `rows`.")


class OutputInput(TaskInput):
    table: str = Field(min_length=1, max_length=1024, description="The table that is the workflow's result.")


class OutputOutput(TaskOutput):
    table: str = Field(description="The name under which the result can be read.")
    content: str = Field(description="The table of this execution that holds it.")


SQL_QUERY = TaskContract(
    name="Sql.Query",
    summary="Runs one SELECT over datasets and the tables of earlier tasks; the result is a table.",
    input_model=QueryInput,
    output_model=QueryOutput,
    worker=Worker.SQL,
    timeout_seconds=310,
    kind=TaskKind.QUERY,
)
WORKFLOW_OUTPUT = TaskContract(
    name="Workflow.Output",
    summary="Says which table is the workflow's result when it is called as a procedure.",
    input_model=OutputInput,
    output_model=OutputOutput,
    worker=Worker.SQL,
    timeout_seconds=310,
)
