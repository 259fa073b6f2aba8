"""What a deployer chooses for web tasks."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from stepcall.guarded_http.limits import MEGABYTE
from stepcall.runtime.allowed_hosts import AllowedHostSettings
from stepcall.runtime.settings import SettingsError

DEFAULT_MEMORY_MB = 2048
KEPT_FOR_THE_WORKER_MB = 512
ARN_ENDING = len("-a1B2c3")
"""What Secrets Manager puts behind a secret's name in its ARN."""


@dataclass(frozen=True)
class WebSettings:
    allowed_hosts: frozenset[str]
    """Hosts and host:ports that are called although their address is not public."""
    extractor_memory_bytes: int
    """How much the process that reads pages may take: what the worker has, less what it needs itself."""
    http_secret_arns: Mapping[str, str]
    """Of the secrets that requests may send, by their names."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self:
        """From WEB_ALLOWED_HOSTS, HTTP_SECRET_ARNS (none when not set) and the memory size that Lambda tells.

        Raises SettingsError.
        """
        memory_mb = int(env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", DEFAULT_MEMORY_MB))
        return cls(
            allowed_hosts=AllowedHostSettings.from_env(env).hosts,
            extractor_memory_bytes=max(memory_mb - KEPT_FOR_THE_WORKER_MB, memory_mb // 2) * MEGABYTE,
            http_secret_arns=_by_name(env.get("HTTP_SECRET_ARNS", "")),
        )


def _by_name(arns: str) -> Mapping[str, str]:
    """`arn:…:secret:crm/key-a1B2c3` is called `crm/key`, as in Secrets Manager."""
    by_name: dict[str, str] = {}
    for arn in filter(None, arns.split(",")):
        name = arn.rpartition(":")[2][:-ARN_ENDING]
        if name in by_name:
            raise SettingsError(f"HTTP_SECRET_ARNS names two secrets called {name}: requests could not tell which.")
        by_name[name] = arn
    return by_name
