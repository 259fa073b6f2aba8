"""API keys in the workflows table."""

from typing import TYPE_CHECKING

from stepcall.stores.api_key_store import ApiKey, UnknownApiKeyError
from stepcall.stores.dynamo_items import read_values, write_values

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef


class DynamoApiKeyStore:
    """See ApiKeyStore."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put(self, key: ApiKey) -> None:
        values = write_values({"tenant_of_key": key.tenant, "principal": key.principal})
        self._client.put_item(TableName=self._table, Item=_key(key.key_hash) | values)

    def get(self, key_hash: str) -> ApiKey:
        answer = self._client.get_item(TableName=self._table, Key=_key(key_hash))
        if "Item" not in answer:
            raise UnknownApiKeyError("There is no such key.")
        values = read_values(answer["Item"])
        return ApiKey(key_hash, values["tenant_of_key"], values["principal"])


def _key(key_hash: str) -> "dict[str, AttributeValueTypeDef]":
    return write_values({"pk": f"KEY#{key_hash}", "sk": "KEY"})
