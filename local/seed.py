"""The one tenant the local stack knows. Nothing outside this folder may know its key."""

from datetime import UTC, datetime
from uuid import UUID

import boto3

from local.template import REGION

TENANT = "local"
PRINCIPAL = "local-developer"
API_KEY = "sc_local_development_key"
KEY_ID = UUID(int=1)


def put_local_api_key(workflows_table: str) -> None:
    """Every scope and no limit. Needs the layer to be importable, as it is while the stack runs."""
    from stepcall.domain.access import ALL_SCOPES  # noqa: PLC0415
    from stepcall.stores.api_key_store import ApiKey, hash_api_key  # noqa: PLC0415
    from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore  # noqa: PLC0415

    client = boto3.client("dynamodb", region_name=REGION)
    key = ApiKey(KEY_ID, hash_api_key(API_KEY), TENANT, PRINCIPAL, ALL_SCOPES, created_at=datetime.now(UTC))
    DynamoApiKeyStore(client, workflows_table).put(key)
