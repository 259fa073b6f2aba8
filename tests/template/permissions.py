"""IAM as far as Stepcall uses it: what a call needs, and whether a role's statements give it.

moto checks actions only ("once the Resource element in IAM policies is supported", it says), so it is done here.
Source: docs.aws.amazon.com/service-authorization/latest/reference, one page per service.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.template.sam_template import as_list

TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
Parameters = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Permission:
    """In a statement the resource is a pattern."""

    action: str
    resource: str

    def gives(self, needed: "Permission") -> bool:
        pattern = re.escape(self.resource).replace(r"\*", ".*").replace(r"\?", ".")
        return self.action == needed.action and re.fullmatch(pattern, needed.resource) is not None


def given_by(statements: list[dict[str, Any]]) -> set[Permission]:
    """Every action of the statements with every resource of its own statement."""
    return {
        Permission(action, resource)
        for statement in statements
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def needed_for(operation: str, parameters: Parameters, arn_of: Callable[[str, str], str]) -> set[Permission]:
    """What an API call needs; `operation` is `dynamodb.GetItem`, `arn_of` makes an ARN of service and resource."""
    service, _, name = operation.partition(".")
    found = {
        "dynamodb": _dynamodb,
        "s3": _s3,
        "sfn": _states,
        "secrets-manager": _secrets,
        "lambda": _lambda,
        "eventbridge": _events,
        "sqs": _sqs,
        "scheduler": _scheduler,
    }[service]
    return set(found(name, parameters, arn_of))


def _dynamodb(name: str, parameters: Parameters, arn_of: Callable[[str, str], str]) -> Iterator[Permission]:
    if name == "TransactWriteItems":
        for item in parameters["TransactItems"]:
            for kind, write in item.items():
                yield from _dynamodb(TRANSACTED[kind], write, arn_of)
    elif name == "BatchGetItem":
        for table in parameters["RequestItems"]:
            yield Permission("dynamodb:BatchGetItem", arn_of("dynamodb", f"table/{table}"))
    else:
        index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
        yield Permission(f"dynamodb:{name}", arn_of("dynamodb", f"table/{parameters['TableName']}{index}"))


def _s3(name: str, parameters: Parameters, _: Callable[[str, str], str]) -> Iterator[Permission]:
    if name in {"ListObjectsV2", "ListBucket"}:
        yield Permission("s3:ListBucket", f"arn:aws:s3:::{parameters['Bucket']}")
        return
    multipart = {"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"}
    action = "PutObject" if name in multipart else {"HeadObject": "GetObject"}.get(name, name)
    yield Permission(f"s3:{action}", f"arn:aws:s3:::{parameters['Bucket']}/{parameters['Key']}")


def _states(name: str, parameters: Parameters, arn_of: Callable[[str, str], str]) -> Iterator[Permission]:
    if name == "CreateStateMachine":
        yield Permission("states:CreateStateMachine", arn_of("states", f"stateMachine:{parameters['name']}"))
        yield Permission("iam:PassRole", parameters["roleArn"])
    elif "taskToken" in parameters:  # it says which machine is meant, to AWS alone
        yield Permission(f"states:{name}", arn_of("states", "stateMachine:stepcall-under-test-of-a-token"))
    else:
        yield Permission(f"states:{name}", parameters.get("executionArn") or parameters["stateMachineArn"])


def _secrets(name: str, parameters: Parameters, _: Callable[[str, str], str]) -> Iterator[Permission]:
    yield Permission(f"secretsmanager:{name}", parameters["SecretId"])


def _lambda(name: str, parameters: Parameters, _: Callable[[str, str], str]) -> Iterator[Permission]:
    yield Permission({"Invoke": "lambda:InvokeFunction"}[name], parameters["FunctionName"])


def _sqs(name: str, parameters: Parameters, arn_of: Callable[[str, str], str]) -> Iterator[Permission]:
    yield Permission(f"sqs:{name}", arn_of("sqs", parameters["QueueUrl"].rpartition("/")[2]))


def _events(name: str, parameters: Parameters, arn_of: Callable[[str, str], str]) -> Iterator[Permission]:
    if name == "PutEvents":
        for entry in parameters["Entries"]:
            yield Permission(f"events:{name}", arn_of("events", f"event-bus/{entry['EventBusName']}"))
    else:
        bus, rule = parameters["EventBusName"], parameters.get("Rule") or parameters["Name"]
        yield Permission(
            f"events:{name}", arn_of("events", f"rule/{rule}" if bus == "default" else f"rule/{bus}/{rule}")
        )


def _scheduler(name: str, parameters: Parameters, arn_of: Callable[[str, str], str]) -> Iterator[Permission]:
    yield Permission(
        f"scheduler:{name}", arn_of("scheduler", f"schedule/{parameters['GroupName']}/{parameters['Name']}")
    )
    if name != "DeleteSchedule":
        yield Permission("iam:PassRole", parameters["Target"]["RoleArn"])
