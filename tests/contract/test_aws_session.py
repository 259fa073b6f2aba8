"""Our loader of service descriptions against botocore's own."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from stepcall.aws.session import ServiceLoader, open_session

SERVICES = ("dynamodb", "s3", "secretsmanager", "stepfunctions")
DESCRIPTIONS = {
    (service, file.name.partition(".")[0])
    for service in SERVICES
    for file in Path(Loader.BUILTIN_DATA_PATH, service).glob("*/*-?.json*")
}


@pytest.mark.parametrize(("service", "kind"), sorted(DESCRIPTIONS))
def test_a_description_is_that_of_botocore_in_the_same_order(service: str, kind: str) -> None:
    expected = Loader().load_service_model(service, kind)
    assert json.dumps(ServiceLoader().load_service_model(service, kind)) == json.dumps(expected)


@pytest.mark.parametrize("name", ["endpoints", "partitions", "sdk-default-configuration", "_retry"])
def test_what_is_no_service_is_that_of_botocore_too(name: str) -> None:
    assert json.dumps(ServiceLoader().load_data(name)) == json.dumps(Loader().load_data(name))


def test_a_service_that_aws_does_not_have_is_refused() -> None:
    with pytest.raises(UnknownServiceError):
        open_session().create_client("dynamite", region_name="eu-central-1")


def test_a_client_of_the_session_knows_its_endpoint_and_its_methods() -> None:
    client = open_session().create_client("stepfunctions", region_name="eu-central-1")
    assert client.meta.endpoint_url == "https://states.eu-central-1.amazonaws.com"
    assert client.meta.method_to_api_mapping["start_execution"] == "StartExecution"
