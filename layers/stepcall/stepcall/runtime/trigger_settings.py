"""What the environment says of triggers, for what tells EventBridge of them."""

import os
from collections.abc import Mapping

from stepcall.aws.triggers import TriggerTarget
from stepcall.runtime.settings import read


def read_trigger_target(env: Mapping[str, str] = os.environ) -> TriggerTarget:
    """Raises SettingsError."""
    return TriggerTarget(
        stack=read(env, "STACK_NAME"),
        bus=read(env, "EVENT_BUS"),
        function_arn=read(env, "START_TRIGGERED_RUN_ARN"),
        scheduler_role_arn=read(env, "SCHEDULER_ROLE_ARN"),
        dead_letters_arn=read(env, "UNDELIVERED_EVENTS_ARN"),
    )
