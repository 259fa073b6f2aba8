"""`AWS::SecretsManager::Secret`, which moto's CloudFormation does not know: it makes a resource of each such model."""

import json
from collections.abc import Mapping
from typing import Any

from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel
from moto.secretsmanager.models import secretsmanager_backends


class TemplateSecret(CloudFormationModel):
    """A secret that a template declares, with its text as it is written there or generated as it says."""

    def __init__(self, arn: str) -> None:
        self.physical_resource_id = arn

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SecretsManager::Secret"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == "Id"

    def get_cfn_attribute(self, _attribute: str) -> str:
        return self.physical_resource_id

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> "TemplateSecret":
        backend, properties = secretsmanager_backends[account_id][region_name], cloudformation_json["Properties"]
        created = backend.create_secret(
            name=properties.get("Name", resource_name),
            secret_string=_text_of(properties, backend),
            secret_binary=None,
            description=properties.get("Description"),
            tags=None,
            kms_key_id=None,
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )
        return cls(json.loads(created)["ARN"])

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: "TemplateSecret",
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> "TemplateSecret":
        raise NotImplementedError("The local stack is made anew, never updated.")

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, _cloudformation_json: dict[str, Any], account_id: str, region_name: str
    ) -> None:
        secretsmanager_backends[account_id][region_name].delete_secret(
            secret_id=resource_name, recovery_window_in_days=None, force_delete_without_recovery=False
        )

    def is_created(self) -> bool:
        return True


def _text_of(properties: Mapping[str, Any], backend: Any) -> str:
    """Source: docs.aws.amazon.com/AWSCloudFormation, AWS::SecretsManager::Secret GenerateSecretString."""
    if "GenerateSecretString" not in properties:
        return str(properties["SecretString"])
    said = properties["GenerateSecretString"]
    password = json.loads(
        backend.get_random_password(
            password_length=int(said.get("PasswordLength", 32)),
            exclude_characters=said.get("ExcludeCharacters", ""),
            exclude_numbers=_is_true(said, "ExcludeNumbers"),
            exclude_punctuation=_is_true(said, "ExcludePunctuation"),
            exclude_uppercase=_is_true(said, "ExcludeUppercase"),
            exclude_lowercase=_is_true(said, "ExcludeLowercase"),
            include_space=_is_true(said, "IncludeSpace"),
            require_each_included_type=_is_true(said, "RequireEachIncludedType", default=True),
        )
    )["RandomPassword"]
    if "SecretStringTemplate" not in said:
        return str(password)
    return json.dumps(json.loads(said["SecretStringTemplate"]) | {said["GenerateStringKey"]: password})


def _is_true(said: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    """moto hands a template's booleans on as they are or as text."""
    return str(said.get(name, default)).lower() == "true"


for known in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
    known.cache_clear()  # who listed the models before this module was imported does it again
