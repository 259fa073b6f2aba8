"""State machines of a template, where moto looks for those that it executes: its own way makes them elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.stepfunctions.models import StateMachine
from moto.stepfunctions.responses import get_backend

from local.moto_world.replacing import replaced


@contextmanager
def machines_of_templates() -> Iterator[None]:
    with replaced(StateMachine, "create_from_cloudformation_json", classmethod(_create)):
        yield


def _create(
    _kind: type[Any],
    /,
    resource_name: str,
    cloudformation_json: dict[str, Any],
    account_id: str,
    region_name: str,
    **_: Any,
) -> Any:
    properties = cloudformation_json["Properties"]
    return get_backend(account_id, region_name).create_state_machine(
        properties.get("StateMachineName", resource_name), properties["DefinitionString"], properties["RoleArn"]
    )
