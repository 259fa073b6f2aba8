"""Letters of a dead-letter queue: taken out of sight while they are looked at, put back unless they were replayed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

HELD_SECONDS = 1800
"""How long nobody else sees what is being looked at."""
MAX_LETTERS = 500
"""Of one queue at one time; the others are left for the next."""
WAIT_SECONDS = 1
"""A poll that waits asks all servers of the queue."""


class Letter(NamedTuple):
    message_id: str
    receipt: str
    sent_at: datetime
    body: str


class Queue:
    """`sqs` is boto3's client. Raises what it raises."""

    def __init__(self, sqs: Any, url: str, wait_seconds: int = WAIT_SECONDS) -> None:
        self._sqs = sqs
        self._url = url
        self._wait_seconds = wait_seconds

    def take(self) -> list[Letter]:
        """All that lie here, up to MAX_LETTERS, oldest first."""
        letters: list[Letter] = []
        for batch in self._batches():
            letters += batch
            if len(letters) >= MAX_LETTERS:
                break
        return sorted(letters, key=lambda letter: letter.sent_at)

    def delete(self, letter: Letter) -> None:
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt)

    def put_back(self, letter: Letter) -> None:
        """Where everybody sees it."""
        self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=letter.receipt, VisibilityTimeout=0)

    def _batches(self) -> Iterator[list[Letter]]:
        while messages := self._receive():
            yield [_read(message) for message in messages]

    def _receive(self) -> list[Any]:
        answer = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=HELD_SECONDS,
            WaitTimeSeconds=self._wait_seconds,
            AttributeNames=["SentTimestamp"],
        )
        messages: list[Any] = answer.get("Messages", [])
        return messages


def _read(message: Any) -> Letter:
    sent_at = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    return Letter(message["MessageId"], message["ReceiptHandle"], sent_at, message["Body"])
