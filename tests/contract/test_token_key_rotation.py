"""The rotation of the key that tokens are signed with, step by step, on moto's Secrets Manager."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.secretsmanager.models import secretsmanager_backends

from stepcall.aws.secrets import SecretMissingError, SecretNotReadableError
from stepcall.aws.token_key_rotation import NotPendingError, Rotation, RotationStep
from stepcall.aws.token_keys import TokenKeys
from tests.clock import Clock

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

REGION = "eu-central-1"
FIRST_KEY = "first-" + "k" * 40
NUMBERS = count(2)


def make_key() -> str:
    return f"key-{next(NUMBERS)}-" + "k" * 40


@pytest.fixture
def client() -> "Iterator[SecretsManagerClient]":
    with mock_aws():
        yield boto3.client("secretsmanager", region_name=REGION)


@pytest.fixture
def secret_arn(client: "SecretsManagerClient") -> str:
    return client.create_secret(Name="token-key", SecretString=FIRST_KEY)["ARN"]


@pytest.fixture
def begin(client: "SecretsManagerClient", secret_arn: str) -> Callable[[], Rotation]:
    """A rotation as Secrets Manager begins it: with a version that is pending and has no value."""

    def begin_rotation() -> Rotation:
        version_id = str(uuid4())
        versions = secretsmanager_backends[DEFAULT_ACCOUNT_ID][REGION].secrets[secret_arn].versions
        for version in versions.values():  # the last one's label: AWS takes it when AWSCURRENT moves, moto does not
            version["version_stages"] = [stage for stage in version["version_stages"] if stage != "AWSPENDING"]
        versions[version_id] = {"createdate": 0, "version_id": version_id, "version_stages": ["AWSPENDING"]}
        return Rotation(client, secret_arn, version_id)

    return begin_rotation


def value_of(rotation: Rotation) -> str:
    answer = rotation.client.get_secret_value(SecretId=rotation.secret_arn, VersionId=rotation.version_id)
    return answer["SecretString"]


def stages_of(rotation: Rotation) -> set[str]:
    stages = rotation.client.describe_secret(SecretId=rotation.secret_arn)["VersionIdsToStages"]
    return {stage for stage in stages[rotation.version_id] if stage != "AWSPENDING"}


def rotate(rotation: Rotation) -> None:
    for step in RotationStep:
        rotation.take(step, make_key)


def known(client: "SecretsManagerClient", secret_arn: str) -> TokenKeys:
    """As a process that has just begun reads them."""
    return TokenKeys(lambda: client, secret_arn, Clock().monotonic)


def test_a_secret_that_was_never_rotated_has_one_key(client: "SecretsManagerClient", secret_arn: str) -> None:
    assert known(client, secret_arn).current().secret == FIRST_KEY


def test_a_rotation_makes_a_new_key_and_leaves_the_old_one_to_verify_by(
    client: "SecretsManagerClient", secret_arn: str, begin: Callable[[], Rotation]
) -> None:
    old = known(client, secret_arn).current()
    rotation = begin()
    rotate(rotation)
    keys = known(client, secret_arn)
    assert keys.current().kid == rotation.version_id
    assert keys.current().secret not in {FIRST_KEY, ""}
    assert keys.find(old.kid) == old


def test_the_second_rotation_ends_the_first_key(
    client: "SecretsManagerClient", secret_arn: str, begin: Callable[[], Rotation]
) -> None:
    old = known(client, secret_arn).current()
    first = begin()
    rotate(first)
    second = begin()
    rotate(second)
    keys = known(client, secret_arn)
    assert (stages_of(first), stages_of(second)) == ({"AWSPREVIOUS"}, {"AWSCURRENT"})
    assert keys.find(first.version_id)
    assert keys.find(old.kid) is None


def test_until_the_last_step_the_old_key_signs_and_the_new_one_is_not_believed(
    client: "SecretsManagerClient", secret_arn: str, begin: Callable[[], Rotation]
) -> None:
    rotation = begin()
    for step in (RotationStep.CREATE, RotationStep.SET, RotationStep.TEST):
        rotation.take(step, make_key)
        keys = known(client, secret_arn)
        assert keys.current().secret == FIRST_KEY
        assert keys.find(rotation.version_id) is None


@pytest.mark.parametrize("times", [1, 3])
def test_every_step_may_come_again(
    client: "SecretsManagerClient", secret_arn: str, begin: Callable[[], Rotation], times: int
) -> None:
    rotation = begin()
    rotation.take(RotationStep.CREATE, make_key)
    made = value_of(rotation)
    for step in RotationStep:
        for _ in range(times):
            rotation.take(step, make_key)
    rotate(rotation)  # and all of it, when it is long over
    assert value_of(rotation) == made
    assert stages_of(rotation) == {"AWSCURRENT"}
    assert known(client, secret_arn).current().secret == made


def test_a_step_that_comes_when_all_is_over_does_nothing(begin: Callable[[], Rotation]) -> None:
    rotation = begin()
    rotate(rotation)
    # moto leaves this label where it was, which AWS may take away
    rotation.client.update_secret_version_stage(
        SecretId=rotation.secret_arn, VersionStage="AWSPENDING", RemoveFromVersionId=rotation.version_id
    )
    made = value_of(rotation)
    rotate(rotation)
    assert (value_of(rotation), stages_of(rotation)) == (made, {"AWSCURRENT"})


def test_a_rotation_that_was_broken_off_goes_on_where_it_was(begin: Callable[[], Rotation]) -> None:
    rotation = begin()
    rotation.take(RotationStep.CREATE, make_key)
    rotation.take(RotationStep.FINISH, make_key)
    assert stages_of(rotation) == {"AWSCURRENT"}


@pytest.mark.parametrize("step", RotationStep)
def test_a_version_that_is_not_pending_is_not_touched(
    client: "SecretsManagerClient", secret_arn: str, begin: Callable[[], Rotation], step: RotationStep
) -> None:
    left, taken = begin(), begin()  # the second rotation takes the label from the first
    for version_id in (left.version_id, str(uuid4())):
        with pytest.raises(NotPendingError):
            Rotation(client, secret_arn, version_id).take(step, make_key)
    assert known(client, secret_arn).current().secret == FIRST_KEY
    rotate(taken)


def test_a_version_without_a_key_does_not_pass_the_test(begin: Callable[[], Rotation]) -> None:
    with pytest.raises(SecretMissingError):
        begin().take(RotationStep.TEST, make_key)


def test_a_key_that_is_too_short_does_not_pass_the_test(begin: Callable[[], Rotation]) -> None:
    rotation = begin()
    rotation.take(RotationStep.CREATE, lambda: "short")
    with pytest.raises(SecretNotReadableError):
        rotation.take(RotationStep.TEST, make_key)
