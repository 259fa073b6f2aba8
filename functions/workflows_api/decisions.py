"""How a task is decided that awaits it, apart from the other routes: it is seldom asked for."""

from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from stepcall.domain.approval import MAX_MESSAGE
from stepcall.domain.errors import Problem
from stepcall.domain.ids import read_run_id, read_workflow_id
from stepcall.domain.run import TaskStatus
from stepcall.runtime.http import InvalidRequestError, caller, json_response, read_body, read_model
from stepcall.runtime.wiring import face_dependencies
from stepcall.use_cases.decide_task import Decision, PlaceOfTask, decide_task
from workflows_api.answers import print_task
from workflows_api.face import app
from workflows_api.requests import generation_asked


class CompleteRequest(BaseModel):
    """`POST /workflows/{id}/executions/{execution_id}/tasks/{ref}/complete`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    data: Any = Field(default_factory=dict)


class FailRequest(BaseModel):
    """`POST /workflows/{id}/executions/{execution_id}/tasks/{ref}/fail`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    message: Annotated[str, Field(min_length=1, max_length=MAX_MESSAGE)]


def answer_completion(workflow_id: str, execution_id: str, ref: str) -> Response[str]:
    request = _read_completion(read_body(app, default={}))
    return _answer(workflow_id, execution_id, ref, Decision(TaskStatus.COMPLETED, request.data))


def _read_completion(body: Any) -> CompleteRequest:
    """Raises InvalidRequestError: whoever sends the data itself is told where it belongs."""
    try:
        return read_model(body, CompleteRequest)
    except InvalidRequestError as exc:
        raise InvalidRequestError(str(exc), [*map(_advise, exc.problems)]) from exc


def _advise(problem: Problem) -> Problem:
    if problem.code != "unknown_field":
        return problem
    return replace(problem, message=f'{problem.message} What is decided stands in `data`: `{{"data": {{…}}}}`.')


def answer_failure(workflow_id: str, execution_id: str, ref: str) -> Response[str]:
    request = read_model(read_body(app), FailRequest)
    return _answer(workflow_id, execution_id, ref, Decision(TaskStatus.FAILED, message=request.message))


def _answer(workflow_id: str, execution_id: str, ref: str, decision: Decision) -> Response[str]:
    place = PlaceOfTask(read_workflow_id(workflow_id), read_run_id(execution_id), unquote(ref))
    task = decide_task(place, decision, caller(app), face_dependencies())
    return json_response(200, print_task(task, generation_asked(execution_id), {}))
