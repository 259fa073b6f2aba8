"""EventBridge Scheduler: each schedule at its times, and what its target gets.

Sources: docs.aws.amazon.com/scheduler, "Adding context attributes", "Configuring a dead-letter queue".
"""

import json
import logging
from collections.abc import Callable, Collection
from functools import partial
from typing import Any
from uuid import uuid4

from local.background.agenda import Agenda
from local.background.rule_targets import Invocations, MessageQueues, service_of
from local.background.schedules import Schedule, begin_schedule, times_of
from local.event_times import spell_second
from local.moto_world.rule_events import service_event
from local.moto_world.scheduler_schedules import forget, is_kept

A_MOMENT = 0.001  # what starts now comes now
LOG = logging.getLogger(__name__)


class SchedulerTargets:
    """`functions` are the ARNs of the stack's.

    A target that takes its event is done with for Scheduler: what a function makes of it, AsyncInvocations sees to.
    One that there is not is never tried again, on AWS either, and its event goes to the schedule's dead-letter queue.
    """

    def __init__(
        self,
        agenda: Agenda,
        functions: Collection[str],
        invocations: Invocations,
        queues: MessageQueues,
    ) -> None:
        self._agenda = agenda
        self._functions = frozenset(functions)
        self._invocations = invocations
        self._queues = queues
        self._versions: dict[str, object] = {}

    def begin(self, schedule: Any) -> None:
        """Of one that was made or changed now: without a StartDate the first time of a rate is now."""
        version = self._versions[schedule.arn] = object()
        now = self._agenda.now()
        starts_at = _seconds(schedule.start_date)
        if starts_at is None and schedule.schedule_expression.startswith("rate"):
            starts_at = now
        next_after = times_of(
            schedule.schedule_expression,
            schedule.schedule_expression_timezone,
            starts_at,
            _seconds(schedule.end_date),
        )
        is_current = partial(self._is_current, schedule, version)
        coming = Schedule(next_after, partial(self._fire, schedule, next_after), is_current)
        begin_schedule(self._agenda, coming, since=now if starts_at is None else now - A_MOMENT)

    def _is_current(self, schedule: Any, version: object) -> bool:
        return self._versions.get(schedule.arn) is version and is_kept(schedule)

    def _fire(self, schedule: Any, next_after: Callable[[float], float | None], due: float) -> None:
        if schedule.state != "DISABLED":
            self._bring(schedule.target, text_for(schedule, due))
        if schedule.action_after_completion == "DELETE" and next_after(due) is None:
            forget(schedule)

    def _bring(self, target: dict[str, Any], text: str) -> None:
        arn: str = target["Arn"]
        if arn in self._functions:
            self._invocations.invoke(arn, text)
        elif service_of(arn) == "sqs":
            self._queues.send(arn, text, target.get("SqsParameters", {}).get("MessageGroupId"))
        elif queue := target.get("DeadLetterConfig", {}).get("Arn"):
            self._queues.send(queue, text)
        else:
            LOG.error("A schedule has no target that there is, and no dead-letter queue: %s.", arn)


def _seconds(said: Any) -> float | None:
    return None if said is None else float(said)


def text_for(schedule: Any, due: float) -> str:
    """The Input with its context attributes replaced, as they stand; without one, Scheduler's own event."""
    if "Input" not in schedule.target:
        event = service_event("aws.scheduler", "Scheduled Event", due, schedule.arn, {})
        return json.dumps({**event, "detail": "{}"})
    attributes = {
        "schedule-arn": schedule.arn,
        "scheduled-time": spell_second(due),
        "execution-id": uuid4().hex[:16],
        "attempt-number": "1",
    }
    text = str(schedule.target["Input"])
    for name, value in attributes.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text
