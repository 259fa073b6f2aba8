"""What the check of a definition costs that executes other workflows."""

from typing import Any
from uuid import UUID

import pytest

from stepcall.domain.called_check import MAX_CALLED, CallSetting
from stepcall.domain.called_workflow import CalledSchemas, CalledWorkflow
from stepcall.domain.check import check_definition
from stepcall.domain.errors import InvalidDefinitionError
from stepcall.tasks.catalog import CATALOG
from tests.sample_workflows import checked, declare, give, transform, workflow
from tests.unit.counted_calls import count_calls

CHILD = CalledWorkflow(UUID(int=1), 1, checked(workflow(transform("only"))), CATALOG)


def executing(number: int) -> Any:
    return workflow(
        *(
            {"ref": f"t{index}", "type": "Workflow.Execute", "input": {"workflow_id": f"w{index}"}}
            for index in range(number)
        )
    )


def work_of_outputs(number: int) -> int:
    inputs = [declare(f"i{index}") for index in range(number)]
    outputs = [give(f"o{index}", f"{{{{input.i{index}}}}}") for index in range(number)]
    definition = checked(workflow(transform("only"), inputs=inputs, outputs=outputs))
    return count_calls(lambda: CalledSchemas(CHILD._replace(definition=definition)).given, at_most=5_000_000)


def test_what_a_workflow_gives_of_twice_as_many_outputs_is_twice_the_work() -> None:
    assert work_of_outputs(800) < 2.5 * work_of_outputs(400)


def test_a_definition_executes_so_many_workflows_and_is_told_once_that_it_names_more() -> None:
    asked: list[tuple[str, int | None]] = []

    def find(name: str, version: int | None) -> CalledWorkflow:
        asked.append((name, version))
        return CHILD

    check_definition(executing(MAX_CALLED), CATALOG, calls=CallSetting(find))
    assert len(asked) == len(set(asked)) == MAX_CALLED
    asked.clear()
    with pytest.raises(InvalidDefinitionError) as refused:
        check_definition(executing(2 * MAX_CALLED), CATALOG, calls=CallSetting(find))
    [problem] = refused.value.problems
    assert (problem.code, problem.location) == ("too_many_workflows", f"/tasks/{MAX_CALLED}/input/workflow_id")
    assert len(asked) == MAX_CALLED


@pytest.mark.parametrize("given", [{"version": 0}, {"version": -1}, {"workflow_id": ""}, {"workflow_id": "w" * 65}])
def test_what_can_be_no_workflow_is_one_problem(given: dict[str, Any]) -> None:
    task = {"ref": "t", "type": "Workflow.Execute", "input": {"workflow_id": "w"} | given}
    with pytest.raises(InvalidDefinitionError) as refused:
        check_definition(workflow(task), CATALOG, calls=CallSetting(lambda _name, _version: None))
    assert [problem.location for problem in refused.value.problems] == [f"/tasks/0/input/{next(iter(given))}"]
