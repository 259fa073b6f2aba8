"""How schedules and rules of triggers are called at EventBridge, and what both send when it is time."""

from hashlib import sha256
from uuid import UUID

from stepcall.domain.ids import spell_trigger, spell_workflow
from stepcall.domain.json_text import write_json
from stepcall.domain.trigger import Bus, Trigger, TriggerKey

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
SHORT_NAME_WIDTH = 16
"""A rule's name has at most 64 characters, a stack's 47 of them: docs/decisions/2026-11-21-triggers.md."""

EVENT_PATHS = {
    "id": "$.id",
    "source": "$.source",
    "detail-type": "$.detail-type",
    "account": "$.account",
    "time": "$.time",
    "region": "$.region",
    "resources": "$.resources",
    "detail": "$.detail",
}
"""Every event has all of these: EventBridge leaves a variable out whose path is not there, and no JSON would come."""
SCHEDULED_EVENT = {
    "id": "<aws.scheduler.scheduled-time>",
    "source": "aws.scheduler",
    "detail-type": "Scheduled Event",
    "account": "",
    "time": "<aws.scheduler.scheduled-time>",
    "region": "",
    "resources": ["<aws.scheduler.schedule-arn>"],
    "detail": {},
}
"""Scheduler's context attributes. The id is the time: one that is sent twice, for any reason, is one event."""


def schedule_name(trigger_id: UUID) -> str:
    return spell_trigger(trigger_id)


def rule_name(key: TriggerKey, stack: str) -> str:
    """On a bus of our own the id alone; on the account's, where others have rules too, one that says whose it is."""
    if key.bus is Bus.DEFAULT:
        return f"{stack}_{_short_name(key.trigger_id)}"
    return spell_trigger(key.trigger_id)


def describe(key: TriggerKey) -> str:
    """At most 512 characters; what an operator needs to find the trigger."""
    return f"Trigger {spell_trigger(key.trigger_id)} of workflow {spell_workflow(key.workflow_id)}"


def schedule_input(trigger: Trigger, *, account: str, region: str) -> str:
    return write_json({"trigger": _name(trigger), "event": {**SCHEDULED_EVENT, "account": account, "region": region}})


def rule_input_template(trigger: Trigger) -> str:
    """For InputTransformer: JSON but for the variables, which EventBridge puts in as JSON, texts with their quotes."""
    variables = ",".join(f'"{name}":<{name}>' for name in EVENT_PATHS)
    return f'{{"trigger":{write_json(_name(trigger))},"event":{{{variables}}}}}'


def _name(trigger: Trigger) -> dict[str, str | int | None]:
    """`bus` is null of a schedule: what is left of a trigger that is gone is found by it."""
    return {
        "tenant": trigger.tenant,
        "workflow_id": str(trigger.workflow_id),
        "trigger_id": str(trigger.trigger_id),
        "revision": trigger.revision,
        "bus": trigger.key.bus,
    }


def _short_name(trigger_id: UUID) -> str:
    """83 bits of a hash, in letters and digits."""
    number = int.from_bytes(sha256(trigger_id.bytes).digest(), "big")
    digits = []
    for _ in range(SHORT_NAME_WIDTH):
        number, digit = divmod(number, len(DIGITS))
        digits.append(DIGITS[digit])
    return "".join(digits)
