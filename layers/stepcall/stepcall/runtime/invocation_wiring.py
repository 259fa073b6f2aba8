"""What invokes the functions of a deployer's own."""

from typing import TYPE_CHECKING

from botocore.config import Config

from stepcall.aws.invocations import LambdaInvocations
from stepcall.runtime.client_wiring import CONFIG, make_client

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


def invocations() -> LambdaInvocations:
    return LambdaInvocations(open_client)


def open_client(region: str, seconds: float) -> "LambdaClient":
    """A client that waits so long for an answer. What was invoked is not invoked again: that is for `retry` to say."""
    # the connection says nothing until the function has ended, and what is on the way would drop it as dead
    patient = Config(region_name=region, read_timeout=seconds, retries={"total_max_attempts": 1}, tcp_keepalive=True)
    client: LambdaClient = make_client("lambda", CONFIG.merge(patient))
    return client
