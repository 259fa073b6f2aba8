"""Does SQL tasks, and answers those who wait for rows or for a table."""

import time
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from run_sql_task.answers import Answers
from run_sql_task.engine.limits import limits_for
from run_sql_task.engines import Engines
from run_sql_task.queries import Queries
from run_sql_task.scratch import remove_left_behind
from run_sql_task.settings import AthenaSettings, SqlSettings
from run_sql_task.workflow_output import WorkflowOutput
from stepcall.aws.tables import TableObjects
from stepcall.domain.task_contract import TaskContext, TaskImplementation
from stepcall.domain.task_phases import PreparedQuery
from stepcall.runtime.client_wiring import make_client, s3
from stepcall.runtime.observability import logs_invocation
from stepcall.runtime.settings import DatasetSettings, StoreSettings
from stepcall.runtime.wiring import connections, new_id, now
from stepcall.runtime.worker import task_handler
from stepcall.tasks.sql import SQL_QUERY, WORKFLOW_OUTPUT, QueryInput, QueryOutput

if TYPE_CHECKING:
    from run_sql_task.athena_queries import AthenaQueries

# Lambda gives an instance one task at a time; the local stack gives several, on few processors.
ENGINES = 2


@cache
def engines() -> Engines:
    remove_left_behind()
    return Engines(ENGINES, limits_for(SqlSettings.from_env().memory_mb))


@cache
def table_objects() -> TableObjects:
    return TableObjects(s3, StoreSettings.from_env().data_bucket)


@cache
def answers() -> Answers:
    return Answers(engines(), table_objects(), DatasetSettings.from_env().buckets, time.monotonic)


@cache
def queries() -> Queries:
    return Queries(engines(), table_objects(), connections(), new_id)


@cache
def athena_queries() -> "AthenaQueries":
    """Loaded when first asked for: few deployments have Athena."""
    from run_sql_task.athena_queries import AthenaQueries  # noqa: PLC0415
    from run_sql_task.athena_results import AthenaResults  # noqa: PLC0415
    from stepcall.aws.athena import Athena, AthenaPlace  # noqa: PLC0415

    work_group, database = AthenaSettings.from_env()
    place = AthenaPlace(work_group, database, StoreSettings.from_env().data_bucket)
    service = Athena(make_client("athena"), make_client("glue"), place, now)
    return AthenaQueries(service, AthenaResults(engines(), table_objects()), connections())


def run_query(given: QueryInput, context: TaskContext) -> QueryOutput | PreparedQuery:
    """On the engine that the machine was compiled for: only with Athena there are phases."""
    return athena_queries().run(given, context) if context.phase else queries().run(given, context)


def implementations() -> Mapping[str, TaskImplementation]:
    return {
        SQL_QUERY.name: run_query,
        WORKFLOW_OUTPUT.name: WorkflowOutput(table_objects()).run,
    }


do_task = task_handler(implementations)


@logs_invocation
def answer(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    return answers().answer(event)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | None:
    """A task of a state machine's, or what a face waits for."""
    return answer(event, context) if event.keys() & {"select", "import"} else do_task(event, context)
