"""`make api-key STACK=… TENANT=… NAME=…`: a new API key of a deployed stack, printed once, stored as its hash."""

import argparse
import secrets
import sys
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stepcall.runtime.authentication import KEY_PREFIX
from stepcall.stores.api_key_store import ApiKey, ApiKeyStore, hash_api_key
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore

KEY_BYTES = 32
TABLE = "WorkflowsTable"


def create_api_key(keys: ApiKeyStore, tenant: str, name: str) -> str:
    """The key's text: whoever has it calls as `name` of `tenant`."""
    text = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    keys.put(ApiKey(hash_api_key(text), tenant, name))
    return text


def table_of(cloudformation: Any, stack: str) -> str:
    """The workflows table of a stack, by its logical id."""
    found = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=TABLE)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", required=True, help="the stack's name, as given to make deploy")
    parser.add_argument("--tenant", required=True, help="whose workflows and runs the key sees")
    parser.add_argument("--name", required=True, help="who uses it, such as nightly-export")
    arguments = parser.parse_args()
    try:
        table = table_of(boto3.client("cloudformation"), arguments.stack)
        keys = DynamoApiKeyStore(boto3.client("dynamodb"), table)
        print(create_api_key(keys, arguments.tenant, arguments.name))
    except (BotoCoreError, ClientError) as exc:
        print(f"No key was created: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
