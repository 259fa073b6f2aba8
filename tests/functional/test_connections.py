"""Connections and datasets over HTTP: files that callers bring become tables, and are shown as such."""

import json
import urllib.request
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import UUID

import boto3
import pytest

from local.stack import LocalStack
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from tests.api_keys import api_key
from tests.functional.conftest import Answer, Api

CSV = b'id,city,"opened on",size\n1,Brno,2024-01-31,1.5\n2,"Ces, ""Vsetin""",2023-12-24,2\n3,,,\n'
NDJSON = b'{"id": 1, "tags": ["a", "b"], "open": true}\n{"id": 2, "tags": [], "open": null}\n'
NUMBERS = count(1)


@pytest.fixture
def connection(api: Api) -> str:
    """The name of one that is the test's own."""
    name = f"sales_{next(NUMBERS)}"
    assert api("POST", "/connections", {"name": name}).status == 201
    return name


@pytest.fixture
def stranger(stack: LocalStack) -> Api:
    keys = DynamoApiKeyStore(boto3.client("dynamodb"), stack.deployment.names["WorkflowsTable"])
    keys.put(api_key("sc_of_connections_elsewhere", "elsewhere"))
    return Api(stack.url, "sc_of_connections_elsewhere")


def put(api: Api, connection: str, dataset: str, content: bytes, content_type: str = "text/csv") -> Answer:
    path = f"/connections/{connection}/datasets/{dataset}"
    return api("PUT", path, raw=content, headers={"content-type": content_type})


def put_named(api: Api, connection: str, dataset: str, **said: Any) -> Answer:
    return api("PUT", f"/connections/{connection}/datasets/{dataset}", said)


def put_to(opened: Any, content: bytes) -> int:
    """As anybody would who has the address: without credentials."""
    request = urllib.request.Request(opened["url"], method=opened["method"], data=content)
    with urllib.request.urlopen(request, timeout=20) as answer:
        status: int = answer.status
        return status


def upload(api: Api, content: bytes) -> str:
    opened = api("POST", "/uploads").json
    assert put_to(opened, content) == 200
    upload_id: str = opened["upload_id"]
    return upload_id


def types(dataset: Any) -> dict[str, str]:
    return {column["name"]: column["type"] for column in dataset["columns"]}


def problems(answer: Answer, kind: str = "invalid-dataset", status: int = 400) -> dict[str, str]:
    """Codes by location."""
    assert answer.status == status, answer.text
    assert answer.json["type"] == f"urn:stepcall:problem:{kind}"
    return {problem["location"]: problem["code"] for problem in answer.json["errors"]}


def test_a_connection_is_made_shown_and_deleted(api: Api) -> None:
    answer = api("POST", "/connections", {"name": "shown", "location": "EU"})
    assert (answer.status, answer.headers["location"]) == (201, "/connections/shown")
    made = answer.json
    assert made == {
        "connectionId": str(UUID(made["connectionId"])),
        "name": "shown",
        "engine": "duckdb",
        "location": "EU",
        "created_at": made["created_at"],
        "datasets": [],
    }
    assert api("GET", "/connections/shown").json == made
    assert made in api("GET", "/connections").json["connections"]
    again = api("POST", "/connections", {"name": "shown"})
    assert (again.status, again.json["type"]) == (409, "urn:stepcall:problem:connection-exists")
    assert api("DELETE", "/connections/shown").status == 204
    for method in ("GET", "DELETE"):
        assert api(method, "/connections/shown").json["type"] == "urn:stepcall:problem:connection-not-found"


def test_the_default_connection_is_there_first_and_stays(api: Api) -> None:
    first = api("GET", "/connections").json["connections"][0]
    assert (first["name"], first["engine"], first["location"]) == ("carto_dw", "duckdb", "US")
    assert "created_at" not in first
    assert api("POST", "/connections", {"name": "carto_dw"}).status == 409
    refused = api("DELETE", "/connections/carto_dw")
    assert (refused.status, refused.json["type"]) == (409, "urn:stepcall:problem:default-connection")


