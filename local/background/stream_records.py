"""Records of a table's stream, and what of a batch a function has left undone."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from zlib import crc32

from moto.core.utils import unix_time

from local.lambda_runtime import Invocation


class Record(NamedTuple):
    """`body` is one of the `Records` of the event that the function gets."""

    sequence: str
    arrived: float
    partition: int
    body: Mapping[str, Any]


def read_record(stored: Mapping[str, Any], partition_key: str, stream: str) -> Record:
    """Of a record as GetRecords gives it, the one that a function gets: with its time in seconds, and its source."""
    change = dict(stored["dynamodb"])
    change["ApproximateCreationDateTime"] = seconds = unix_time(change["ApproximateCreationDateTime"])
    key = json.dumps(change["Keys"][partition_key], sort_keys=True, default=_spell_binary)
    body = json.loads(json.dumps({**stored, "dynamodb": change, "eventSourceARN": stream}, default=_spell_binary))
    return Record(change["SequenceNumber"], seconds, crc32(key.encode()), body)


def _spell_binary(value: Any) -> str:
    """Binary attributes are text in what Lambda sends. Raises TypeError for anything else that JSON has no word for."""
    return b64encode(value).decode()


def find_first_failure(sequences: Sequence[str], done: Invocation, *, reports_items: bool) -> int | None:
    """The index of the first record that is not done; None when all are.

    Source: docs.aws.amazon.com/lambda, "Configuring partial batch response with DynamoDB and Lambda".
    """
    if done.failed:
        return 0
    answer = json.loads(done.payload) if reports_items else None
    failures = (answer.get("batchItemFailures") if isinstance(answer, dict) else None) or []
    try:
        return min((sequences.index(failure["itemIdentifier"]) for failure in failures), default=None)
    except (KeyError, TypeError, ValueError):  # what names no record of the batch fails the whole batch
        return 0
