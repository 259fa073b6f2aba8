"""`AWS::Athena::WorkGroup` and `AWS::Glue::Database`, which moto's CloudFormation does not know."""

from typing import Any

from moto.athena.models import athena_backends
from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel
from moto.glue.models import glue_backends


class _OfTemplate:
    """What a template declares and nothing changes afterwards."""

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @classmethod
    def has_cfn_attr(cls, _attr: str) -> bool:
        return False

    @classmethod
    def update_from_cloudformation_json(cls, *_: Any, **__: Any) -> Any:
        raise NotImplementedError("The local stack is made anew, never updated.")

    @classmethod
    def delete_from_cloudformation_json(cls, *_: Any, **__: Any) -> None:
        raise NotImplementedError("The local stack ends with its process.")

    def is_created(self) -> bool:
        return True


class TemplateWorkGroup(_OfTemplate, CloudFormationModel):
    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::Athena::WorkGroup"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> "TemplateWorkGroup":
        properties = cloudformation_json["Properties"]
        name = properties.get("Name", resource_name)
        configuration = dict(properties.get("WorkGroupConfiguration", {}))
        athena_backends[account_id][region_name].create_work_group(
            name=name, configuration=configuration, description=properties.get("Description", ""), tags=[]
        )
        return cls(name)


class TemplateGlueDatabase(_OfTemplate, CloudFormationModel):
    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::Glue::Database"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> "TemplateGlueDatabase":
        described = dict(cloudformation_json["Properties"]["DatabaseInput"])
        name = described.get("Name", resource_name).lower()  # Glue keeps it in lower case
        glue_backends[account_id][region_name].create_database(name, described | {"Name": name})
        return cls(name)


for known in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
    known.cache_clear()  # who listed the models before this module was imported does it again