def test_csv_becomes_a_dataset_with_the_types_that_it_has(api: Api, connection: str) -> None:
    answer = put(api, connection, "stores", CSV, "text/csv; charset=utf-8")
    assert answer.status == 201
    assert types(answer.json) == {"id": "INT64", "city": "STRING", "opened on": "DATE", "size": "FLOAT64"}
    assert (answer.json["name"], answer.json["row_count"], answer.json["size"] > 0) == ("stores", 3, True)
    assert api("GET", f"/connections/{connection}").json["datasets"] == [answer.json]


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "application/jsonl", "application/octet-stream"])
def test_ndjson_becomes_a_dataset(api: Api, connection: str, content_type: str) -> None:
    answer = put(api, connection, "lines", NDJSON, content_type)
    assert answer.status == 201, answer.text
    assert types(answer.json) == {"id": "INT64", "tags": "ARRAY<STRING>", "open": "BOOL"}
    assert answer.json["row_count"] == 2


@pytest.mark.parametrize("content_type", ["application/vnd.apache.parquet", "application/octet-stream"])
def test_parquet_becomes_a_dataset(api: Api, connection: str, content_type: str, stack: LocalStack) -> None:
    put(api, connection, "stores", CSV)
    parquet = stored_object(stack, connection, "stores")
    assert parquet.startswith(b"PAR1")
    answer = put(api, connection, "copied", parquet, content_type)
    assert answer.status == 201, answer.text
    assert types(answer.json) == {"id": "INT64", "city": "STRING", "opened on": "DATE", "size": "FLOAT64"}


def stored_object(stack: LocalStack, connection: str, dataset: str) -> bytes:
    """The newest object of a dataset of that name."""
    s3, bucket = boto3.client("s3"), stack.deployment.names["DataBucket"]
    there = s3.list_objects_v2(Bucket=bucket, Prefix="datasets/")["Contents"]
    [*_, newest] = sorted(
        (each for each in there if f"/{dataset}-" in each["Key"]), key=lambda each: each["LastModified"]
    )
    body: bytes = s3.get_object(Bucket=bucket, Key=newest["Key"])["Body"].read()
    return body


def test_a_dataset_that_is_put_again_is_the_later_one_and_one_that_is_deleted_is_gone(
    api: Api, connection: str
) -> None:
    assert put(api, connection, "stores", CSV).status == 201
    again = put(api, connection, "stores", b"name\nx\n")
    assert (again.status, again.json["row_count"], types(again.json)) == (200, 1, {"name": "STRING"})
    path = f"/connections/{connection}/datasets/stores"
    assert api("DELETE", path).status == 204
    assert api("DELETE", path).json["type"] == "urn:stepcall:problem:dataset-not-found"
    assert api("GET", f"/connections/{connection}").json["datasets"] == []


def test_a_file_is_uploaded_without_a_key_and_becomes_a_dataset_by_its_id(api: Api, connection: str) -> None:
    opened = api("POST", "/uploads")
    assert opened.status == 201
    assert put_to(opened.json, NDJSON) == 200
    answer = put_named(api, connection, "lines", upload_id=opened.json["upload_id"])
    assert (answer.status, answer.json["row_count"]) == (201, 2)
    said = put_named(api, connection, "said", upload_id=upload(api, b"{a},b\n1,2\n"), format="csv")
    assert (said.status, types(said.json)) == (201, {"_a_": "INT64", "b": "INT64"})


def test_more_than_five_megabytes_are_uploaded_first(api: Api, connection: str) -> None:
    rows = b"id,text\n" + b"".join(b"%d,%s\n" % (number, b"x" * 90) for number in range(52_000))
    assert len(rows) > 5_000_000
    refused = put(api, connection, "large", rows)
    assert (refused.status, "POST /uploads" in refused.json["detail"]) == (413, True)
    answer = put_named(api, connection, "large", upload_id=upload(api, rows))
    assert (answer.status, answer.json["row_count"]) == (201, 52_000)
    almost = rows[:4_900_000].rpartition(b"\n")[0]
    assert put(api, connection, "almost", almost).status == 201


def test_a_connection_is_made_with_uploaded_datasets(api: Api) -> None:
    files = {"stores": upload(api, CSV), "lines": upload(api, NDJSON)}
    answer = api("POST", "/connections", {"name": "filled", "datasets": files})
    assert answer.status == 201, answer.text
    assert [(each["name"], each["row_count"]) for each in answer.json["datasets"]] == [("stores", 3), ("lines", 2)]
    shown = api("GET", "/connections/filled").json
    assert sorted(each["name"] for each in shown["datasets"]) == ["lines", "stores"]
    [listed] = [each for each in api("GET", "/connections").json["connections"] if each["name"] == "filled"]
    without = [{name: value for name, value in each.items() if name != "columns"} for each in shown["datasets"]]
    assert listed == shown | {"datasets": without}


