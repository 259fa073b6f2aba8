"""What a request costs by Powertools alone: one route that takes a pydantic model and returns one."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from pydantic import BaseModel

app = APIGatewayHttpResolver(enable_validation=True)


class ExecuteRequest(BaseModel):
    input: dict[str, Any]


class ExecuteResponse(BaseModel):
    workflow_id: str
    workflow_version: int
    execution_id: str
    externalId: str  # noqa: N815 (the contract's name)
    status: str


@app.post("/workflows/<workflow_id>/execute")
def post_execute(workflow_id: str, request: ExecuteRequest) -> ExecuteResponse:
    identity = request.input["identity"]
    return ExecuteResponse(
        workflow_id=workflow_id, workflow_version=1, execution_id=identity, externalId=identity, status="PENDING"
    )


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)
