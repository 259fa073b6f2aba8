"""The environment variables of this process while it is AWS and all of the stack's functions at once."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from local.errors import ConflictingVariableError
from local.lambda_runtime import Function
from local.template import REGION

# Where else boto3 would look for an account: a developer's own must not be found.
FOREIGN = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "MOTO_ACCOUNT_ID",
    "TEST_SERVER_MODE",
    "TEST_PROXY_MODE",
)


def aws_variables(s3_endpoint: str) -> dict[str, str]:
    """What points every boto3 client at the AWS of this process."""
    return {
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",  # DynamoDB Streams of moto need it
        "AWS_ENDPOINT_URL_S3": s3_endpoint,  # so that pre-signed links can be opened
        "VALIDATE_LAMBDA_S3": "false",  # moto: functions need no uploaded code
        **_unproxied("NO_PROXY"),
        **_unproxied("no_proxy"),
    }


def metric_variables(log_level: str) -> dict[str, str]:
    """Metrics are lines of standard output, whatever the log's level: who does not ask to see INFO is spared them."""
    return {} if log_level in ("DEBUG", "INFO") else {"POWERTOOLS_METRICS_DISABLED": "true"}


def function_variables(functions: Iterable[Function]) -> dict[str, str]:
    """The variables of all functions together. Raises ConflictingVariableError."""
    union: dict[str, str] = {}
    for function in functions:
        for name, value in function.variables.items():
            if union.setdefault(name, value) != value:
                raise ConflictingVariableError(
                    f"The variable {name} is {value!r} in {function.logical_id}, and {union[name]!r} elsewhere."
                    " The local stack runs all functions in one process: give it one value, or two names."
                )
    return union


@contextmanager
def environment(variables: Mapping[str, str], without: Iterable[str] = ()) -> Iterator[None]:
    """These variables inside, and everything as it was afterwards."""
    before = dict(os.environ)
    for name in without:
        os.environ.pop(name, None)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def endpoint_variables() -> list[str]:
    return [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL")]


def _unproxied(name: str) -> dict[str, str]:
    hosts = [host for host in (os.environ.get(name), "127.0.0.1", "localhost") if host]
    return {name: ",".join(hosts)}