def test_all_that_is_wrong_with_a_new_connection_is_told_and_nothing_is_made(api: Api, stranger: Api) -> None:
    sent = {
        "name": "wrong",
        "datasets": {
            "good": upload(api, CSV),
            "unknown": "upl_" + "0" * 25,
            "theirs": upload(stranger, CSV),
            "elsewhere": "s3://some-bucket/x.csv",
        },
    }
    assert problems(api("POST", "/connections", sent)) == {
        "/datasets/unknown": "unknown_upload",
        "/datasets/theirs": "unknown_upload",
        "/datasets/elsewhere": "unknown_bucket",
    }
    assert problems(api("POST", "/connections", {"name": "1", "engine": "duck", "more": 1}), "invalid-request") == {
        "/name": "invalid_value",
        "/engine": "unknown_value",
        "/more": "unknown_field",
    }
    named = {"a/b": "upl_x", "B": "upl_x", "b": "upl_x"}
    assert problems(api("POST", "/connections", {"name": "wrong", "datasets": named})) == {
        "/datasets/a~1b": "invalid_name",
        "/datasets/B": "duplicate_name",
        "/datasets/b": "duplicate_name",
    }
    assert api("GET", "/connections/wrong").status == 404


@pytest.mark.parametrize(
    "source",
    ["s3://{bucket}/{key}", "s3://{bucket}/runs/x.csv", "{key}", "datasets/x", "s3://some-bucket/x.csv"],
)
def test_the_own_bucket_is_no_source_nor_is_any_that_is_not_named(
    api: Api, connection: str, stack: LocalStack, stranger: Api, source: str
) -> None:
    """What lies there is every tenant's."""
    assert put(stranger, "carto_dw", "secret", CSV).status in {200, 201}
    bucket = stack.deployment.names["DataBucket"]
    there = boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix="datasets/elsewhere/")["Contents"]
    said = source.format(bucket=bucket, key=there[0]["Key"])
    for field in ("s3", "upload_id"):
        answer = put_named(api, connection, "stolen", **{field: said}, format="parquet")
        assert answer.status == 400, answer.text
    assert api("GET", f"/connections/{connection}").json["datasets"] == []


@pytest.mark.parametrize(
    ("content", "content_type", "found"),
    [
        (b"a,b\n1,2", "application/x-www-form-urlencoded", {"/content-type": "unknown_type"}),
        (b"a,b\n1,2", "text/plain", {"/content-type": "unknown_type"}),
        (b"a,b\n1,2", "text/csv; Charset=ISO-8859-1", {"/content-type": "unknown_charset"}),
        (b"", "text/csv", {"": "missing"}),
        (b'{"upload_id": "x", "s3": "s3://a"}', "application/json", {"": "invalid_value"}),
        (b'{"format": "csv"}', "application/json", {"": "invalid_value"}),
        (b'{"upload_id": "x", "format": "xlsx"}', "application/json", {"/format": "unknown_value"}),
        (b'{"uplod_id": "x"}', "application/json", {"/uplod_id": "unknown_field"}),
        (b"[]", "application/json", {"": "wrong_type"}),
    ],
)
def test_what_is_no_file_is_refused_with_its_place(
    api: Api, connection: str, content: bytes, content_type: str, found: dict[str, str]
) -> None:
    assert problems(put(api, connection, "stores", content, content_type), "invalid-request") == found


def test_a_type_that_is_not_taken_is_told_with_what_arrived(api: Api, connection: str) -> None:
    told = put(api, connection, "stores", CSV, "Text/Plain; x=y").json["errors"][0]["message"]
    assert "and this is text/plain." in told
    assert "-H" not in told
    by_curl = put(api, connection, "stores", CSV, "application/x-www-form-urlencoded").json["errors"][0]["message"]
    assert "say `-H 'content-type: text/csv'`" in by_curl


def test_a_body_of_no_type_that_names_a_file_is_read_as_such_and_a_table_of_lines_is_not(
    api: Api, connection: str
) -> None:
    assert problems(put(api, connection, "named", b' {"upload_id": "upl_x"}', "")) == {"/upload_id": "unknown_upload"}
    lines = put(api, connection, "named", b'{"upload_id": "a"}\n{"upload_id": "b"}', "")
    assert (lines.status, lines.json["row_count"]) == (201, 2), lines.text
    one = put(api, connection, "named", b'{"upload_id": "a"}', "application/x-ndjson")
    assert (one.status, one.json["row_count"]) == (200, 1), one.text


