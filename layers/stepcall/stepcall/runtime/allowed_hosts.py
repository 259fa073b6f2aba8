"""Which hosts a deployer lets Stepcall call although their address is not public."""

import os
from collections.abc import Mapping

from stepcall.guarded_http.errors import InvalidRequestError
from stepcall.guarded_http.targets import parse_host_list
from stepcall.runtime.settings import SettingsError


def read_allowed_hosts(env: Mapping[str, str] = os.environ) -> frozenset[str]:
    """Hosts and host:ports, from WEB_ALLOWED_HOSTS; none when it is not set. Raises SettingsError."""
    try:
        return parse_host_list(env.get("WEB_ALLOWED_HOSTS", ""))
    except InvalidRequestError as exc:
        raise SettingsError(f"WEB_ALLOWED_HOSTS cannot be read: {exc}") from exc
