"""All drills, one after the other in one world, and what came of them as lines to print."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from tests.drills.aws_calls import Harm, Point
from tests.drills.drill import NEVER_MADE, Drilled, drill, look_again, points_of
from tests.drills.stories import Scenario
from tests.drills.world import World

AFTERWARDS = (1, 61, 121, 301)
"""Seconds that pass when all drills are over: what comes late has come then."""
TRIES = 5
Tell = Callable[[str], None]


def run_campaign(
    world: World, scenarios: Iterable[Scenario], disturbances: Iterable[Scenario], tell: Tell = lambda _: None
) -> list[Drilled]:
    """Every point of the scenarios and every disturbance. A scenario that is not whole unharmed is a loss itself."""
    steps = chain(*(_points(world, scenario) for scenario in scenarios), (drill(world, one) for one in disturbances))
    done: list[Drilled] = []
    for drilled in steps:
        done.append(drilled)
        if drilled.losses:
            tell(f"LOST {drilled}: {'; '.join(drilled.losses)}")
    for seconds in AFTERWARDS:
        world.pass_by(seconds)
    return [_tell_late(look_again(world, drilled), drilled, tell) for drilled in done]


def _points(world: World, scenario: Scenario) -> Iterator[Drilled]:
    try:
        points = list(points_of(world, scenario))
    except AssertionError as exc:
        yield Drilled(scenario, None, None, [str(exc)])
        return
    for point in points:
        yield drill_once_made(world, scenario, point)


def drill_once_made(world: World, scenario: Scenario, point: Point) -> Drilled:
    """Deliveries go on side by side: which of two looks first, and starts one that waits, is not always the same."""
    for _ in range(TRIES - 1):
        drilled = drill(world, scenario, point)
        if drilled.losses != [NEVER_MADE]:
            return drilled
    return drill(world, scenario, point)


def _tell_late(now: Drilled, before: Drilled, tell: Tell) -> Drilled:
    if now.losses and not before.losses:
        tell(f"LOST afterwards {now}: {'; '.join(now.losses)}")
    return now


def report(done: Sequence[Drilled]) -> Iterator[str]:
    """A table by function and operation, how it went otherwise, and the count."""
    at_points = [drilled for drilled in done if drilled.point]
    rows: defaultdict[tuple[str, str], list[Drilled]] = defaultdict(list)
    for drilled in at_points:
        if drilled.point:
            rows[drilled.point.call.function, drilled.point.call.operation].append(drilled)
    yield f"{'function':<24} {'operation':<20} {'calls':>5} " + " ".join(f"{harm.value:>14}" for harm in Harm)
    for (function, operation), row in sorted(rows.items()):
        calls = {(one.scenario.name, one.point.call) for one in row if one.point}
        yield f"{function:<24} {operation:<20} {len(calls):>5} " + " ".join(f"{_kept(row, harm):>14}" for harm in Harm)
    yield ""
    for drilled in done:
        if not drilled.point:
            yield f"{'LOST' if drilled.losses else 'survived'}  {drilled.scenario.name}"
    yield ""
    others = [drilled for drilled in done if not drilled.point]
    yield f"{len(others)} disturbances, {_survived(others)} survived"
    yield f"{len(at_points)} crash points, {_survived(at_points)} survived"


def _kept(row: Sequence[Drilled], harm: Harm) -> str:
    of_harm = [drilled for drilled in row if drilled.point and drilled.point.harm is harm]
    return f"{_survived(of_harm)} of {len(of_harm)}"


def _survived(drills: Sequence[Drilled]) -> int:
    return sum(not drilled.losses for drilled in drills)
