"""The route that resumes an execution."""

from aws_lambda_powertools.event_handler import Response

from workflows_api.face import app


@app.post("/workflows/<workflow_id>/executions/<execution_id>/resume")
def post_resume(workflow_id: str, execution_id: str) -> Response[str]:
    from workflows_api.resume import answer_resume  # noqa: PLC0415

    return answer_resume(workflow_id, execution_id)
