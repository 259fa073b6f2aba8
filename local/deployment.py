"""The transformed template made real by moto's CloudFormation, and what the rest of the stack needs to know of it."""

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import clean_json, get_model_map
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.events.models import EventBus

from local.background.async_invocations import AsyncSettings
from local.background.stream_mappings import StreamMapping
from local.errors import UnsupportedResourceError
from local.event_resources import check_rules, read_async_settings, read_mappings
from local.lambda_runtime import Function
from local.moto_world import scheduler_schedules, template_secrets  # noqa: F401 - their import teaches moto their types
from local.template import REGION, STACK_NAME, Template, declared

API = "AWS::ApiGatewayV2::Api"
FUNCTION = "AWS::Lambda::Function"
# What moto's CloudFormation does not know, and why that is no loss here. Anything else it does not know is refused.
NOT_IN_MOTO = {
    API: "the gateway of the local stack serves it",
    "AWS::Athena::WorkGroup": "not deployed by default; with Athena the stack imports what makes it",
    "AWS::Glue::Database": "as above",
    "AWS::ApiGatewayV2::Stage": "nothing is throttled or written to an access log here",
    "AWS::CloudWatch::Alarm": "there are no metrics here to watch",
    "AWS::Lambda::EventInvokeConfig": "the background of the local stack keeps to it",
    "AWS::S3::BucketPolicy": "moto does not enforce policies",
    "AWS::SQS::QueuePolicy": "moto does not enforce policies",
    "AWS::SecretsManager::RotationSchedule": "nothing is rotated by the calendar here; rotate_secret is there",
}
PLACEHOLDER = "AWS::CloudFormation::WaitConditionHandle"  # a type that moto knows and makes nothing of


@dataclass(frozen=True)
class Deployment:
    """`names`: the physical name of each resource, by logical id. `apis`: each HTTP API's OpenAPI body, resolved.

    `async_settings`: by the ARN of the function.
    """

    functions: tuple[Function, ...]
    names: Mapping[str, str]
    apis: Mapping[str, Any]
    async_settings: Mapping[str, AsyncSettings]
    stream_mappings: tuple[StreamMapping, ...]


def deploy(template: Template, parameters: Mapping[str, str]) -> Deployment:
    """Create the stack. Raises UnsupportedResourceError."""
    resources = template["Resources"]
    _refuse_unsupported(resources)
    known = {logical_id: with_placeholder(resource) for logical_id, resource in resources.items()}
    backend = cloudformation_backends[DEFAULT_ACCOUNT_ID][REGION]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=f"Tried to parse {PLACEHOLDER}", category=UserWarning)
        body = json.dumps({**template, "Resources": known})
        stack = backend.create_stack(STACK_NAME, body, declared(template, parameters))
        return _describe(resources, stack.resource_map)


def _refuse_unsupported(resources: Mapping[str, Any]) -> None:
    unknown = {r["Type"] for r in resources.values()} - set(get_model_map()) - set(NOT_IN_MOTO)
    if unknown:
        raise UnsupportedResourceError(f"The local stack cannot make these resources: {', '.join(sorted(unknown))}.")


def with_placeholder(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """The resource, or what stands in for one of a type that moto does not know."""
    unknown = resource["Type"] in NOT_IN_MOTO and resource["Type"] not in get_model_map()
    return {"Type": PLACEHOLDER} if unknown else resource


def _describe(resources: Mapping[str, Any], created: Any) -> Deployment:
    made = {logical_id: created[logical_id] for logical_id in resources}
    bodies = {
        logical_id: clean_json(resource["Properties"]["Body"], created)
        for logical_id, resource in resources.items()
        if resource["Type"] == API
    }
    names = {logical_id: str(name) for logical_id, thing in made.items() if (name := _physical_name(thing)) is not None}
    functions = tuple(_functions(resources, made))
    check_rules([function.arn for function in functions])
    configured, arns = read_async_settings(resources, created), {function.name: function.arn for function in functions}
    settings = {arns[name]: told for name, told in configured.items()}
    return Deployment(functions, names, bodies, settings, tuple(read_mappings(resources, made)))


def _physical_name(thing: Any) -> Any:
    """None for what has none. moto gives a bus no physical id, which is its name."""
    return thing.name if isinstance(thing, EventBus) else getattr(thing, "physical_resource_id", None)


def _functions(resources: Mapping[str, Any], made: Mapping[str, Any]) -> Iterator[Function]:
    for logical_id, resource in resources.items():
        if resource["Type"] == FUNCTION:
            function = made[logical_id]
            yield Function(
                logical_id=logical_id,
                name=function.function_name,
                arn=function.function_arn,
                handler=function.handler,
                timeout_seconds=int(function.timeout),
                memory_mb=int(function.memory_size),
                variables={name: str(value) for name, value in function.environment_vars.items()},
            )
