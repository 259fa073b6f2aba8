"""Schedules and their groups: moto keeps what it is told, and nothing of it ever comes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.scheduler.exceptions import ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend, scheduler_backends

from local.moto_world.replacing import replaced
from local.template import REGION

FindFault = Callable[[str, str], str | None]
"""What is wrong with an expression and its time zone."""


@contextmanager
def schedules_go_to(changed: Callable[[Any], None], find_fault: FindFault) -> Iterator[None]:
    """`changed` is told of each that is made or changed."""
    kind = EventBridgeSchedulerBackend
    with (
        replaced(kind, "create_schedule", _then(changed, find_fault, kind.create_schedule)),
        replaced(kind, "update_schedule", _then(changed, find_fault, kind.update_schedule)),
    ):
        yield


def _then(changed: Callable[[Any], None], find_fault: FindFault, do_as_moto_does: Callable[..., Any]) -> Any:
    def call(self: Any, **said: Any) -> Any:
        self.get_schedule_group(said["group_name"])  # else moto makes nothing of one that there is not but a 500
        if fault := find_fault(said["schedule_expression"], said["schedule_expression_timezone"] or "UTC"):
            raise ValidationException(fault)
        schedule = do_as_moto_does(self, **said)
        changed(schedule)
        return schedule

    return call


def is_kept(schedule: Any) -> bool:
    group = scheduler_backends[DEFAULT_ACCOUNT_ID][REGION].schedule_groups.get(schedule.group_name)
    return group is not None and group.schedules.get(schedule.name) is schedule


def forget(schedule: Any) -> None:
    """Delete one that is kept."""
    scheduler_backends[DEFAULT_ACCOUNT_ID][REGION].delete_schedule(schedule.group_name, schedule.name)


class TemplateScheduleGroup(CloudFormationModel):
    """A group that a template declares. Referred to by its name, which without one is made of its logical id."""

    def __init__(self, name: str, arn: str) -> None:
        self.physical_resource_id = name
        self._arn = arn

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::Scheduler::ScheduleGroup"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == "Arn"

    def get_cfn_attribute(self, _attribute: str) -> str:
        return self._arn

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> "TemplateScheduleGroup":
        properties = cloudformation_json.get("Properties", {})
        name, tags = properties.get("Name", resource_name), properties.get("Tags", [])
        return cls(name, scheduler_backends[account_id][region_name].create_schedule_group(name, tags).arn)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: "TemplateScheduleGroup",
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> "TemplateScheduleGroup":
        raise NotImplementedError("The local stack is made anew, never updated.")

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, _cloudformation_json: dict[str, Any], account_id: str, region_name: str
    ) -> None:
        """With the schedules in it, as on AWS."""
        scheduler_backends[account_id][region_name].delete_schedule_group(resource_name)

    def is_created(self) -> bool:
        return True


for known in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
    known.cache_clear()  # who listed the models before this module was imported does it again
