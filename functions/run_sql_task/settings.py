"""What a deployer chooses for SQL tasks."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from stepcall.runtime.settings import read

DEFAULT_MEMORY_MB = 1769


@dataclass(frozen=True)
class SqlSettings:
    memory_mb: int
    """Of the function."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self:
        """From the memory size that Lambda tells."""
        return cls(memory_mb=int(env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", DEFAULT_MEMORY_MB)))


class AthenaSettings(NamedTuple):
    """Where queries run on Athena: for deployments with the parameter Athena=true."""

    work_group: str
    database: str

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "AthenaSettings":
        return cls(read(env, "ATHENA_WORK_GROUP"), read(env, "ATHENA_DATABASE"))
