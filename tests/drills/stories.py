"""The lives of runs that are drilled: each drives the service as its clients and its operators do, and says what is
owed."""

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import boto3

from local.seed import TENANT
from stepcall.domain.ids import read_run_id, read_workflow_id
from stepcall.domain.run import RunStatus
from stepcall.runtime import wiring
from tests.drills.aws_calls import Outage
from tests.drills.world import Answer, World

TEXT = "t" * 10_000
"""Over the limit of what is kept in a record."""
CALLS_OF_A_CLIENT = 60
DEADLINE_SECONDS = 168 * 3600
"""What template.yaml gives a run."""
COMPLETED, FAILED, CANCELLED = RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED


@dataclass
class Story:
    """What a drill has asked for, and what it may expect."""

    workflow: str
    """The id, as the table has it."""
    run_ids: set[str] = field(default_factory=set)
    """As answers have told them."""
    may_repeat: bool = False
    """Whether a task may work a second time before its output is stored."""
    two_at_once: bool = False
    """Whether the second may have begun before that, and work when it is."""
    expected: frozenset[RunStatus] = frozenset({COMPLETED})
    output: dict[str, Any] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    """What each task that can be counted asks for, by its ref."""
    ends: int = 1
    """How often the run ends: again when it was resumed."""
    others: list["Story"] = field(default_factory=list)
    """Whose runs are not harmed, and have to be whole, too."""
    is_answered: bool = True
    """Whether who starts it is told of its run."""
    receivers: dict[str, "Receiver"] = field(default_factory=dict)
    """Of its webhooks, by their paths."""


class Receiver(NamedTuple):
    """`ends_only`: it is told of the end alone."""

    secret: str
    ends_only: bool = False


class Scenario(NamedTuple):
    """`drilled` are the functions whose calls are harmed, None for all that are seen."""

    name: str
    live: Callable[[World], Story]
    drilled: Collection[str] | None = None
    afterwards: Callable[[World, Story], None] = lambda _world, _story: None
    """What happens once all is well, and must change nothing."""


def definition(number: int, address: str, expression: str = "$") -> dict[str, Any]:
    """A large page, which a second task reads and a third one needs; its refs make its machine a new one."""
    page = f"page_{number}"
    html = f"{{{{refs.{page}.output.html_content}}}}"
    shape = {"expression": expression, "data": {"size": html, "key": "{{input.key}}", "text": "{{input.text}}"}}
    last = f"http://{address}/last/{{{{refs.shape.output.result.key}}}}"
    return {
        "name": f"Drill {number}",
        "input": [{"name": "key", "type": "string"}, {"name": "text", "type": "string"}],
        "tasks": [
            {"ref": page, "type": "Web.Download", "input": {"url": f"http://{address}/page/{{{{input.key}}}}"}},
            {"ref": "shape", "type": "Data.Transform", "input": shape},
            {"ref": "last", "type": "Web.Download", "input": {"url": last}},
        ],
        "output": [
            {"name": "page", "type": "string", "value": html},
            {"name": "size", "type": "integer", "value": "{{refs.shape.output.result.size}}"},
            {"name": "last", "type": "string", "value": "{{refs.last.output.html_content}}"},
        ],
    }


SHAPE = "{'size': $length(size) + $length(text), 'key': key}"


def new_story(world: World, expression: str = SHAPE) -> tuple[Story, str]:
    """Its workflow is defined, nothing is started; and the path of the workflow."""
    number = world.begin()
    made = world.request("POST", "/workflows", definition(number, world.pages.address, expression))
    assert made.status == 201, made
    workflow_id = made.body["workflow_id"]
    page, last = f"/page/{number}", f"/last/{number}"
    text = world.pages.text(page)
    story = Story(
        str(read_workflow_id(workflow_id)),
        output={"page": text, "size": len(text) + len(TEXT), "last": last},
        pages={f"page_{number}": page, "last": last},
    )
    subscribe(world, story, f"/workflows/{workflow_id}")
    return story, f"/workflows/{workflow_id}"


def subscribe(world: World, story: Story, path: str) -> None:
    """To all events of the workflow."""
    hook = hook_of(story)
    made = world.request("POST", f"{path}/webhooks", {"url": world.hooks.url(hook)})
    assert made.status == 201, made
    story.receivers[hook] = Receiver(made.body["secret"])


def hook_of(story: Story) -> str:
    """Where the subscription's receiver is."""
    return f"/subscription/{story.workflow}"


def start(world: World, story: Story, path: str) -> Answer:
    """As a client does that was given no answer, or none that counts: the same call again."""
    hook = f"/webhook_url/{story.workflow}"
    body = {"input": {"key": path_key(story), "text": TEXT}, "webhook_url": world.hooks.url(hook)}
    for _ in range(CALLS_OF_A_CLIENT):
        answer = world.request("POST", f"{path}/execute", body, idempotency_key=f"drill-{story.workflow}")
        if answer.status < 300:
            story.run_ids.add(str(read_run_id(answer.body["execution_id"])))
            story.receivers[hook] = Receiver(answer.body["webhook_secret"], ends_only=True)
            return answer
        assert answer.status >= 500 or answer.status in {409, 429}, answer
        world.clock.pass_by(1)
    raise AssertionError(f"no start was accepted: {answer}")


def path_key(story: Story) -> str:
    return next(iter(story.pages.values())).rpartition("/")[2]


def completes(world: World) -> Story:
    story, path = new_story(world)
    world.watch()
    start(world, story, path)
    return story


