"""What a run uses and costs, as `POST /workflows/validate` tells it."""

import pytest

from stepcall.asl.compiler import compile_workflow
from stepcall.asl.limits import Limits, count_read_units, count_write_units, limits_of
from stepcall.tasks.catalog import CATALOG
from tests.sample_workflows import Document, checked, transform, workflow
from tests.unit.run_world import ARNS


def chain(length: int) -> Document:
    tasks = [transform("t0"), *(transform(f"t{n}", f"{{{{refs.t{n - 1}.output.result}}}}") for n in range(1, length))]
    return workflow(*tasks)


def limits(document: Document) -> Limits:
    definition = checked(document)
    return limits_of(compile_workflow(definition, CATALOG, ARNS), definition)


# counted on the local stack, 21 November 2026: a chain of light tasks, one start, one poll, two events
MEASURED = {1: (17, 7), 2: (19, 10), 3: (21, 13), 10: (35, 34), 30: (75, 96)}


@pytest.mark.parametrize(("tasks", "units"), MEASURED.items())
def test_units_are_those_that_were_counted(tasks: int, units: tuple[int, int]) -> None:
    needs = [0, *[1] * (tasks - 1)]
    assert (count_write_units(tasks), count_read_units(needs)) == units


def test_a_run_of_three_tasks_costs_four_transitions_and_little_else() -> None:
    """100 for transitions, 1.20 for 6 Lambda requests, 2 for 2 HTTP requests, 13.125 and 1.375 for DynamoDB."""
    found = limits(chain(3))
    assert (found.transitions, found.usd_per_million_runs) == (4, 117.95)


def test_a_wait_costs_three_transitions_of_which_two_invoke_a_function() -> None:
    """100 for transitions, 1.00 for 5 Lambda requests, 2 for 2 HTTP requests, the rest for DynamoDB."""
    found = limits(workflow({"ref": "one", "type": "Flow.Wait", "input": {"seconds": 86_400}}))
    database = count_write_units(1) * 0.625 + count_read_units([0]) * 0.125
    assert (found.transitions, found.usd_per_million_runs) == (4, round(103 + database, 2))


def test_the_price_grows_with_tasks_and_with_the_outputs_they_use() -> None:
    independent = workflow(*[transform(f"t{n}") for n in range(3)])
    assert limits(independent).usd_per_million_runs < limits(chain(3)).usd_per_million_runs
    assert limits(chain(3)).usd_per_million_runs < limits(chain(4)).usd_per_million_runs


def test_definition_bytes_are_those_that_step_functions_gets() -> None:
    definition = checked(chain(2))
    compiled = compile_workflow(definition, CATALOG, ARNS)
    assert limits_of(compiled, definition).definition_bytes == len(compiled.definition.encode())
    assert limits_of(compiled, definition).history_events == compiled.history_events


def test_a_run_without_for_each_says_nothing_of_elements() -> None:
    assert not {"transitions_per_element", "usd_per_million_elements"} & limits(chain(3)).to_json().keys()


def test_one_element_more_costs_a_transition_an_invocation_and_its_records() -> None:
    """25 for the transition, 0.20 for the Lambda request, 1.25 for 2 writes, 0.375 for 3 reads."""
    found = limits(workflow(transform("each", "{{item}}") | {"for_each": ["a", "b"]}))
    assert (found.transitions_per_element, found.usd_per_million_elements) == (1, 26.82)
    assert found.to_json()["transitions_per_element"] == 1


def test_an_element_that_uses_an_output_reads_it_too() -> None:
    each = transform("each", ["{{item}}", "{{refs.one.output.result}}"]) | {"for_each": ["a", "b"]}
    assert limits(workflow(transform("one"), each)).usd_per_million_elements == 26.95


def test_the_price_of_an_element_is_that_of_one_in_each_of_the_tasks() -> None:
    one, two = (transform(ref, "{{item}}") | {"for_each": ["a"]} for ref in ("one", "two"))
    found = limits(workflow(one, two))
    assert (found.transitions_per_element, found.usd_per_million_elements) == (2, 53.65)


def test_an_element_that_waits_enters_three_states() -> None:
    wait = {"ref": "each", "type": "Flow.Wait", "input": {"seconds": "{{item}}"}, "for_each": [1, 2]}
    assert limits(workflow(wait)).transitions_per_element == 3


def test_elements_of_tasks_that_run_at_once_are_counted_too() -> None:
    one, two = (transform(ref, "{{item}}") | {"for_each": ["a"]} for ref in ("one", "two"))
    assert limits(workflow(one, two) | {"order": "graph"}).transitions_per_element == 2
