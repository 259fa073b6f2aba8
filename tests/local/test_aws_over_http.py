"""moto's own server over the backends of this process, asked by another process, for in this one boto3 goes no way."""

import json
import os
import subprocess
import sys

import boto3
from moto import mock_aws

from local.aws_over_http import aws_over_http
from local.http_server import bind

ASK = """
import boto3, json
tables, objects = boto3.client("dynamodb"), boto3.client("s3")
objects.put_object(Bucket="kept", Key="a/b c", Body=b"from elsewhere")
read = objects.get_object(Bucket="kept", Key="from here")["Body"].read().decode()
print(json.dumps([tables.list_tables()["TableNames"], read]))
"""


def test_another_process_reads_and_writes_the_aws_of_this_one() -> None:
    bound = bind(0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    with mock_aws(), aws_over_http(bound, {}):
        boto3.client("dynamodb", region_name="us-east-1").create_table(
            TableName="made-here",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        objects = boto3.client("s3", region_name="us-east-1")
        objects.create_bucket(Bucket="kept")
        objects.put_object(Bucket="kept", Key="from here", Body=b"from here")
        env = {**os.environ, "AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "us-east-1"}
        told = subprocess.run(  # noqa: S603
            [sys.executable, "-c", ASK], env=env, capture_output=True, text=True, check=True
        )
        assert json.loads(told.stdout) == [["made-here"], "from here"]
        assert objects.get_object(Bucket="kept", Key="a/b c")["Body"].read() == b"from elsewhere"
