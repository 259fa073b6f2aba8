"""One drill: a story lived with a harm in it, then only the system's own machinery, then the verdict."""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import NamedTuple
from uuid import UUID

from local.moto_world.executions import kept_executions
from stepcall.domain.errors import ErrorReason
from stepcall.domain.ids import spell_execution, spell_workflow
from stepcall.domain.run import CALL_LOCATION, failed_end
from stepcall.runtime import wiring
from tests.drills.aws_calls import Harm, Point
from tests.drills.stories import Scenario, Story
from tests.drills.verdict import Life, find_losses
from tests.drills.world import RestlessError, World

# Seconds that pass, until all is well: the stream is asked, events come, invocations are repeated, runs are swept.
PATIENCE = (0.3, 0.3, 1, 1, 2, 4, 8, 61, 61, 61, 121, 61, 301, 61, 61)
RUN_ID_LENGTH = 36
NEVER_MADE = "the call was never made, so nothing was drilled"
WORKERS = frozenset({"run_web_task", "run_data_task"})


class Drilled(NamedTuple):
    scenario: Scenario
    point: Point | None
    story: Story | None
    losses: list[str]

    def __str__(self) -> str:
        return f"{self.scenario.name}: {self.point or 'as it is'}"


def drill(world: World, scenario: Scenario, point: Point | None = None) -> Drilled:
    """Without a point no single call is harmed: what is seen then are the points to drill."""
    world.planned = point
    try:
        story = scenario.live(world)
        story.may_repeat |= cuts_work(point)
        world.rest()
        let_go_on(world, story)
        scenario.afterwards(world, story)
        world.rest()
    except (AssertionError, RestlessError) as exc:
        return Drilled(scenario, point, None, [str(exc)])
    was_harmed = world.calls.was_harmed
    world.calls.ignore()
    losses = [] if point is None or was_harmed else [NEVER_MADE]
    losses += find_losses(story, look_at(world, story, read_output(world, story)))
    for other in story.others:
        losses += [
            f"another run: {loss}" for loss in find_losses(other, look_at(world, other, read_output(world, other)))
        ]
    end_what_is_open(world, story)
    return Drilled(scenario, point, story, losses)


def look_again(world: World, drilled: Drilled) -> Drilled:
    """Long afterwards: whether what was well still is. Outputs are not read again: they were written once."""
    if drilled.story is None or drilled.losses:
        return drilled
    return drilled._replace(losses=find_losses(drilled.story, look_at(world, drilled.story, drilled.story.output)))


def points_of(world: World, scenario: Scenario) -> Iterator[Point]:
    """Every call of an unharmed life, and every harm. Raises AssertionError when that life is not whole."""
    calm = drill(world, scenario)
    assert calm.losses == [], f"{scenario.name}, unharmed: {calm.losses}"
    calls = [call for call in world.calls.seen if scenario.drilled is None or call.function in scenario.drilled]
    assert calls, f"{scenario.name}: no call was seen"
    return (Point(call, harm) for call in calls for harm in Harm)


def let_go_on(world: World, story: Story) -> None:
    """With what the system has: time passes until all is well, or for a quarter of an hour."""
    for seconds in PATIENCE:
        if not find_losses(story, look_at(world, story, story.output)):
            return
        world.pass_by(seconds)


def look_at(world: World, story: Story, output: object) -> Life:
    """What there is to see of the story's run."""
    world.changes.read()
    runs = world.changes.of_workflow(story.workflow)
    return Life(
        runs,
        {run_id: world.events.arrived().get(run_id, ()) for run_id in runs},
        output,
        count_executions(runs),
        {ref: tuple(world.pages.asked[path]) for ref, path in story.pages.items()},
        {path: world.hooks.told(path, receiver.secret) for path, receiver in story.receivers.items()},
    )


def count_executions(runs: Collection[str]) -> int:
    """The most that any attempt of a run has."""
    attempts = Counter(one.name for one in kept_executions() if one.name and one.name[:RUN_ID_LENGTH] in runs)
    return max(attempts.values(), default=0)


def cuts_work(point: Point | None) -> bool:
    """Whether a worker's work may have been for nothing."""
    return point is not None and point.call.function in WORKERS and point.harm is not Harm.THROTTLED_ONCE


def read_output(world: World, story: Story) -> object:
    """As a client reads it, who was told of the run; None where there is none."""
    world.changes.read()
    run_id = next(iter(story.run_ids or world.changes.of_workflow(story.workflow)), None)
    if run_id is None:
        return None
    path = f"/workflows/{spell_workflow(UUID(story.workflow))}/executions/{spell_execution(UUID(run_id))}"
    return world.request("GET", path).body.get("output")


def end_what_is_open(world: World, story: Story) -> None:
    """A run that was lost must not be in the way of the drills that follow."""
    for run_id, run in world.changes.of_workflow(story.workflow).items():
        if not run.is_over:
            end = failed_end(world.clock.now(), ErrorReason.INTERNAL_ERROR, CALL_LOCATION, "Lost in a drill.")
            runs = wiring.worker_dependencies().runs
            runs.end(runs.get_for_end(UUID(run_id)).run, end)
