"""AWS's clients: made once per process, when first asked for, with what they may take of a request's time."""

from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.session import Session

from stepcall.aws.session import open_session

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_stepfunctions import SFNClient

# The gateway waits 29 s for an answer: a call that hangs is given up, tried again, and reported within 20 s.
CONFIG = Config(
    connect_timeout=1,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
)
# In the oldest regions pre-signed links would be signed by version 2, which buckets of today refuse.
S3_CONFIG = CONFIG.merge(Config(signature_version="s3v4"))
# The SQL worker answers within its own 20 s; what it was asked is not asked twice.
LAMBDA_CONFIG = CONFIG.merge(Config(read_timeout=25, retries={"total_max_attempts": 1}))


@cache
def session() -> Session:
    return open_session()


def make_client(service: str, config: Config = CONFIG) -> Any:
    """A new client, in a tenth of the time that the session's first one takes."""
    return session().create_client(service, config=config)


@cache
def dynamodb() -> "DynamoDBClient":
    client: DynamoDBClient = make_client("dynamodb")
    return client


@cache
def stepfunctions() -> "SFNClient":
    client: SFNClient = make_client("stepfunctions")
    return client


@cache
def s3() -> "S3Client":
    client: S3Client = make_client("s3", S3_CONFIG)
    return client


@cache
def lambda_() -> "LambdaClient":
    client: LambdaClient = make_client("lambda", LAMBDA_CONFIG)
    return client


@cache
def secretsmanager() -> "SecretsManagerClient":
    client: SecretsManagerClient = make_client("secretsmanager")
    return client
