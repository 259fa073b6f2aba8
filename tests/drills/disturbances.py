"""What AWS may do besides failing at one call: deliver twice and out of order, throttle a while, be out of reach."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import UUID

from local.moto_world.executions import kept_executions
from stepcall.domain.ids import spell_workflow
from tests.drills.aws_calls import Outage
from tests.drills.hooks import Answer, answer, hang, hang_up, redirect, reset
from tests.drills.stories import (
    COMPLETED,
    FAILED,
    SCENARIOS,
    Scenario,
    Story,
    completes,
    held,
    hook_of,
    is_stopped_by_hand,
    new_story,
    start,
)
from tests.drills.world import World

WORKERS = frozenset({"run_web_task", "run_data_task", "finish_run"})
NOBODY: frozenset[str] = frozenset()
ELSEWHERE = "/elsewhere"
STATUS_EVENT = {"detail-type": "Step Functions Execution Status Change", "source": "aws.states"}


def deliver(world: World, function: str, payload: str) -> None:
    """An invocation by AWS, whatever comes of it."""
    [name] = [name for name, folder in world.processes.names.items() if folder == function]
    world.stack.functions.invoke(name, payload)


def payloads_of(world: World, function: str, story: Story) -> list[str]:
    [run_id] = story.run_ids
    return [payload for name, payload in world.processes.payloads if name == function and run_id in payload]


def repeat_stream_reversed(world: World, story: Story) -> None:
    """All records of the run once more, one by one, the last first; then all in one batch, each twice."""
    records = [
        record
        for payload in payloads_of(world, "publish_run_events", story)
        for record in json.loads(payload)["Records"]
    ]
    assert records, "the stream has delivered nothing"
    for record in reversed(records):
        deliver(world, "publish_run_events", json.dumps({"Records": [record]}))
    doubled = [record for record in reversed(records) for _ in range(2)]
    deliver(world, "publish_run_events", json.dumps({"Records": doubled}))


def repeat_status_events(world: World, story: Story) -> None:
    told = payloads_of(world, "record_execution_status", story)
    assert told, "no status event was delivered"
    for payload in (*reversed(told), *told):
        deliver(world, "record_execution_status", payload)


def tell_of_other_ends(world: World, story: Story) -> None:
    """Status events that come late, or belie the record."""
    [run_id] = story.run_ids
    machine_arn = next(execution.state_machine.arn for execution in kept_executions() if execution.name == run_id)
    for status in ("ABORTED", "FAILED", "TIMED_OUT"):
        event = STATUS_EVENT | {"detail": {"name": run_id, "stateMachineArn": machine_arn, "status": status}}
        deliver(world, "record_execution_status", json.dumps(event))


def repeat_tasks(world: World, story: Story) -> None:
    """Every worker gets its events once more, the last first and two at once, when the run has ended."""
    invoked = [(worker, payload) for worker in sorted(WORKERS) for payload in payloads_of(world, worker, story)]
    assert invoked, "no worker was invoked"
    with ThreadPoolExecutor(2) as threads:
        calls: list[Callable[[], None]] = [partial(deliver, world, *call) for call in reversed(invoked) for _ in "12"]
        for done in [threads.submit(call) for call in calls]:
            done.result()


def is_delivered_twice(world: World) -> Story:
    """Workers get each event twice at once, from the first one on."""
    world.processes.delivered_twice = WORKERS
    try:
        story = completes(world)
        story.may_repeat = story.two_at_once = True
        world.rest()
    finally:
        world.processes.delivered_twice = NOBODY
    return story


def meets_an_outage(service: str, seconds: float, world: World, *, throttles: bool = True, at_start: bool) -> Story:
    """Of that service, for so long by the drill's clock: from the call on, or from its first task on."""
    story, path = new_story(world)
    outage = partial(Outage, service, throttles)
    page = next(iter(story.pages.values()))
    world.watch()
    if at_start:
        world.calls.outage = outage(world.clock.seconds() + seconds)
        start(world, story, path)
        return story
    with held(world, page):
        start(world, story, path)
        assert world.pages.wait_until_asked(page)
        world.calls.outage = outage(world.clock.seconds() + seconds)
    story.may_repeat = True
    story.expected = frozenset({COMPLETED, FAILED})  # a task is tried three times within some seconds
    return story


