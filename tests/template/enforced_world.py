"""A life under moto's IAM, in a process of its own: whole, and without a permission, for a few of them.

python -m tests.template.enforced_world

The whole one is lived once. Where a function begins, copies of the process go on without one permission each. A copy
to which nothing is refused until the next function begins is given up; else it lives to its end. Before the first call
that needs a permission, a life without it is the same.

What is moto's: whether the key is one of an assumed role's, its session, the signature, the role's policies, and what
they say of an action and a resource. What moto lacks:

- Which permissions a call needs. It asks for the operation by name on `*`: for dynamodb:TransactWriteItems, which IAM
  does not know, and for no iam:PassRole with states:CreateStateMachine. `permissions.py` tells it.
- Conditions other than StringEquals, and bucket policies. They are held as facts of the template only.
"""

import contextlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, unquote

import boto3
from moto.core.authorization import enable_iam_authentication
from moto.iam.access_control import IAMPolicy, IAMPolicyStatement, IAMRequestBase, PermissionResult
from moto.iam.models import iam_backends

from tests.template.deployed_stack import Deployed, account, deploy
from tests.template.life import ACCOUNT_ID, FUNCTION_ARN, Account, arn_of, functions_in, give_key, live
from tests.template.parted_lives import PartedLives
from tests.template.permissions import Permission, given_by, needed_for
from tests.template.sam_template import as_list
from tests.template.short_lives import short_lives

STACK = "stepcall-under-test"
# One for each role, and the two that moto alone does not ask for: a part of a transaction, and a role that is passed.
REMOVED = (
    ("WorkflowsApiRole", "dynamodb:PutItem"),
    ("WorkflowsApiRole", "iam:PassRole"),
    ("RunDataTaskRole", "s3:GetObject"),
    ("FinishRunRole", "dynamodb:UpdateItem"),
    ("CartoApiRole", "lambda:InvokeFunction"),
    ("WaveApiRole", "s3:GetObject"),
    ("AmperityApiRole", "states:StopExecution"),
    ("PublishRunEventsRole", "events:PutEvents"),
    ("DeliverWebhookRole", "states:StartExecution"),
    ("StartWaitingRunsRole", "dynamodb:DeleteItem"),
    ("StartTriggeredRunRole", "s3:PutObject"),
    ("RunWorkflowTaskRole", "dynamodb:PutItem"),
    ("SweepRunsRole", "scheduler:CreateSchedule"),
)
POLICY = "as-json"
# boto3's names of services where they are not IAM's
CLIENTS = {"states": "sfn", "secretsmanager": "secrets-manager", "events": "eventbridge"}
Credentials = dict[str, str]
_create_aws_request = IAMRequestBase._create_aws_request


class Enforcement:
    """Stands in for moto's question of what is permitted; notes what was refused."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.refused: list[Permission] = []

    def check(self, request: Any, resource: str) -> None:
        service, _, name = request._action.partition(":")
        operation = f"{CLIENTS.get(service, service)}.{name}"
        self.asked.add(request._action)
        missing = [
            need for need in needed_for(operation, _parameters(request, resource), arn_of) if not _has(request, need)
        ]
        self.refused += missing
        if missing:
            request._raise_access_denied()


@dataclass
class EnforcedAccount(Account):
    """Each function calls with the credentials of its role, as on Lambda."""

    credentials: dict[str, Credentials] = field(default_factory=dict)
    enforcement: Enforcement = field(default_factory=Enforcement)
    lives: PartedLives = field(default_factory=PartedLives)

    def become(self, role_id: str) -> None:
        self.part_with(role_id)
        super().become(role_id)
        for name, value in self.credentials[role_id].items():
            self.patch.setenv(name, value)

    def part_with(self, role_id: str) -> None:
        """The role's function begins, and in another life without one of its permissions."""
        if self.lives.is_copy:
            if not self.enforcement.refused:
                self.lives.give_up()  # it was not asked for; when the function begins again it may be
            return
        for role, action in REMOVED:
            name = f"{role} {action}"
            if role == role_id and name not in self.lives.told:
                self.lives.part(name, partial(take, self.deployed, role, action))
                if self.lives.is_copy:
                    return


def _parameters(request: Any, resource: str) -> dict[str, Any]:
    if request._service == "s3":
        bucket, _, key = resource.rpartition(":")[2].partition("/")
        return {"Bucket": bucket, "Key": key}
    if request._service == "lambda":
        return {"FunctionName": unquote(request._path.split("/")[3])}
    if request._service == "scheduler":
        return _of_schedule(request)
    body: dict[str, Any] = json.loads(request._body)
    return body


