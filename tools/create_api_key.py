"""`make api-key STACK=… TENANT=… NAME=…`: a new API key of a deployed stack, printed once, stored as its hash."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stepcall.domain.access import ALL_SCOPES, RateLimit, Scope
from stepcall.domain.ids import spell_api_key, uuid7
from stepcall.stores.api_key_store import ApiKey, ApiKeyStore, hash_api_key
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from stepcall.use_cases.create_api_key import CreateApiKey, new_key_text

TABLE = "WorkflowsTable"


def create_api_key(keys: ApiKeyStore, wanted: CreateApiKey, tenant: str, now: datetime) -> str:
    """The key's text. Its id goes to standard error: it is what a client of the token routes is called by."""
    text, key_id = new_key_text(), uuid7(now, os.urandom)
    keys.put(
        ApiKey(
            key_id,
            hash_api_key(text),
            tenant,
            wanted.name,
            wanted.scopes,
            created_at=now,
            rate_limit=wanted.rate_limit,
            expires_at=wanted.expires_at,
        )
    )
    print(f"Key {spell_api_key(key_id)}:", file=sys.stderr)
    return text


def key_wanted(arguments: argparse.Namespace, now: datetime) -> CreateApiKey:
    return CreateApiKey(
        name=arguments.name,
        scopes=arguments.scopes,
        rate_limit=RateLimit(arguments.per_second, arguments.burst),
        expires_at=now + timedelta(days=arguments.days) if arguments.days else None,
    )


def physical_id(cloudformation: Any, stack: str, logical_id: str) -> str:
    """What a resource of a stack is called."""
    found = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    default = RateLimit()
    parser.add_argument("--stack", required=True, type=_text, help="the stack's name, as given to make deploy")
    parser.add_argument("--tenant", required=True, type=_text, help="whose workflows and runs the key sees")
    parser.add_argument("--name", required=True, type=_text, help="who uses it, such as nightly-export")
    parser.add_argument("--scopes", type=_scopes, default=ALL_SCOPES, help="with commas between them; all by default")
    parser.add_argument("--days", type=_count, help="after how many it is refused; never by default")
    parser.add_argument("--per-second", type=_count, default=default.per_second, help="starts in the long run")
    parser.add_argument("--burst", type=_count, default=default.burst, help="starts at one moment")
    return parser.parse_args(arguments)


def _text(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError("must be a whole number above 0")
    return int(text)


def _scopes(text: str) -> frozenset[Scope]:
    try:
        scopes = frozenset(Scope(name.strip()) for name in text.split(",") if name.strip())
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"must be some of {', '.join(Scope)}") from exc
    if not scopes:
        raise argparse.ArgumentTypeError("must name a scope")
    return scopes


def main() -> int:
    arguments = read_arguments()
    now = datetime.now(UTC)
    try:
        table = physical_id(boto3.client("cloudformation"), arguments.stack, TABLE)
        keys = DynamoApiKeyStore(boto3.client("dynamodb"), table)
        print(create_api_key(keys, key_wanted(arguments, now), arguments.tenant, now))
    except (BotoCoreError, ClientError) as exc:
        print(f"No key was created: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
