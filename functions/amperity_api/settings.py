"""What a deployer says of this face."""

import os
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from stepcall.runtime.settings import SettingsError, read_number

START_STATUSES = (HTTPStatus.OK, HTTPStatus.CREATED)


class AmperitySettings(NamedTuple):
    start_status: int
    """Of the answer to a start: the vendor has said both."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "AmperitySettings":
        """From AMPERITY_START_STATUS. Raises SettingsError."""
        status = read_number(env, "AMPERITY_START_STATUS")
        if status not in START_STATUSES:
            raise SettingsError(f"AMPERITY_START_STATUS is {status}: it must be 200 or 201.")
        return cls(status)
