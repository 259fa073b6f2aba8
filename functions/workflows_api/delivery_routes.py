"""Routes of deliveries: what webhooks were told of an execution, and once more.

What a request takes is imported when it is made: a cold start has no time for it.
"""

from aws_lambda_powertools.event_handler import Response

from stepcall.domain.access import Scope
from stepcall.domain.ids import read_run_id, read_workflow_id
from stepcall.runtime.http import caller, json_response, read_model
from stepcall.runtime.wiring import face_dependencies
from workflows_api.face import app
from workflows_api.requests import read_next_token


@app.get("/workflows/<workflow_id>/executions/<execution_id>/deliveries")
def get_deliveries(workflow_id: str, execution_id: str) -> Response[str]:
    from stepcall.runtime.delivery_wiring import deliveries  # noqa: PLC0415
    from stepcall.use_cases.redeliver_webhook import ToldRun, list_deliveries  # noqa: PLC0415
    from workflows_api.delivery_answers import print_deliveries  # noqa: PLC0415
    from workflows_api.delivery_requests import DeliveriesQuery, read_place  # noqa: PLC0415

    query = read_model(dict(app.current_event.query_string_parameters), DeliveriesQuery)
    after = read_next_token(query.next_token, read_place)
    told = ToldRun(read_workflow_id(workflow_id), read_run_id(execution_id))
    listed = list_deliveries(told, caller(app), face_dependencies(), deliveries(), limit=query.limit, after=after)
    return json_response(200, print_deliveries(listed))


@app.post("/workflows/<workflow_id>/executions/<execution_id>/deliveries/<delivery_id>/redeliver")
def post_redelivery(workflow_id: str, execution_id: str, delivery_id: str) -> Response[str]:
    from stepcall.domain.ids import read_delivery_id  # noqa: PLC0415
    from stepcall.runtime.delivery_wiring import deliveries, delivery_machine  # noqa: PLC0415
    from stepcall.runtime.webhook_wiring import webhooks  # noqa: PLC0415
    from stepcall.use_cases.redeliver_webhook import Redeliverer, ToldRun, redeliver_webhook  # noqa: PLC0415
    from workflows_api.delivery_answers import print_delivery, print_redelivered  # noqa: PLC0415

    told = ToldRun(read_workflow_id(workflow_id), read_run_id(execution_id))
    sender = Redeliverer(deliveries(), webhooks(), delivery_machine())
    delivery = redeliver_webhook(read_delivery_id(delivery_id), told, caller(app), face_dependencies(), sender)
    shown = print_delivery if Scope.RUNS_READ in caller(app).scopes else print_redelivered
    return json_response(202, shown(delivery))