@pytest.mark.parametrize(
    ("content", "content_type"),
    [(b"not parquet", "application/vnd.apache.parquet"), (b'{"a": ', "application/x-ndjson")],
)
def test_a_file_that_is_not_what_it_says_is_refused(
    api: Api, connection: str, content: bytes, content_type: str
) -> None:
    assert problems(put(api, connection, "stores", content, content_type)) == {"": "unreadable_file"}
    assert api("GET", f"/connections/{connection}").json["datasets"] == []


def test_a_header_without_rows_is_an_empty_table(api: Api, connection: str) -> None:
    answer = put(api, connection, "empty", b"id,city\n")
    assert (answer.status, answer.json["row_count"], list(types(answer.json))) == (201, 0, ["id", "city"])


def test_malformed_json_is_told_as_such(api: Api, connection: str) -> None:
    answer = put(api, connection, "stores", b'{"upload_id": ', "application/json")
    assert (answer.status, answer.json["type"]) == (400, "urn:stepcall:problem:malformed-json")


def test_names_that_cannot_be_are_refused(api: Api, connection: str) -> None:
    assert problems(put(api, connection, "1st", CSV)) == {"/dataset": "invalid_name"}
    assert api("GET", "/connections/no%20such").status == 404
    assert put(api, "no-such", "stores", CSV).json["type"] == "urn:stepcall:problem:connection-not-found"
    assert put(api, "1", "stores", CSV).status == 404
    assert api("DELETE", f"/connections/{connection}/datasets/a%20b").status == 404


def test_another_tenant_has_connections_of_its_own(api: Api, connection: str, stranger: Api) -> None:
    put(api, connection, "stores", CSV)
    for answer in (
        stranger("GET", f"/connections/{connection}"),
        stranger("DELETE", f"/connections/{connection}"),
        put(stranger, connection, "stores", CSV),
        stranger("DELETE", f"/connections/{connection}/datasets/stores"),
    ):
        assert answer.status == 404
    assert connection not in stranger("GET", "/connections").text
    assert [each["name"] for each in api("GET", f"/connections/{connection}").json["datasets"]] == ["stores"]


def test_a_key_with_a_granted_source_sees_its_connection_alone_and_changes_none(api: Api, connection: str) -> None:
    wanted = {
        "name": "narrow",
        "scopes": ["workflows:read", "workflows:write"],
        "grants": {"sources": [{"connection_name": connection, "source": "*"}]},
    }
    narrow = replace(api, key=api("POST", "/api-keys", wanted).json["api_key"])
    assert [each["name"] for each in narrow("GET", "/connections").json["connections"]] == [connection]
    assert narrow("GET", f"/connections/{connection}").status == 200
    for answer in (
        narrow("GET", "/connections/carto_dw"),
        put(narrow, connection, "stores", CSV),
        narrow("DELETE", f"/connections/{connection}"),
        narrow("POST", "/connections", {"name": "another"}),
        narrow("POST", "/uploads"),
    ):
        assert (answer.status, answer.json["type"]) == (403, "urn:stepcall:problem:not-granted")


def test_a_key_for_one_workflow_neither_reads_nor_learns_of_data_that_it_is_not_granted(
    api: Api, connection: str
) -> None:
    put(api, connection, "stores", CSV)
    one = api.define(name="mine", tasks=[{"ref": "a", "type": "Data.Transform", "input": {"expression": "1"}}])
    wanted = {"name": "of one", "scopes": ["workflows:read", "workflows:write"], "grants": {"workflows": [one]}}
    narrow = replace(api, key=api("POST", "/api-keys", wanted).json["api_key"])
    told = []
    for name in (connection, "nowhere"):
        query = {"ref": "q", "type": "Sql.Query", "input": {"query": "SELECT no_column FROM stores"}}
        definition = {"name": "mine", "connection": name, "tasks": [query]}
        changed = narrow("PUT", f"/workflows/{one}", definition)
        enabled = narrow("POST", f"/workflows/{one}/api-access", {"connection": name})
        checked = narrow("POST", "/workflows/validate", definition)
        assert [changed.status, enabled.status, checked.json["valid"]] == [400, 400, False]
        answers = (changed.json["errors"], enabled.json["errors"], checked.json["errors"])
        told.append(json.dumps(answers).replace(name, "NAME"))
    assert told[0] == told[1]
    assert "unknown_connection" in told[0]
    assert api("GET", f"/workflows/{one}").json["workflow_version"] == 1
