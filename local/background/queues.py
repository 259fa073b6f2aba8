"""Messages to queues of the stack."""

from functools import cache
from typing import Any

import boto3

from local.template import REGION


class Queues:
    """Its client is made when the first message is sent."""

    def __init__(self) -> None:
        self._client: Any = None
        self._url = cache(self._find_url)

    def send(self, arn: str, text: str, group: str | None = None) -> None:
        """`group` is the message group of a FIFO queue."""
        grouped = {} if group is None else {"MessageGroupId": group}
        url = self._url(arn)
        self._client.send_message(QueueUrl=url, MessageBody=text, **grouped)

    def _find_url(self, arn: str) -> str:
        self._client = self._client or boto3.client("sqs", region_name=REGION)
        url: str = self._client.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
        return url