def outage(what: str, service: str, seconds: float, **how: Any) -> Scenario:
    when = "at the call" if how["at_start"] else "at a task"
    live = partial(meets_an_outage, service, seconds, **how)
    return Scenario(f"{what} for {seconds:.0f} s {when}", live, afterwards=check_it_was_met)


def meets_receiver(world: World, answers: Sequence[Answer]) -> Story:
    """Its subscription's receiver answers so, one after the other, before it takes anything."""
    story, path = new_story(world)
    world.hooks.answers[hook_of(story)] = list(answers)
    start(world, story, path)
    return story


def meets_receiver_that_is_gone(world: World) -> Story:
    story = meets_receiver(world, [answer(410)])
    del story.receivers[hook_of(story)]  # nothing more is owed
    return story


def check_nothing_came_after_gone(world: World, story: Story) -> None:
    assert len(world.hooks.came[hook_of(story)]) == 1, "a receiver that is gone was called again"
    [webhook] = world.request("GET", f"/workflows/{spell_workflow(UUID(story.workflow))}/webhooks").body["webhooks"]
    assert not webhook["enabled"], webhook


def check_it_came_again(world: World, story: Story, *, times: int = 1, after: float = 0.0) -> None:
    """The event that was not taken, so often, and not before those seconds; and nothing elsewhere."""
    came = world.hooks.came[hook_of(story)]
    assert [one.is_taken for one in came] == [False] * times + [True, True], came
    assert len({dict(one.headers)["webhook-id"] for one in came[: times + 1]}) == 1
    assert came[times].at - came[times - 1].at >= after
    assert not world.hooks.came[ELSEWHERE], "a redirect was followed"


def receiver(what: str, *answers: Answer, after: float = 0.0) -> Scenario:
    live = partial(meets_receiver, answers=answers)
    return Scenario(
        f"a receiver {what}", live, afterwards=partial(check_it_came_again, times=len(answers), after=after)
    )


def check_it_was_met(world: World, _story: Story) -> None:
    world.calls.outage = None
    assert world.calls.turned_away, "the outage turned no call away, so nothing was drilled"


DISTURBANCES = (
    Scenario("stream records again and reversed", completes, afterwards=repeat_stream_reversed),
    Scenario("status events again and reversed", is_stopped_by_hand, afterwards=repeat_status_events),
    Scenario("status events that belie the record", completes, afterwards=tell_of_other_ends),
    Scenario("workers' events again when all is over", completes, afterwards=repeat_tasks),
    Scenario("workers' events twice at once", is_delivered_twice),
    outage("DynamoDB throttles", "dynamodb", 30, at_start=True),
    outage("DynamoDB throttles", "dynamodb", 30, at_start=False),
    outage("the bucket is out of reach", "s3", 30, throttles=False, at_start=True),
    outage("the bucket is out of reach", "s3", 30, throttles=False, at_start=False),
    outage("Step Functions throttles", "sfn", 600, at_start=True),
    outage("EventBridge is out of reach", "eventbridge", 600, throttles=False, at_start=True),
    receiver("hangs until it is given up", hang),
    receiver("resets the connection", reset),
    receiver("hangs up without an answer", hang_up),
    receiver("redirects", redirect(ELSEWHERE)),
    receiver("answers 429 with Retry-After", answer(429, retry_after="120"), after=120),
    receiver("is out of service for half an hour", *[answer(503)] * 4, after=1500),
    Scenario("a receiver answers 410", meets_receiver_that_is_gone, afterwards=check_nothing_came_after_gone),
)
assert {scenario.name for scenario in SCENARIOS}.isdisjoint(scenario.name for scenario in DISTURBANCES)
