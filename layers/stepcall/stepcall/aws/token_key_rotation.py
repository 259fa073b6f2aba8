"""How Secrets Manager rotates the key that tokens are signed with: four steps, each of which may come twice.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from stepcall.aws.secrets import SecretMissingError
from stepcall.aws.token_keys import read_signing_key
from stepcall.domain.errors import StepcallError

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"


class RotationStep(StrEnum):
    CREATE = "createSecret"
    SET = "setSecret"
    TEST = "testSecret"
    FINISH = "finishSecret"


class NotPendingError(StepcallError):
    """The version is not the one that the secret is being rotated to."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """To which version of which secret."""

    client: "SecretsManagerClient"
    secret_arn: str
    version_id: str

    def take(self, step: RotationStep, make_key: Callable[[], str]) -> None:
        """Raises NotPendingError, SecretNotReadableError, SecretsUnavailableError and botocore's ClientError."""
        stages = self.client.describe_secret(SecretId=self.secret_arn).get("VersionIdsToStages", {})
        mine = stages.get(self.version_id, [])
        if CURRENT in mine:
            return  # this step has come once more, after the last one
        if PENDING not in mine:
            raise NotPendingError(f"The version {self.version_id} is not the one that is pending.")
        if step is RotationStep.CREATE:
            self._create(make_key)
        elif step is RotationStep.TEST:
            self._read_pending()
        elif step is RotationStep.FINISH:
            [replaced] = [version for version, has in stages.items() if CURRENT in has]
            self._finish(replaced)
        # nothing to set: only Stepcall knows the key, and reads it from the secret

    def _create(self, make_key: Callable[[], str]) -> None:
        """One key for one version, however often this comes."""
        try:
            self._read_pending()
        except SecretMissingError:
            self.client.put_secret_value(
                SecretId=self.secret_arn,
                ClientRequestToken=self.version_id,
                SecretString=make_key(),
                VersionStages=[PENDING],
            )

    def _read_pending(self) -> None:
        """It is there and long enough; what was signed with the one before stays good, for that becomes AWSPREVIOUS."""
        read_signing_key(self.client, self.secret_arn, VersionId=self.version_id, VersionStage=PENDING)

    def _finish(self, replaced: str) -> None:
        """By this call AWS makes the replaced version AWSPREVIOUS; AWSPENDING may stay at the one that is current."""
        self.client.update_secret_version_stage(
            SecretId=self.secret_arn,
            VersionStage=CURRENT,
            MoveToVersionId=self.version_id,
            RemoveFromVersionId=replaced,
        )
