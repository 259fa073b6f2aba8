"""The background of a stack, put together: it begins when the stack is made, and no thread of it outlives it."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from local.background.agenda import Agenda, running
from local.background.async_invocations import AsyncInvocations
from local.background.calls import Runtime, calls_in_background
from local.background.queues import Queues
from local.background.rule_targets import RuleTargets
from local.background.scheduler_targets import SchedulerTargets
from local.background.schedules import Schedule, begin_schedule, find_fault, times_of_rule
from local.background.stream_mappings import StreamDelivery
from local.deployment import Deployment
from local.event_resources import BY_US
from local.moto_world.execution_events import status_changes_go_to
from local.moto_world.rule_events import (
    is_kept,
    matched_events_go_to,
    put_on_default_bus,
    rules,
    scheduled_rules_go_to,
    service_event,
)
from local.moto_world.scheduler_schedules import schedules_go_to
from local.moto_world.table_streams import Take, stream_records_go_to

# On AWS it takes as long, and more. At once it would take 2 ms from the call that has just started the execution.
STATUS_EVENT_SECONDS = 0.25


@contextmanager
def background_of(deployment: Deployment, runtime: Runtime, now: Callable[[], float]) -> Iterator[Agenda]:
    agenda, queues = Agenda(now), Queues()
    with calls_in_background(agenda, runtime) as call:
        invocations = AsyncInvocations(agenda, call, queues.send, deployment.async_settings)
        targets = RuleTargets(agenda, invocations, queues)
        takers = defaultdict[str, list[Take]](list)
        for mapping in deployment.stream_mappings:
            takers[mapping.table].append(StreamDelivery(mapping, agenda, call, queues.send).add)
        begin_rule = partial(_begin_rule, agenda, targets)
        for rule in rules():
            if rule.scheduled_expression:
                begin_rule(rule)
        scheduler = SchedulerTargets(agenda, [one.arn for one in deployment.functions], invocations, queues)
        with (
            matched_events_go_to(targets.deliver, BY_US),
            scheduled_rules_go_to(begin_rule, find_fault),
            schedules_go_to(scheduler.begin, find_fault),
            status_changes_go_to(partial(_put_status_change, agenda)),
            stream_records_go_to(takers),
            running(agenda),
        ):
            yield agenda


def _begin_rule(agenda: Agenda, targets: RuleTargets, rule: Any) -> None:
    def fire(due: float) -> None:
        if rule.state == "DISABLED":
            return
        event = service_event("aws.events", "Scheduled Event", due, rule.arn, {})
        for target in rule.targets:
            targets.deliver(target, event)

    now = agenda.now()
    begin_schedule(agenda, Schedule(times_of_rule(rule, now), fire, partial(is_kept, rule)), now)


def _put_status_change(agenda: Agenda, detail: dict[str, Any]) -> None:
    kind = "Step Functions Execution Status Change"
    event = service_event("aws.states", kind, agenda.now(), detail["executionArn"], detail)
    agenda.after(STATUS_EVENT_SECONDS, partial(put_on_default_bus, event))