def _of_schedule(request: Any) -> dict[str, Any]:
    """The name stands in the path; the group in the body, or in the query of what has none."""
    path, _, query = request._path.partition("?")
    body = json.loads(request._body) if request._body else {"GroupName": parse_qs(query)["groupName"][0]}
    return {"Name": unquote(path.split("/")[2]), **body}


def _has(request: Any, needed: Permission) -> bool:
    conditions = {"iam:PassedToService": f"{request._service}.amazonaws.com"}
    policies = [IAMPolicy(policy) for policy in request._access_key.collect_policies()]
    statements = [IAMPolicyStatement(each) for policy in policies for each in as_list(policy._policy_json["Statement"])]
    said = [
        # for moto, a statement about another resource refuses this one when its condition is not met
        statement.is_action_permitted(needed.action, needed.resource, incoming_condition_values=conditions)
        for statement in statements
        if statement._check_element_matches("Resource", needed.resource)
    ]
    return PermissionResult.PERMITTED in said and PermissionResult.DENIED not in said


def assume_roles(session: boto3.Session, deployed: Deployed) -> dict[str, Credentials]:
    sts, iam = session.client("sts"), session.client("iam")
    found = {}
    for role_id in deployed.statements:
        arn = iam.get_role(RoleName=deployed.names[role_id])["Role"]["Arn"]
        given = sts.assume_role(RoleArn=arn, RoleSessionName="function")["Credentials"]
        found[role_id] = {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }
    return found


def write_policy(session: boto3.Session, role_name: str, statements: list[dict[str, Any]]) -> None:
    """As JSON and in place of the others: moto's own CloudFormation writes what its IAM cannot read."""
    iam = session.client("iam")
    for name in iam.list_role_policies(RoleName=role_name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role_name, PolicyName=name)
    iam.put_role_policy(RoleName=role_name, PolicyName=POLICY, PolicyDocument=_document(statements))


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def without(statements: list[dict[str, Any]], action: str) -> list[dict[str, Any]]:
    """The same permissions one by one, but for one action."""
    return [
        {"Effect": "Allow", "Action": permission.action, "Resource": permission.resource}
        for permission in sorted(given_by(statements))
        if permission.action != action
    ]


def take(deployed: Deployed, role_id: str, action: str) -> None:
    """Past moto's API, whose callers are asked for their permissions already."""
    document = _document(without(deployed.statements[role_id], action))
    iam_backends[ACCOUNT_ID]["aws"].put_role_policy(deployed.names[role_id], POLICY, document)


@contextlib.contextmanager
def enforced() -> Iterator[Enforcement]:
    enforcement = Enforcement()

    def check(request: Any, resource: str) -> None:
        enforcement.check(request, resource)

    checking = patch.object(IAMRequestBase, "check_action_permitted", check)
    signing = patch.object(IAMRequestBase, "_create_aws_request", _as_it_was_signed)
    with checking, signing, enable_iam_authentication():
        yield enforcement


def _as_it_was_signed(request: Any) -> Any:
    """moto takes the query of a request without a body for its body, and finds the signature wrong."""
    if request._method == "DELETE":
        request._data = {}
    return _create_aws_request(request)


def live_enforced(
    deployed: Deployed, credentials: dict[str, Credentials]
) -> tuple[Enforcement, str, dict[str, dict[str, Any]]]:
    """What was asked and refused, how the life ended (empty when whole), and what those told that parted from it."""
    with functions_in(deployed, EnforcedAccount) as functions, enforced() as enforcement:
        assert isinstance(functions, EnforcedAccount)
        functions.credentials, functions.enforcement = credentials, enforcement
        end = how_it_ends(functions)
        if functions.lives.is_copy:
            functions.lives.end({"refused": sorted({need.action for need in enforcement.refused}), "end": end})
        return enforcement, end, functions.lives.told


def how_it_ends(functions: Account) -> str:
    try:
        live(functions)
    except Exception as exc:  # what a refusal becomes is the function's own affair
        return repr(exc)
    return ""


def make_world() -> dict[str, Any]:
    with account() as session, short_lives():
        deployed = deploy(session, STACK, {"InvokableFunctionArns": FUNCTION_ARN})
        give_key(session, deployed)
        credentials = assume_roles(session, deployed)
        for role_id, statements in deployed.statements.items():
            write_policy(session, deployed.names[role_id], statements)
        whole, end, parted = live_enforced(deployed, credentials)
        never = {"refused": [], "end": ""}
        return {
            "asked": sorted(whole.asked),
            "refused": [str(need) for need in whole.refused],
            "end": end,
            "without": {" ".join(removed): parted.get(" ".join(removed), never) for removed in REMOVED},
        }


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print(json.dumps(make_world()))
