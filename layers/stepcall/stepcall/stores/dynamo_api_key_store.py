"""API keys in the workflows table, each twice: by its hash for who authenticates, by its tenant and id for lists."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import ClientError

from stepcall.domain.access import Grants, RateLimit, Scope, SourceGrant
from stepcall.domain.json_text import read_json, write_json
from stepcall.stores.api_key_store import ApiKey, ApiKeyPage, UnknownApiKeyError
from stepcall.stores.dynamo_items import OUTRUN, Item, codes_of, read_time, read_values, write_time, write_values
from stepcall.stores.dynamo_pages import read_page

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

DELETE_ATTEMPTS = 5
UNUSED = "attribute_exists(pk) AND attribute_not_exists(last_used_at)"
LAST_USED = "last_used_at = :last_used_at"


class DynamoApiKeyStore:
    """See ApiKeyStore."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put(self, key: ApiKey) -> None:
        values = write_values(_values(key))
        self._write("Put", ({"Item": place | values} for place in places_of(key)))

    def get(self, key_hash: str) -> ApiKey:
        return self._read(_by_hash(key_hash))

    def get_by_id(self, tenant: str, key_id: UUID) -> ApiKey:
        return self._read(_by_id(tenant, key_id))

    def list_by_tenant(self, tenant: str, *, limit: int, after: UUID | None) -> ApiKeyPage:
        values = {":pk": _pk(tenant)} | ({":after": str(after)} if after else {})
        request = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk" + (" AND sk < :after" if after else ""),
            "ExpressionAttributeValues": write_values(values),
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        items, last = read_page(self._client, request, limit)
        return ApiKeyPage([_read_key(item) for item in items], UUID(last["sk"]["S"]) if last else None)

    def delete(self, tenant: str, key_id: UUID) -> None:
        places = places_of(self._read(_by_id(tenant, key_id)))
        for attempts_left in range(DELETE_ATTEMPTS - 1, -1, -1):
            try:
                self._write("Delete", ({"Key": place} for place in places))
            except ClientError as exc:
                # its last use is being written just now; AWS's client does not try a cancelled transaction again
                if not attempts_left or not codes_of(exc) <= OUTRUN:
                    raise
            else:
                return

    def touch(self, key: ApiKey, now: datetime) -> None:
        before = write_time(key.last_used_at) if key.last_used_at else None
        update = {
            "UpdateExpression": "SET last_used_at = :now",
            "ConditionExpression": LAST_USED if before else UNUSED,
            "ExpressionAttributeValues": write_values({":now": write_time(now), ":last_used_at": before}),
        }
        try:
            self._write("Update", ({"Key": place, **update} for place in places_of(key)))
        except ClientError as exc:
            if not codes_of(exc) <= OUTRUN:
                raise

    def _read(self, place: "Mapping[str, AttributeValueTypeDef]") -> ApiKey:
        # consistent: a key works when its maker has the answer, and a deleted one is not read again
        answer = self._client.get_item(TableName=self._table, Key=place, ConsistentRead=True)
        if "Item" not in answer:
            raise UnknownApiKeyError("There is no such key.")
        return _read_key(answer["Item"])

    def _write(self, kind: str, writes: Any) -> None:
        """At both places, or at neither."""
        self._client.transact_write_items(
            TransactItems=[{kind: {"TableName": self._table, **write}} for write in writes]  # type: ignore[misc]
        )


def _pk(tenant: str) -> str:
    return f"KEYS#{tenant}"


def _by_hash(key_hash: str) -> "dict[str, AttributeValueTypeDef]":
    return write_values({"pk": f"KEY#{key_hash}", "sk": "KEY"})


def _by_id(tenant: str, key_id: UUID) -> "dict[str, AttributeValueTypeDef]":
    return write_values({"pk": _pk(tenant), "sk": str(key_id)})


def places_of(key: ApiKey) -> "tuple[dict[str, AttributeValueTypeDef], ...]":
    """The key's two items: template.yaml allows to change these and no others."""
    return _by_hash(key.key_hash), _by_id(key.tenant, key.key_id)


def _values(key: ApiKey) -> dict[str, str | int | None]:
    return {
        "key_id": str(key.key_id),
        "key_hash": key.key_hash,
        "tenant_of_key": key.tenant,
        "name": key.name,
        "scopes": " ".join(sorted(key.scopes)),
        "grants": _write_grants(key.grants) if key.grants else None,
        "rate": key.rate_limit.per_second if key.rate_limit else None,
        "burst": key.rate_limit.burst if key.rate_limit else None,
        "created_at": write_time(key.created_at),
        "expires_at": write_time(key.expires_at) if key.expires_at else None,
        "last_used_at": write_time(key.last_used_at) if key.last_used_at else None,
    }


def _read_key(item: Item) -> ApiKey:
    values = read_values(item)
    return ApiKey(
        key_id=UUID(values["key_id"]),
        key_hash=values["key_hash"],
        tenant=values["tenant_of_key"],
        name=values["name"],
        scopes=frozenset(map(Scope, values["scopes"].split())),
        created_at=datetime.fromisoformat(values["created_at"]),
        grants=_read_grants(values["grants"]) if "grants" in values else None,
        rate_limit=RateLimit(values["rate"], values["burst"]) if "rate" in values else None,
        expires_at=read_time(values.get("expires_at")),
        last_used_at=read_time(values.get("last_used_at")),
    )


def _write_grants(grants: Grants) -> str:
    sources = [[source.connection_name, source.source] for source in grants.sources]
    return write_json({"workflows": sorted(map(str, grants.workflows)), "sources": sources})


def _read_grants(text: str) -> Grants:
    said = read_json(text)
    return Grants(frozenset(map(UUID, said["workflows"])), tuple(SourceGrant(*source) for source in said["sources"]))
