"""The state machine that makes the attempts of deliveries: statemachine/webhook_delivery.asl.json."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stepcall.domain.delivery import Delivery
from stepcall.domain.ids import spell_delivery, spell_execution, spell_workflow
from stepcall.domain.json_text import write_json

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

STARTED_ALREADY = "ExecutionAlreadyExists"


class DeliveryMachine:
    """See DeliveryExecutions. Raises what botocore raises."""

    def __init__(self, client: "SFNClient", arn: str) -> None:
        self._client = client
        self._arn = arn

    def start(self, delivery: Delivery) -> None:
        try:
            self._client.start_execution(
                stateMachineArn=self._arn, name=delivery.execution_name, input=write_json(_input_of(delivery))
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] != STARTED_ALREADY:
                raise


def _input_of(delivery: Delivery) -> dict[str, str | int]:
    """Where the delivery is, what the log says of it, and for whoever finds it given up, how it is asked for."""
    return {
        "run_id": str(delivery.run_id),
        "target": delivery.target,
        "sequence": delivery.sequence,
        "round": delivery.round,
        "tenant": delivery.tenant,
        "correlation_id": delivery.correlation_id,
        "workflow_id": spell_workflow(delivery.workflow_id),
        "execution_id": spell_execution(delivery.run_id),
        "delivery_id": spell_delivery(delivery.delivery_id),
    }
