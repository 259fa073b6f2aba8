"""The key of a deployed stack: good for authentication, and nowhere stored."""

import json
from typing import TYPE_CHECKING

from stepcall.domain.access import Caller
from stepcall.runtime.authentication import Authenticator
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from tools.create_api_key import create_api_key

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


def test_a_new_key_authenticates_and_only_its_hash_is_stored(dynamodb: "DynamoDBClient") -> None:
    keys = DynamoApiKeyStore(dynamodb, "WorkflowsTable")
    text = create_api_key(keys, "acme", "nightly")
    assert len(text) == len("sc_") + 43  # 256 bits
    assert text != create_api_key(keys, "acme", "nightly")
    assert Authenticator(keys, lambda: 0.0).authenticate({"x-api-key": text}, {}) == Caller("acme", "nightly")
    assert text not in json.dumps(dynamodb.scan(TableName="WorkflowsTable")["Items"])
