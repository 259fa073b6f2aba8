"""What a deployer chooses for webhooks."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from stepcall.runtime.allowed_hosts import read_allowed_hosts


class OutgoingSettings(NamedTuple):
    allowed_hosts: frozenset[str]
    """Hosts and host:ports that are called although their address is not public."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "OutgoingSettings":
        return cls(read_allowed_hosts(env))
