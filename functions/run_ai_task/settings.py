"""Which language model the deployment uses."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from stepcall.runtime.settings import read

DEFAULT_BASE_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class AiSettings:
    base_url: str
    default_model: str
    api_key_secret_arn: str | None
    """None for an endpoint that wants no key."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "AiSettings":
        return cls(
            base_url=env.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL,
            default_model=read(env, "OPENAI_DEFAULT_MODEL"),
            api_key_secret_arn=env.get("OPENAI_API_KEY_SECRET_ARN") or None,
        )
