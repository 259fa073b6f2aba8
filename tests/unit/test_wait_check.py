"""How long a workflow waits at least, against how long it may take: over random graphs, asked of every way through."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from stepcall.domain.check import check_definition
from stepcall.domain.errors import InvalidDefinitionError, Problem
from stepcall.tasks.catalog import CATALOG
from tests.random_graphs import random_needs


def ways(needs: list[list[int]], end: int) -> Iterator[list[int]]:
    """Every chain of tasks that ends there."""
    yield [end]
    for before in needs[end]:
        for way in ways(needs, before):
            yield [*way, end]


def problems_of(document: dict[str, Any], hours: int | None = None) -> list[Problem]:
    try:
        check_definition(document, CATALOG, time_to_run=timedelta(hours=hours) if hours else None)
    except InvalidDefinitionError as refused:
        return list(refused.problems)
    return []


def is_refused(tasks: list[dict[str, Any]], limit: int) -> bool:
    problems = problems_of({"name": "Waits", "order": "graph", "timeout_seconds": limit, "tasks": tasks})
    assert {problem.location for problem in problems} <= {"/timeout_seconds"}
    return bool(problems)


@pytest.mark.parametrize("seed", range(20))
def test_what_waits_as_long_as_it_may_take_is_refused_and_what_waits_less_is_not(seed: int) -> None:
    needs, random = random_needs(seed, most=9), Random(seed)
    seconds = [random.randrange(1, 100) for _ in needs]
    tasks = [
        {"ref": f"t{number}", "type": "Flow.Wait", "input": {"seconds": seconds[number]}}
        | {"depends_on": [f"t{other}" for other in before]}
        for number, before in enumerate(needs)
    ]
    longest = max(sum(seconds[task] for task in way) for end in range(len(needs)) for way in ways(needs, end))
    assert is_refused(tasks, longest)
    assert not is_refused(tasks, longest + 1)


def test_waits_of_which_conditions_choose_one_do_not_add_up() -> None:
    chosen = {"left": "{{run.range_from}}", "operator": "==", "right": ""}
    tasks = [
        {"ref": "one", "type": "Flow.Wait", "input": {"seconds": 40}, "condition": chosen},
        {
            "ref": "other",
            "type": "Flow.Wait",
            "input": {"seconds": 50},
            "condition": {"not": chosen},
            "depends_on": ["one"],
        },
    ]
    assert not is_refused(tasks, 51)
    assert is_refused(tasks, 50)


@pytest.mark.parametrize(
    ("more", "least"),
    [
        ({"for_each": []}, 0),
        ({"for_each": [1]}, 50),
        ({"for_each": [1, 2, 3], "max_concurrency": 1}, 150),
        ({"for_each": [1, 2, 3], "max_concurrency": 2}, 100),
        ({"for_each": [1, "{{input.times[0]}}", 3]}, 50),
        ({"for_each": [*range(41)]}, 100),
        ({"for_each": "{{input.times}}", "max_concurrency": 1}, 0),
    ],
    ids=str,
)
def test_a_wait_for_each_of_an_array_that_is_written_out_is_as_many_waits_as_come_after_each_other(
    more: dict[str, Any], least: int
) -> None:
    def problems_within(limit: int) -> list[Problem]:
        wait = {"ref": "each", "type": "Flow.Wait", "input": {"seconds": 50}, **more}
        times = {"name": "times", "type": "array"}
        return problems_of({"name": "Waits", "timeout_seconds": limit, "input": [times], "tasks": [wait]})

    assert problems_within(least + 1) == []
    assert [problem.location for problem in problems_within(least or 1)] == (["/timeout_seconds"] if least else [])


@pytest.mark.parametrize(
    ("timeout", "hours", "place"),
    [(3600, 2, "/timeout_seconds"), (7300, 1, "/tasks"), (None, 1, "/tasks"), (None, 2, None), (7300, None, None)],
)
def test_the_shorter_of_the_workflows_time_and_the_deployments_counts(
    timeout: int | None, hours: int | None, place: str | None
) -> None:
    said = {"timeout_seconds": timeout} if timeout else {}
    wait = {"ref": "one", "type": "Flow.Wait", "input": {"seconds": 3600}}
    found = problems_of({"name": "Waits", "tasks": [wait], **said}, hours)
    assert [problem.location for problem in found] == ([place] if place else [])
