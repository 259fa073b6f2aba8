"""Routes of deliveries: what webhooks were told of an execution, and once more.

What a request takes is imported when it is made: a cold start has no time for it.
"""

from aws_lambda_powertools.event_handler import Response

from stepcall.domain.ids import read_run_id, read_workflow_id
from stepcall.runtime.http import caller, json_response
from stepcall.runtime.wiring import face_dependencies
from workflows_api.face import app


@app.get("/workflows/<workflow_id>/executions/<execution_id>/deliveries")
def get_deliveries(workflow_id: str, execution_id: str) -> Response[str]:
    from stepcall.runtime.delivery_wiring import deliveries  # noqa: PLC0415
    from stepcall.use_cases.redeliver_webhook import ToldRun, list_deliveries  # noqa: PLC0415
    from workflows_api.delivery_answers import print_deliveries  # noqa: PLC0415

    told = ToldRun(read_workflow_id(workflow_id), read_run_id(execution_id))
    return json_response(200, print_deliveries(list_deliveries(told, caller(app), face_dependencies(), deliveries())))


@app.post("/workflows/<workflow_id>/executions/<execution_id>/deliveries/<delivery_id>/redeliver")
def post_redelivery(workflow_id: str, execution_id: str, delivery_id: str) -> Response[str]:
    from stepcall.domain.ids import read_delivery_id  # noqa: PLC0415
    from stepcall.runtime.delivery_wiring import deliveries, delivery_machine  # noqa: PLC0415
    from stepcall.use_cases.redeliver_webhook import ToldRun, redeliver_webhook  # noqa: PLC0415
    from workflows_api.delivery_answers import print_delivery  # noqa: PLC0415

    told = ToldRun(read_workflow_id(workflow_id), read_run_id(execution_id))
    sender = (deliveries(), delivery_machine())
    delivery = redeliver_webhook(read_delivery_id(delivery_id), told, caller(app), face_dependencies(), sender)
    return json_response(202, print_delivery(delivery))
