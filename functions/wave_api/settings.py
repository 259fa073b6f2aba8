"""What a deployer says of the Wave face's end."""

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from stepcall.runtime.settings import SettingsError, read


class WaveSettings(NamedTuple):
    sunset: datetime
    """The last second of the face's last day, in UTC."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "WaveSettings":
        """From WAVE_SUNSET, a day as YYYY-MM-DD. Raises SettingsError."""
        text = read(env, "WAVE_SUNSET")
        try:
            return cls(datetime.combine(date.fromisoformat(text), time(23, 59, 59), UTC))
        except ValueError as exc:
            raise SettingsError(f"WAVE_SUNSET is {text!r}: it must be a day such as 2027-12-31.") from exc
