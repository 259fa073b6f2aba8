"""The elements that a task of an execution is done for. Imported when they are asked for: a cold start has no time."""

import re
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from stepcall.domain.errors import shorten
from stepcall.domain.generation import Generation
from stepcall.domain.ids import MalformedIdError, read_run_id, read_workflow_id
from stepcall.domain.run import TaskRun, TaskStatus
from stepcall.domain.task_control import index_of
from stepcall.runtime.http import caller, json_response, read_model
from stepcall.runtime.wiring import face_dependencies
from stepcall.use_cases.read_instances import AskedTask, InstancePage, read_instances
from workflows_api.answers import print_attempts_and_times
from workflows_api.face import app
from workflows_api.requests import generation_asked, read_next_token

INDEX = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)


class InstancesQuery(BaseModel):
    """The query of `GET …/tasks/{ref}/instances`."""

    model_config = ConfigDict(frozen=True)

    status: TaskStatus | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    next_token: str | None = None


def answer_instances(workflow_id: str, execution_id: str, ref: str) -> Response[str]:
    query = read_model(dict(app.current_event.query_string_parameters), InstancesQuery)
    after = read_next_token(query.next_token, read_index)
    asked = AskedTask(read_workflow_id(workflow_id), read_run_id(execution_id), ref)
    page = read_instances(asked, caller(app), face_dependencies(), status=query.status, limit=query.limit, after=after)
    return json_response(200, print_instances(page, generation_asked(execution_id)))


def read_index(text: str) -> int:
    """Raises MalformedIdError."""
    if not INDEX.fullmatch(text):
        raise MalformedIdError(f"{shorten(text)!r} is no element's index.")
    return int(text)


def print_instances(page: InstancePage, generation: Generation) -> dict[str, Any]:
    token = {} if page.next_index is None else {"next_token": str(page.next_index)}
    return {"instances": [_print_instance(one, generation, page.task.input) for one in page.instances], **token}


def _print_instance(one: TaskRun, generation: Generation, given: dict[str, Any]) -> dict[str, Any]:
    told = print_attempts_and_times(one, generation, given)
    return {"index": index_of(one.ref), "status": one.status.value, **told}
