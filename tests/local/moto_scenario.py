"""One scenario on moto as it comes and on moto as the local stack corrects it: every answer must be the same.

`python -m tests.local.moto_scenario` prints the first difference and exits 1; it needs a process without other moto.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

from local.moto_world import corrected_moto

REGION = "us-east-1"
VARYING = frozenset(
    {
        "ResponseMetadata",
        "eventID",
        "ApproximateCreationDateTime",
        "CreationDateTime",
        "LatestStreamArn",
        "LatestStreamLabel",
    }
    | {"SizeBytes"}  # of a stream record: with its time as text
)
EVERY_TYPE: dict[str, Any] = {
    "text": {"S": "né"},
    "number": {"N": "12.50"},
    "binary": {"B": b"\x00\xff"},
    "yes": {"BOOL": True},
    "nothing": {"NULL": True},
    "texts": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2"]},
    "binaries": {"BS": [b"\x01"]},
    "list": {"L": [{"S": "x"}, {"M": {"deep": {"B": b"\x02"}}}]},
    "map": {"M": {"inner": {"L": [{"N": "1"}]}}},
}
Call = tuple[str, Callable[..., Any], dict[str, Any]]


def main() -> int:
    logging.disable(logging.CRITICAL)
    os.environ["AWS_ACCOUNT_ID_ENDPOINT_MODE"] = "disabled"  # moto's DynamoDB Streams need it
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        plain = list(transcript())
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}), corrected_moto(lambda url: url):
        corrected = list(transcript())
    for as_it_comes, as_corrected in zip(plain, corrected, strict=True):
        if as_it_comes != as_corrected:
            print(f"moto:      {as_it_comes}\ncorrected: {as_corrected}", file=sys.stderr)
            return 1
    print(len(plain))
    return 0


def transcript() -> Iterator[str]:
    for calls in (tables(), objects(), machines()):
        for name, call, arguments in calls:
            yield f"{name} {tell(call, arguments)}"


def tell(call: Callable[..., Any], arguments: dict[str, Any]) -> str:
    try:
        answer = call(**arguments)
    except ClientError as exc:
        answer = {"error": exc.response}
    except Exception as exc:  # what moto itself trips over, it must trip over in both
        answer = repr(exc)
    return json.dumps(steady(answer), default=repr, sort_keys=True)


def steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: steady(inner) for name, inner in value.items() if name not in VARYING}
    return [steady(inner) for inner in value] if isinstance(value, list) else value


def tables() -> Iterator[Call]:
    client = boto3.client("dynamodb", region_name=REGION)
    yield "create", client.create_table, TABLE
    for operation, arguments in items():
        yield operation, getattr(client, operation), {"TableName": "t"} | arguments
    for operation, arguments in several_items():
        yield operation, getattr(client, operation), arguments
    yield "create", client.create_table, WITHOUT_SORT_KEY
    for item in ("kept", "rolled back"):
        yield "put_item", client.put_item, {"TableName": "no_range", "Item": {"pk": {"S": item}}}
    for items_together in transactions_of_two_tables():
        yield "transact_write_items", client.transact_write_items, {"TransactItems": items_together}
        yield "scan", client.scan, {"TableName": "no_range"}
    yield "streams", read_stream, {"arn": client.describe_table(TableName="t")["Table"]["LatestStreamArn"]}


TABLE: dict[str, Any] = {
    "TableName": "t",
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "owner")],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": f"by_owner_{projection.lower()}",
            "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}, {"AttributeName": "pk", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": projection},
        }
        for projection in ("ALL", "KEYS_ONLY")
    ],
}
WITHOUT_SORT_KEY: dict[str, Any] = {
    "TableName": "no_range",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}


def transactions_of_two_tables() -> Iterator[list[dict[str, Any]]]:
    change = {"TableName": "no_range", "Key": {"pk": {"S": "kept"}}, "UpdateExpression": "SET changed = :one"}
    delete = {"TableName": "no_range", "Key": {"pk": {"S": "rolled back"}}}
    put = {"TableName": "t", "Item": key("together"), "ConditionExpression": "attribute_not_exists(pk)"}
    together = [{"Update": {**change, "ExpressionAttributeValues": values(one=1)}}, {"Delete": delete}, {"Put": put}]
    yield [
        *together,
        {"ConditionCheck": {"TableName": "t", "Key": key("no"), "ConditionExpression": "attribute_exists(pk)"}},
    ]
    yield together


def key(pk: str, sk: str = "a") -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def values(**named: Any) -> dict[str, Any]:
    return {f":{name}": {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in named.items()}


def items() -> Iterator[tuple[str, dict[str, Any]]]:
    for number in range(12):
        item = {**key(f"p{number % 4}", f"s{number:02}"), "owner": {"S": f"o{number % 2}"}, "n": {"N": str(number)}}
        yield "put_item", {"Item": item if number % 3 else {**item, **EVERY_TYPE}}
    yield "put_item", {"Item": key("p0", "s00"), "ConditionExpression": "attribute_not_exists(pk)"}
    yield "put_item", {"Item": {"pk": {"S": "no sort key"}}}
    yield "put_item", {"Item": {**key("p9"), "owner": {"S": ""}}}
    for pk, sk in (("p0", "s00"), ("p1", "s01"), ("p1", "nothing")):
        yield "get_item", {"Key": key(pk, sk), "ConsistentRead": True}
    yield (
        "get_item",
        {
            "Key": key("p0", "s00"),
            "ProjectionExpression": "#t, map.inner[0]",
            "ExpressionAttributeNames": {"#t": "text"},
        },
    )
    yield from updates()
    yield from queries()
    yield "delete_item", {"Key": key("p3", "s03"), "ReturnValues": "ALL_OLD"}
    yield "delete_item", {"Key": key("p3", "s03"), "ConditionExpression": "attribute_exists(pk)"}
    yield "scan", {"FilterExpression": "n > :n", "ExpressionAttributeValues": values(n=5)}


UPDATES: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("SET #a = :a", {"#a": "status"}, values(a="RUNNING")),
    ("SET #a = if_not_exists(#a, :a), b = :b", {"#a": "status"}, values(a="OTHER", b=1)),
    ("SET c = if_not_exists(c, :zero) + :one REMOVE b", {}, values(zero=0, one=1)),
    ("SET c = c + :one ADD d :one", {}, values(one=1)),
    ("SET m.inner = :a", {}, values(a="x")),
    ("SET l = list_append(if_not_exists(l, :empty), :more)", {}, {":empty": {"L": []}, ":more": {"L": [{"S": "x"}]}}),
    ("SET l[0] = :a REMOVE l[1]", {}, values(a="y")),
    ("ADD tags :tags", {}, {":tags": {"SS": ["a", "b"]}}),
    ("DELETE tags :tags", {}, {":tags": {"SS": ["a"]}}),
    ("SET pk = :a", {}, values(a="another key")),
    ("SET a = :a, a = :b", {}, values(a="x", b="y")),
    ("SET a = :a SET b = :a", {}, values(a="x")),
    ("SET #a = :a, #b = :a", {"#a": "same", "#b": "same"}, values(a="x")),
    ("SET a = :missing", {}, values(a="x")),
    ("SET #missing = :a", {"#a": "a"}, values(a="x")),
    ("SET #o = :a", {"#o": "owner"}, values(a=7)),
    ("SET #o = :a", {"#o": "owner"}, values(a="")),
    ("SET absent.inner = :a", {}, values(a="x")),
    ("SET map.inner[0] = :a REMOVE map.other", {}, values(a="x")),
    ("SET broken", {}, {}),
    ("REMOVE #a, absent", {"#a": "status"}, {}),
]


def updates() -> Iterator[tuple[str, dict[str, Any]]]:
    for expression, names, given in UPDATES:
        for pk in ("p0", "new"):
            yield "update_item", update(pk, expression, names, given) | {"ReturnValues": "ALL_NEW"}
    for condition in (
        "#s IN (:from0, :from1)",
        "attribute_not_exists(#s) OR #s IN (:from0, :from1)",
        "#s = :from0 AND (attribute_exists(pk) AND NOT begins_with(#s, :from1))",
        "size(#s) BETWEEN :from0 AND :from1",
        "nonsense(",
    ):
        for pk in ("p0", "fresh"):
            given = update(pk, "SET #s = :from1", {"#s": "status"}, values(from0="PENDING", from1="RUNNING"))
            conditional = {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
            yield "update_item", given | conditional
            yield "update_item", given | {"ConditionExpression": condition}


def update(pk: str, expression: str, names: dict[str, str], given: dict[str, Any]) -> dict[str, Any]:
    arguments = {"Key": key(pk, "s00"), "UpdateExpression": expression}
    optional = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": given}
    return arguments | {name: value for name, value in optional.items() if value}


def queries() -> Iterator[tuple[str, dict[str, Any]]]:
    by_key = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": values(pk="p0")}
    yield "query", by_key | {"ConsistentRead": True}
    yield "query", by_key | {"Limit": 2, "ScanIndexForward": False}
    yield "query", by_key | {"Limit": 2, "ExclusiveStartKey": key("p0", "s00")}
    yield "query", {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": values(pk="nobody")}
    ranged = {"KeyConditionExpression": "pk = :pk AND sk > :sk", "ExpressionAttributeValues": values(pk="p0", sk="s03")}
    yield "query", ranged | {"FilterExpression": "attribute_exists(n)", "Select": "COUNT"}
    for index in ("by_owner_all", "by_owner_keys_only"):
        by_owner = {
            "IndexName": index,
            "KeyConditionExpression": "#o = :o",
            "ExpressionAttributeNames": {"#o": "owner"},
        }
        yield "query", by_owner | {"ExpressionAttributeValues": values(o="o1")}
        yield "query", by_owner | {"ExpressionAttributeValues": values(o="o1"), "Limit": 3, "ScanIndexForward": False}
        yield "query", by_owner | {"ExpressionAttributeValues": values(o="nobody")}
    yield "query", by_key | {"IndexName": "no_such_index"}


def several_items() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "batch_get_item", {"RequestItems": {"t": {"Keys": [key("p0", "s00"), key("p1", "s01"), key("p1", "none")]}}}
    put = {"TableName": "t", "Item": {**key("tx"), **EVERY_TYPE}, "ConditionExpression": "attribute_not_exists(pk)"}
    set_one = {"TableName": "t", "ExpressionAttributeValues": values(one=1), "UpdateExpression": "ADD d :one"}
    absent = {"TableName": "t", "Key": key("nobody"), "ConditionExpression": "attribute_exists(pk)"}
    change = {**set_one, "Key": key("p1", "s01"), "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    yield "transact_write_items", {"TransactItems": [{"Put": put}, {"Update": change}]}
    yield "transact_write_items", {"TransactItems": [{"Update": change}, {"Put": put}]}
    yield "transact_write_items", {"TransactItems": [{"Update": change}, {"ConditionCheck": absent}]}
    yield "transact_write_items", {"TransactItems": [{"Update": change}, {"Update": change}]}
    yield "transact_write_items", {"TransactItems": [{"Update": {**change, "TableName": "no_such_table"}}]}
    yield (
        "transact_write_items",
        {
            "TransactItems": [
                {"Delete": {"TableName": "t", "Key": key("tx")}},
                {"Update": {**set_one, "Key": key("tx2")}},
            ]
        },
    )
    for pk, sk in (("p1", "s01"), ("tx", "a"), ("tx2", "a")):
        yield "get_item", {"TableName": "t", "Key": key(pk, sk)}
    yield (
        "query",
        {"TableName": "t", "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": values(pk="tx")},
    )
    yield "describe_table", {"TableName": "t"}


def read_stream(arn: str) -> Any:
    client = boto3.client("dynamodbstreams", region_name=REGION)
    shard = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    position = client.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    return client.get_records(ShardIterator=position["ShardIterator"])["Records"]


def objects() -> Iterator[Call]:
    client = boto3.client("s3", region_name=REGION)
    yield "create_bucket", client.create_bucket, {"Bucket": "bucket"}
    yield "put_object", client.put_object, {"Bucket": "bucket", "Key": "a/b c+é", "Body": b"x" * 100_000}
    yield "read", read_object, {"client": client, "Bucket": "bucket", "Key": "a/b c+é"}
    yield "get_object", client.get_object, {"Bucket": "bucket", "Key": "missing"}
    yield (
        "keys",
        lambda: [entry["Key"] for entry in client.list_objects_v2(Bucket="bucket", Prefix="a/")["Contents"]],
        {},
    )


def read_object(client: Any, **place: str) -> bytes:
    body: bytes = client.get_object(**place)["Body"].read()
    return body


STATES: dict[str, Any] = {
    "One": {
        "Type": "Pass",
        "Parameters": {"n.$": "$.n", "name.$": "$$.State.Name"},
        "ResultPath": "$.one",
        "Next": "Two",
    },
    "Two": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "No"}], "Default": "Yes"},
    "Yes": {"Type": "Succeed"},
    "No": {"Type": "Fail", "Error": "Wrong", "Cause": "it was one"},
}
MACHINE = f"arn:aws:states:{REGION}:123456789012:stateMachine:m"
RUNS = (("1", '{"n": 1}'), ("2", '{"n": 2}'), ("1", '{"n": 1}'), ("3", "not json"), ("4", "{}"))


def machines() -> Iterator[Call]:
    client = boto3.client("stepfunctions", region_name=REGION)
    definition = json.dumps({"StartAt": "One", "States": STATES})
    for given in ("{}", definition, definition):
        yield "create", create_machine, {"client": client, "definition": given}
    for name, given in RUNS:
        yield "run", run_machine, {"client": client, "name": name, "given": given}
    yield (
        "describe",
        client.describe_execution,
        {"executionArn": f"{MACHINE.replace('stateMachine', 'execution')}:none"},
    )
    yield "start", client.start_execution, {"stateMachineArn": MACHINE + "x", "name": "n", "input": "{}"}


def create_machine(client: Any, definition: str) -> Any:
    role = "arn:aws:iam::123456789012:role/r"
    return client.create_state_machine(name="m", roleArn=role, definition=definition)["stateMachineArn"]


def run_machine(client: Any, name: str, given: str) -> Any:
    arn = client.start_execution(stateMachineArn=MACHINE, name=name, input=given)["executionArn"]
    while (told := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(0.002)
    events = [event["type"] for event in client.get_execution_history(executionArn=arn)["events"]]
    return [told["status"], told.get("output"), told.get("error"), told.get("cause"), events]


if __name__ == "__main__":
    sys.exit(main())
