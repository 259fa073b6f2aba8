"""What the environment says of triggers, for what tells EventBridge of them."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from stepcall.aws.triggers import TriggerTarget
from stepcall.runtime.settings import read


class TriggerTargetSettings(NamedTuple):
    """What triggers set off, and where they are made."""

    target: TriggerTarget

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "TriggerTargetSettings":
        target = TriggerTarget(
            stack=read(env, "SCHEDULE_GROUP"),
            bus=read(env, "EVENT_BUS"),
            function_arn=read(env, "START_TRIGGERED_RUN_ARN"),
            scheduler_role_arn=read(env, "SCHEDULER_ROLE_ARN"),
            dead_letters_arn=read(env, "UNDELIVERED_EVENTS_ARN"),
        )
        return cls(target)
