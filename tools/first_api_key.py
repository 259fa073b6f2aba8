"""`make first-key STACK=…`: the API key that a deployed stack begins with."""

import argparse
import sys
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stepcall.aws.secrets import SecretNotReadableError, SecretsReader, SecretsUnavailableError
from stepcall.domain.ids import spell_api_key
from stepcall.runtime.first_key import first_key_id
from stepcall.stores.api_key_store import KEY_PREFIX
from tools.create_api_key import physical_id

SECRET = "FirstApiKeySecret"  # noqa: S105 (what the template calls it)


def first_api_key(cloudformation: Any, secretsmanager: Any, stack: str) -> str:
    """Raises ClientError, SecretNotReadableError, SecretsUnavailableError."""
    secret = physical_id(cloudformation, stack, SECRET)
    return KEY_PREFIX + SecretsReader(secretsmanager, lambda: 0.0).get(secret)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", required=True, help="the stack's name, as given to make deploy")
    stack = parser.parse_args().stack
    try:
        key = first_api_key(boto3.client("cloudformation"), boto3.client("secretsmanager"), stack)
    except (BotoCoreError, ClientError, SecretNotReadableError, SecretsUnavailableError) as exc:
        print(f"There is no first key to be read: {exc}", file=sys.stderr)
        return 1
    print(f"Key {spell_api_key(first_key_id(key))}:", file=sys.stderr)
    print(key)
    return 0


if __name__ == "__main__":
    sys.exit(main())
