"""How an execution is resumed, apart from the other routes: it is seldom asked for."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from stepcall.domain.access import Scope
from stepcall.domain.generation import DOCUMENT_WORDS, TASK_WORDS, Generation
from stepcall.domain.ids import read_run_id, read_workflow_id
from stepcall.runtime.http import caller, headers, json_response, patience, read_body, read_model
from stepcall.runtime.wiring import face_dependencies
from stepcall.stores.workflow_store import MAX_VERSION
from stepcall.use_cases.read_run import wait_for_end
from stepcall.use_cases.resume_run import ResumedRun, ResumeRun, resume_run
from workflows_api.answers import locate_execution, print_execution, print_started
from workflows_api.face import app
from workflows_api.requests import generation_asked, read_provider_key, read_wait
from workflows_api.whole_number import OR_WITH_POINT


class ResumeRequest(BaseModel):
    """`POST /workflows/{id}/executions/{execution_id}/resume`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    version: Annotated[int, Field(ge=1, le=MAX_VERSION), OR_WITH_POINT] | None = None


def answer_resume(workflow_id: str, execution_id: str) -> Response[str]:
    generation = generation_asked(execution_id)
    command = ResumeRun(
        read_run_id(execution_id),
        read_workflow_id(workflow_id),
        read_model(read_body(app, default={}), ResumeRequest).version,
        f"/{DOCUMENT_WORDS[generation]['input']}",
        read_provider_key(headers(app)),
    )
    resumed = resume_run(command, caller(app), face_dependencies())
    view, sent = resumed.view, {"Location": locate_execution(resumed.view.run, generation)}
    if Scope.RUNS_READ not in caller(app).scopes:  # who may only start is told of the start
        return json_response(202, print_started(view.run, generation), sent)
    if seconds := read_wait(headers(app)):
        sent["Preference-Applied"] = f"wait={seconds}"
        view = wait_for_end(view.run.run_id, caller(app), face_dependencies(), seconds=patience(app, seconds))
    status = 200 if view.run.status.has_ended else 202
    answer = print_execution(view, generation, caller(app)) | {"plan": print_plan(resumed, generation)}
    return json_response(status, answer, sent)


def print_plan(resumed: ResumedRun, generation: Generation) -> list[dict[str, Any]]:
    ref_key = TASK_WORDS[generation]["ref"]
    return [{ref_key: task.ref, "resume": task.resume.value, "reason": task.reason} for task in resumed.plan]
