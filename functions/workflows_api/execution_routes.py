"""Routes of an execution once it is there: cancel it, resume it, decide its tasks, share it, look at its elements."""

from aws_lambda_powertools.event_handler import Response

from stepcall.domain.access import Scope
from stepcall.domain.ids import read_run_id, read_workflow_id
from stepcall.runtime.http import caller, json_response
from stepcall.runtime.wiring import face_dependencies, tokens
from stepcall.use_cases.cancel_run import cancel_run
from workflows_api.answers import print_execution, print_started, print_token
from workflows_api.face import app
from workflows_api.requests import generation_asked


@app.post("/workflows/<workflow_id>/executions/<execution_id>/cancel")
def post_cancel(workflow_id: str, execution_id: str) -> Response[str]:
    view = cancel_run(
        read_run_id(execution_id), caller(app), face_dependencies(), workflow_id=read_workflow_id(workflow_id)
    )
    generation = generation_asked(execution_id)
    if Scope.RUNS_READ not in caller(app).scopes:
        return json_response(202, print_started(view.run, generation))
    return json_response(202, print_execution(view, generation, caller(app)))


@app.post("/workflows/<workflow_id>/executions/<execution_id>/resume")
def post_resume(workflow_id: str, execution_id: str) -> Response[str]:
    from workflows_api.resume import answer_resume  # noqa: PLC0415

    return answer_resume(workflow_id, execution_id)


@app.post("/workflows/<workflow_id>/executions/<execution_id>/tasks/<ref>/complete")
def post_completion(workflow_id: str, execution_id: str, ref: str) -> Response[str]:
    from workflows_api.decisions import answer_completion  # noqa: PLC0415

    return answer_completion(workflow_id, execution_id, ref)


@app.post("/workflows/<workflow_id>/executions/<execution_id>/tasks/<ref>/fail")
def post_failure(workflow_id: str, execution_id: str, ref: str) -> Response[str]:
    from workflows_api.decisions import answer_failure  # noqa: PLC0415

    return answer_failure(workflow_id, execution_id, ref)


@app.post("/workflows/<workflow_id>/executions/<execution_id>/token")
def post_execution_token(workflow_id: str, execution_id: str) -> Response[str]:
    from stepcall.use_cases.issue_token import issue_job_token  # noqa: PLC0415

    run_id, of_workflow = read_run_id(execution_id), read_workflow_id(workflow_id)
    token = issue_job_token(run_id, caller(app), face_dependencies(), tokens(), workflow_id=of_workflow)
    return json_response(201, print_token(token), {"Cache-Control": "no-store"})


@app.get("/workflows/<workflow_id>/executions/<execution_id>/tasks/<ref>/instances")
def get_instances(workflow_id: str, execution_id: str, ref: str) -> Response[str]:
    from workflows_api.instances import answer_instances  # noqa: PLC0415

    return answer_instances(workflow_id, execution_id, ref)
