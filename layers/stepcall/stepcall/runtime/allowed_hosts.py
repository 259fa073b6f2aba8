"""Which hosts a deployer lets Stepcall call although their address is not public."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from stepcall.guarded_http.errors import InvalidRequestError
from stepcall.guarded_http.targets import parse_host_list
from stepcall.runtime.settings import SettingsError


class AllowedHostSettings(NamedTuple):
    """For what calls strangers' URLs, and what takes them."""

    hosts: frozenset[str]
    """Hosts and host:ports, as `Target.is_among` compares them."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "AllowedHostSettings":
        """From WEB_ALLOWED_HOSTS, none when it is not set. Raises SettingsError."""
        try:
            return cls(parse_host_list(env.get("WEB_ALLOWED_HOSTS", "")))
        except InvalidRequestError as exc:
            raise SettingsError(f"WEB_ALLOWED_HOSTS cannot be read: {exc}") from exc
