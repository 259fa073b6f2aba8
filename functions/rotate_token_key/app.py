"""Makes a new key to sign tokens with, when Secrets Manager says that it is time."""

import secrets
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field

from stepcall.aws.token_key_rotation import Rotation, RotationStep
from stepcall.runtime.client_wiring import secretsmanager
from stepcall.runtime.observability import log_fact, logs_invocation

KEY_BYTES = 48


class RotationRequest(BaseModel):
    """What Secrets Manager sends, once for each step."""

    model_config = ConfigDict(frozen=True)

    secret_arn: str = Field(alias="SecretId")
    version_id: str = Field(alias="ClientRequestToken")
    step: RotationStep = Field(alias="Step")


@logs_invocation
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> None:
    request = RotationRequest.model_validate(event)
    rotation = Rotation(secretsmanager(), request.secret_arn, request.version_id)
    rotation.take(request.step, lambda: secrets.token_urlsafe(KEY_BYTES))
    log_fact("token_key_rotated", step=request.step, version=request.version_id)
