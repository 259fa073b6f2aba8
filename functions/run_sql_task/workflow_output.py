"""`Workflow.Output`: it names a table, and copies nothing."""

from run_sql_task.named_tables import own_table
from stepcall.aws.tables import TableObjects
from stepcall.domain.errors import ErrorReason, PermanentTaskError
from stepcall.domain.task_contract import TaskContext
from stepcall.tasks.sql import OutputInput, OutputOutput


class WorkflowOutput:
    def __init__(self, objects: TableObjects) -> None:
        self._objects = objects

    def run(self, given: OutputInput, context: TaskContext) -> OutputOutput:
        """A TaskImplementation."""
        table = own_table(given.table, context)
        if not self._objects.list(table.prefix):
            message = "The table is not there any more: what tasks write is kept 30 days."
            raise PermanentTaskError(ErrorReason.NOT_FOUND, message)
        return OutputOutput(table=context.output_table or table.name, content=table.name)
