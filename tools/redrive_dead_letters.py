"""`make redrive STACK=…`: what lies in the dead-letter queues of a deployed stack; with APPLY=1 it is played again.

A message is deleted when its replay has succeeded, and only then: whatever comes in between, it is there the next time.
docs/operations.md says what that means for each queue.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tools.create_api_key import physical_id
from tools.dead_letters.functions import Functions
from tools.dead_letters.queue import MAX_LETTERS, WAIT_SECONDS, Letter, Queue
from tools.dead_letters.replays import (
    NotReplayedError,
    Replay,
    ReplayChanges,
    ReplayEvents,
    ReplayInvocations,
    ShowDeliveries,
    ShowInvalidEvents,
)
from tools.dead_letters.stream_records import StreamRecords

# A function may take 15 minutes. What it was asked is not asked twice behind the operator's back.
LAMBDA_CONFIG = Config(read_timeout=905, retries={"total_max_attempts": 1})
STARTER = "StartTriggeredRunFunction"
Client = Callable[[str], Any]
Print = Callable[[str], None]


def make_client(service: str) -> Any:
    make: Any = boto3.client
    return make(service, config=LAMBDA_CONFIG if service == "lambda" else None)


def replays_of(client: Client, stack: str) -> Mapping[str, Replay]:
    """By the logical id of the queue. Every queue of the template is here."""
    cloudformation = client("cloudformation")
    functions = Functions(client("lambda"), _functions_of(cloudformation, stack))
    table = physical_id(cloudformation, stack, "RunsTable")
    streams, dynamodb = client("dynamodbstreams"), client("dynamodb")
    return {
        "FailedInvocations": ReplayInvocations(functions),
        "UnpublishedRunEvents": ReplayChanges(functions, StreamRecords(streams, dynamodb, table)),
        "UnreturnedSlots": ReplayChanges(functions, StreamRecords(streams, dynamodb, table, with_answers=True)),
        "ExhaustedDeliveries": ShowDeliveries(),
        "UndeliveredEvents": ReplayEvents(functions, lambda: physical_id(cloudformation, stack, STARTER)),
        "InvalidEvents": ShowInvalidEvents(),
    }


def _functions_of(cloudformation: Any, stack: str) -> frozenset[str]:
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    return frozenset(r["PhysicalResourceId"] for r in resources if r["ResourceType"] == "AWS::Lambda::Function")


def redrive(client: Client, stack: str, print_line: Print, *, apply: bool, wait_seconds: int = WAIT_SECONDS) -> int:
    """How many letters are left. Raises what boto3 raises."""
    left = 0
    for logical_id, replay in replays_of(client, stack).items():
        url = physical_id(client("cloudformation"), stack, logical_id)
        left += _redrive_queue(logical_id, Queue(client("sqs"), url, wait_seconds), replay, print_line, apply=apply)
    return left


def _redrive_queue(name: str, queue: Queue, replay: Replay, print_line: Print, *, apply: bool) -> int:
    letters = queue.take()
    oldest = f", the oldest of {letters[0].sent_at:%Y-%m-%d %H:%M:%S} UTC" if letters else ""
    more = "; there may be more: run this again" if len(letters) >= MAX_LETTERS else ""
    print_line(f"{name}: {len(letters)}{oldest}{more}")
    waiting = list(letters)
    try:
        for letter in letters:
            if _see_to(letter, queue, replay, print_line, apply=apply):
                waiting.remove(letter)
    finally:
        for letter in waiting:
            queue.put_back(letter)
    return len(waiting)


def _see_to(letter: Letter, queue: Queue, replay: Replay, print_line: Print, *, apply: bool) -> bool:
    """Whether the letter was replayed, and is gone."""
    try:
        print_line(f"  {letter.message_id}  {replay.describe(letter)}")
        if not apply:
            return False
        done = replay.play(letter)
    except NotReplayedError as exc:
        print_line(f"  {letter.message_id}  stays: {exc}")
        return False
    queue.delete(letter)
    print_line(f"  {letter.message_id}  {done}")
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", required=True, help="the stack's name, as given to make deploy")
    parser.add_argument("--apply", action="store_true", help="play them again, not only show them")
    arguments = parser.parse_args()
    try:
        left = redrive(make_client, arguments.stack, print, apply=arguments.apply)
    except (BotoCoreError, ClientError) as exc:
        print(f"Stopped; what was not replayed is there the next time: {exc}", file=sys.stderr)
        return 1
    if left and not arguments.apply:
        print("Nothing was replayed: APPLY=1 does it.")
    return 1 if left and arguments.apply else 0


if __name__ == "__main__":
    sys.exit(main())
