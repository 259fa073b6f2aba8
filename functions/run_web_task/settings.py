"""What a deployer chooses for web tasks."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from stepcall.guarded_http.limits import MEGABYTE
from stepcall.runtime.allowed_hosts import AllowedHostSettings

DEFAULT_MEMORY_MB = 2048
KEPT_FOR_THE_WORKER_MB = 512


@dataclass(frozen=True)
class WebSettings:
    allowed_hosts: frozenset[str]
    """Hosts and host:ports that are called although their address is not public."""
    extractor_memory_bytes: int
    """How much the process that reads pages may take: what the worker has, less what it needs itself."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self:
        """From WEB_ALLOWED_HOSTS (none when it is not set) and the memory size that Lambda tells."""
        memory_mb = int(env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", DEFAULT_MEMORY_MB))
        return cls(
            allowed_hosts=AllowedHostSettings.from_env(env).hosts,
            extractor_memory_bytes=max(memory_mb - KEPT_FOR_THE_WORKER_MB, memory_mb // 2) * MEGABYTE,
        )
