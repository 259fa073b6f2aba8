"""Secrets that a template declares, on the local stack: as CloudFormation makes them."""

import json
from typing import Any

import boto3
from moto import mock_aws

from local.deployment import deploy
from local.template import REGION

GENERATED = {"PasswordLength": 43, "ExcludePunctuation": True, "RequireEachIncludedType": False}
SECRETS: dict[str, dict[str, Any]] = {
    "Field": {"GenerateSecretString": {**GENERATED, "SecretStringTemplate": "{}", "GenerateStringKey": "api_key"}},
    "Text": {"GenerateSecretString": GENERATED},
    "Written": {"SecretString": "as it is written", "Name": "its-name", "Description": "What it is."},
}


def test_a_secret_of_the_template_is_made_and_referred_to_by_its_arn() -> None:
    resources: dict[str, Any] = {
        name: {"Type": "AWS::SecretsManager::Secret", "Properties": properties} for name, properties in SECRETS.items()
    }
    resources["Log"] = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Ref": "Written"}}}
    with mock_aws():
        names = deploy({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}, {}).names
        client = boto3.client("secretsmanager", region_name=REGION)
        texts = {name: client.get_secret_value(SecretId=names[name])["SecretString"] for name in SECRETS}
        assert client.describe_secret(SecretId="its-name")["ARN"] == names["Written"]
    assert names["Log"] == names["Written"]
    assert names["Written"].startswith(f"arn:aws:secretsmanager:{REGION}:123456789012:secret:its-name-")
    assert texts["Written"] == "as it is written"
    field = json.loads(texts["Field"])
    assert field.keys() == {"api_key"}
    assert texts["Text"] != field["api_key"]
    for generated in (texts["Text"], field["api_key"]):
        assert len(generated) == 43
        assert generated.isalnum()