def is_started_by_an_event(world: World) -> Story:
    """Its sender puts one event onto the bus, and hears of the run by its events alone."""
    story, path = new_story(world)
    detail = {
        "workflow_id": path.rpartition("/")[2],
        "tenant": TENANT,
        "input": {"key": path_key(story), "text": TEXT},
    }
    bus = next(f.variables["EVENT_BUS"] for f in world.stack.deployment.functions if "EVENT_BUS" in f.variables)
    entry: Any = {"Source": "drill", "DetailType": "Execute Workflow", "EventBusName": bus}
    story.is_answered = False
    world.watch()
    boto3.client("events").put_events(Entries=[entry | {"Detail": json.dumps(detail)}])
    return story


def fails(world: World) -> Story:
    story, path = new_story(world, "$error('no')")
    story.expected, story.output = frozenset({FAILED}), {}
    world.watch()
    start(world, story, path)
    return story


def is_cancelled(world: World) -> Story:
    """At its first task, which is let go afterwards. Its client calls once."""
    story, path = new_story(world)
    page = next(iter(story.pages.values()))
    with held(world, page):
        started = start(world, story, path)
        assert world.pages.wait_until_asked(page)
        world.watch()
        answer = world.request("POST", f"{path}/executions/{started.body['execution_id']}/cancel")
        story.expected = frozenset({CANCELLED} if answer.status < 300 else {CANCELLED, COMPLETED})
    return story


def waits_for_a_sweep(world: World) -> Story:
    """Step Functions takes no start."""
    story, path = new_story(world)
    with out_of(world, Outage("sfn")):
        start(world, story, path)
    world.rest()
    world.watch()
    return story


def is_stopped_by_hand(world: World) -> Story:
    """In Step Functions' console, at its first task: the status event tells."""
    story = _stop_at_first_task(world)
    world.watch()
    return story


def ends_unseen(world: World) -> Story:
    """The same, and the status event is lost: AWS delivers it by best effort."""
    with status_events_lost(world):
        story = _stop_at_first_task(world)
        for _ in range(4):
            world.pass_by(61)  # younger runs are not looked at
    world.watch()
    return story


def passes_its_deadline(world: World) -> Story:
    """All sweeps of a week were missed: whatever has become of its execution, it is too late."""
    with status_events_lost(world):
        story = _stop_at_first_task(world)
        world.rest()
        story.expected = frozenset({FAILED})
        world.watch()
        world.pass_by(DEADLINE_SECONDS)
    return story


def waits_for_its_turn(world: World) -> Story:
    """Its tenant may have one run under way, and has one, which is let go when this one waits."""
    (first, path_of_first), (story, path) = new_story(world), new_story(world)
    world.allow_running(1)
    page = next(iter(first.pages.values()))
    with held(world, page):
        start(world, first, path_of_first)
        assert world.pages.wait_until_asked(page)
        world.watch()
        start(world, story, path)
    story.others = [first]
    return story


def check_turns(world: World, story: Story) -> None:
    [first] = story.others
    ended, begun = world.pages.asked[first.pages["last"]], world.pages.asked[next(iter(story.pages.values()))]
    assert max(ended) < min(begun), "two runs were under way at once"


def is_resumed(world: World) -> Story:
    """Its last task has failed, and would not now. Its client calls until it is resumed."""
    story, path = new_story(world)
    world.pages.refused.add(story.pages["last"])
    started = start(world, story, path)
    for _ in range(3):
        world.pass_by(1)
    world.pages.refused.clear()
    world.watch()
    story.ends = 2
    for _ in range(CALLS_OF_A_CLIENT):
        answer = world.request("POST", f"{path}/executions/{started.body['execution_id']}/resume", {})
        if answer.status in {202, 409}:  # it is under way, or was when the answer was lost
            return story
        assert answer.status >= 500 or answer.status == 429, answer
        world.clock.pass_by(1)
    raise AssertionError(f"it was not resumed: {answer}")


def _stop_at_first_task(world: World) -> Story:
    story, path = new_story(world)
    page = next(iter(story.pages.values()))
    story.expected = frozenset({CANCELLED})
    with held(world, page):
        start(world, story, path)
        assert world.pages.wait_until_asked(page)
        run_id = UUID(next(iter(story.run_ids)))
        run = wiring.worker_dependencies().runs.get_for_end(run_id).run
        wiring.engine().stop(run.execution_name, run.content_hash, "Stopped by hand.")
    return story


@contextmanager
def status_events_lost(world: World) -> Iterator[None]:
    rule = world.stack.deployment.names["RecordExecutionStatusFunctionEndedExecution"]
    boto3.client("events").disable_rule(Name=rule)
    try:
        yield
    finally:
        boto3.client("events").enable_rule(Name=rule)


@contextmanager
def held(world: World, page: str) -> Iterator[None]:
    world.pages.hold(page)
    try:
        yield
    finally:
        world.pages.let_go(page)


@contextmanager
def out_of(world: World, outage: Outage) -> Iterator[None]:
    world.calls.outage = outage
    try:
        yield
    finally:
        world.calls.outage = None


SCENARIOS = (
    Scenario("completes", completes),
    Scenario("is started by an event", is_started_by_an_event, {"start_triggered_run"}),
    Scenario("fails", fails, {"run_data_task", "finish_run", "publish_run_events"}),
    Scenario("is cancelled", is_cancelled),
    Scenario("waits for a sweep", waits_for_a_sweep, {"sweep_runs"}),
    Scenario("is stopped by hand", is_stopped_by_hand, {"record_execution_status"}),
    Scenario("ends unseen", ends_unseen, {"sweep_runs"}),
    Scenario("passes its deadline", passes_its_deadline, {"sweep_runs"}),
    Scenario("waits for its turn", waits_for_its_turn, {"workflows_api", "start_waiting_runs"}, check_turns),
    Scenario("is resumed", is_resumed, {"workflows_api", "finish_run", "run_web_task"}),
)
