"""Step Functions' `athena:startQueryExecution.sync`, of which moto's interpreter knows nothing.

A stop of the execution stops the query, as AWS does. A query that failed is `States.TaskFailed`, its cause what Athena
says of it; a call that Athena refuses is named after its exception, as for other services.
"""

import json
import time
from typing import Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for

RESOURCE, RESOURCE_TYPE = "startQueryExecution.sync", "athena"
POLL_SECONDS = 0.02
QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED = "QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"
PARAMETERS = {"QueryString", "WorkGroup", "ClientRequestToken", "QueryExecutionContext", "ResultConfiguration"}


class AthenaTask(StateTaskServiceCallback):
    """A Task state of `athena:startQueryExecution.sync`."""

    def __init__(self) -> None:
        super().__init__(supported_integration_patterns={ResourceCondition(ResourceCondition.Sync)})

    def _get_supported_parameters(self) -> set[str] | None:
        return PARAMETERS if self.resource.api_action == "startQueryExecution" else None

    def _eval_service_task(
        self, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> None:
        client: Any = boto_client_for(
            service="athena", region=resource_runtime_part.region, state_credentials=state_credentials
        )
        started = client.start_query_execution(**normalised_parameters)
        env.stack.append({"QueryExecutionId": started["QueryExecutionId"]})

    def _eval_integration_pattern(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: Any,  # noqa: ARG002 (the signature is moto's)
        state_credentials: Any,
    ) -> None:
        """In place of moto's own, which wants a task token where there is none."""
        client: Any = boto_client_for(
            service="athena", region=resource_runtime_part.region, state_credentials=state_credentials
        )
        execution_id = env.stack.pop()["QueryExecutionId"]
        while env.is_running():
            execution = client.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
            state = execution["Status"]["State"]
            if state not in {QUEUED, RUNNING}:
                break
            time.sleep(POLL_SECONDS)
        else:
            client.stop_query_execution(QueryExecutionId=execution_id)
            return
        told = json.loads(json.dumps({"QueryExecution": execution}, default=str))
        if state != SUCCEEDED:
            raise FailureEventException(
                self._failure(env, StatesErrorName(StatesErrorNameType.StatesTaskFailed), json.dumps(told))
            )
        env.stack.append(told)

    def _from_error(self, env: Any, ex: Exception) -> FailureEvent:
        if isinstance(ex, ClientError):
            told = ex.response["Error"]
            return self._failure(env, CustomErrorName(f"Athena.{told['Code']}"), told["Message"])
        return super()._from_error(env=env, ex=ex)

    def _failure(self, env: Any, error: ErrorName, cause: str) -> FailureEvent:
        details = TaskFailedEventDetails(
            resource=RESOURCE, resourceType=RESOURCE_TYPE, error=error.error_name, cause=cause
        )
        return FailureEvent(
            env=env,
            error_name=error,
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),  # type: ignore[typeddict-item]
        )
