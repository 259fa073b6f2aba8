"""Routes of webhooks: subscriptions to the executions of a workflow.

What a request takes is imported when it is made: a cold start has no time for it.
"""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from stepcall.domain.ids import read_webhook_id, read_workflow_id
from stepcall.runtime.http import caller, json_response, read_body, read_model
from workflows_api.face import app


@app.post("/workflows/<workflow_id>/webhooks")
def post_webhook(workflow_id: str) -> Response[str]:
    from stepcall.runtime.webhook_wiring import webhook_dependencies  # noqa: PLC0415
    from stepcall.use_cases.create_webhook import create_webhook  # noqa: PLC0415
    from workflows_api.webhook_answers import NEVER_KEPT, location_of, print_with_secret  # noqa: PLC0415
    from workflows_api.webhook_requests import read_new_webhook  # noqa: PLC0415

    deps, of_workflow = webhook_dependencies(), read_workflow_id(workflow_id)
    webhook, secret = create_webhook(read_new_webhook(of_workflow, read_body(app)), caller(app), deps)
    sent = {"Location": location_of(webhook), **NEVER_KEPT}
    return json_response(201, print_with_secret(webhook, secret, deps.now()), sent)


@app.get("/workflows/<workflow_id>/webhooks")
def get_webhooks(workflow_id: str) -> Response[str]:
    from stepcall.runtime.webhook_wiring import webhook_dependencies  # noqa: PLC0415
    from stepcall.use_cases.read_webhook import list_webhooks  # noqa: PLC0415
    from workflows_api.webhook_answers import print_webhooks  # noqa: PLC0415

    deps = webhook_dependencies()
    found = list_webhooks(read_workflow_id(workflow_id), caller(app), deps)
    return json_response(200, print_webhooks(found, deps.now()))


@app.get("/workflows/<workflow_id>/webhooks/<webhook_id>")
def get_webhook(workflow_id: str, webhook_id: str) -> Response[str]:
    from stepcall.runtime.webhook_wiring import webhook_dependencies  # noqa: PLC0415
    from stepcall.use_cases.read_webhook import read_webhook  # noqa: PLC0415
    from workflows_api.webhook_answers import print_webhook  # noqa: PLC0415

    deps = webhook_dependencies()
    found = read_webhook(read_workflow_id(workflow_id), read_webhook_id(webhook_id), caller(app), deps)
    return json_response(200, print_webhook(found, deps.now()))


@app.patch("/workflows/<workflow_id>/webhooks/<webhook_id>")
def patch_webhook(workflow_id: str, webhook_id: str) -> Response[str]:
    from stepcall.runtime.webhook_wiring import webhook_dependencies  # noqa: PLC0415
    from stepcall.use_cases.update_webhook import update_webhook  # noqa: PLC0415
    from workflows_api.webhook_answers import print_webhook  # noqa: PLC0415
    from workflows_api.webhook_requests import read_webhook_update  # noqa: PLC0415

    deps = webhook_dependencies()
    command = read_webhook_update(read_workflow_id(workflow_id), read_webhook_id(webhook_id), read_body(app))
    return json_response(200, print_webhook(update_webhook(command, caller(app), deps), deps.now()))


@app.delete("/workflows/<workflow_id>/webhooks/<webhook_id>")
def delete_webhook_by_id(workflow_id: str, webhook_id: str) -> Response[str]:
    from stepcall.runtime.webhook_wiring import webhook_dependencies  # noqa: PLC0415
    from stepcall.use_cases.delete_webhook import delete_webhook  # noqa: PLC0415

    delete_webhook(read_workflow_id(workflow_id), read_webhook_id(webhook_id), caller(app), webhook_dependencies())
    return Response(HTTPStatus.NO_CONTENT.value)


@app.post("/workflows/<workflow_id>/webhooks/<webhook_id>/rotate")
def post_webhook_rotation(workflow_id: str, webhook_id: str) -> Response[str]:
    from stepcall.runtime.webhook_wiring import webhook_dependencies  # noqa: PLC0415
    from stepcall.use_cases.rotate_webhook_secret import RotateWebhookSecret, rotate_webhook_secret  # noqa: PLC0415
    from workflows_api.webhook_answers import NEVER_KEPT, print_with_secret  # noqa: PLC0415
    from workflows_api.webhook_requests import WebhookRotation  # noqa: PLC0415

    deps, said = webhook_dependencies(), read_model(read_body(app, default={}), WebhookRotation)
    command = RotateWebhookSecret(read_workflow_id(workflow_id), read_webhook_id(webhook_id), said.previous_valid)
    webhook, secret = rotate_webhook_secret(command, caller(app), deps)
    return json_response(200, print_with_secret(webhook, secret, deps.now()), NEVER_KEPT)
