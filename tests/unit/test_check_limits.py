"""Step Functions' quotas are problems of the definition, each with its code, its quota and both figures."""

import pytest

from stepcall.asl.check_limits import MAX_HISTORY_EVENTS, find_size_problems, refuse_over_limits
from stepcall.asl.compiler import FINISH_RUN, compile_workflow
from stepcall.domain.errors import InvalidDefinitionError
from stepcall.domain.task_contract import Worker
from stepcall.domain.workflow import WorkflowDefinition
from stepcall.tasks.catalog import CATALOG
from tests.sample_workflows import transform, workflow

SHORT_ARNS = dict.fromkeys((*Worker, FINISH_RUN), "f")  # so short that size is not what is broken


def test_a_machine_within_all_limits_is_not_refused() -> None:
    refuse_over_limits("{}", MAX_HISTORY_EVENTS)


def test_a_definition_has_a_megabyte() -> None:
    [problem] = find_size_problems("é" * 524_289)
    assert problem.to_json() == {
        "location": "",
        "code": "too_large",
        "message": "The compiled state machine has 1048578 bytes; Step Functions takes 1048576 (quota: maximum state "
        "machine definition size). Use fewer tasks or shorter refs, or split the workflow.",
        "expected": "at most 1048576 bytes",
        "got": "1048578 bytes",
    }


def test_the_request_that_carries_the_definition_has_a_megabyte() -> None:
    assert [*find_size_problems(" " * (1_048_576 - 2048))] == []
    for text, size in ((" " * (1_048_576 - 2047), 1_048_577), ('"' * 524_288, 1_050_624), ("\\" * 524_288, 1_050_624)):
        [problem] = find_size_problems(text)
        assert "maximum request size" in problem.message
        assert problem.got == f"{size} bytes"


def test_more_events_than_a_history_holds_are_refused_with_the_limit_named() -> None:
    with pytest.raises(InvalidDefinitionError) as refused:
        refuse_over_limits("{}", 25_001)
    [problem] = refused.value.problems
    assert (problem.code, problem.location) == ("too_many_history_events", "/tasks")
    assert "maximum execution history size" in problem.message
    assert (problem.expected, problem.got) == ("at most 25000 events", "25001 events")


def test_all_limits_that_are_broken_are_told_at_once() -> None:
    with pytest.raises(InvalidDefinitionError) as refused:
        refuse_over_limits(" " * 2_000_000, 30_000)
    assert [problem.code for problem in refused.value.problems] == ["too_large", "too_many_history_events"]


@pytest.mark.parametrize(("tasks", "events"), [(1247, None), (1248, 25_018)])
def test_the_compiler_refuses_the_first_workflow_whose_longest_run_is_too_long(tasks: int, events: int | None) -> None:
    """More tasks than the checker lets through: what keeps them in bounds here is the count itself."""
    definition = WorkflowDefinition.model_validate(workflow(*[transform(f"t{n}") for n in range(tasks)]), strict=False)
    if events is None:
        assert compile_workflow(definition, CATALOG, SHORT_ARNS).history_events == 24_998
        return
    with pytest.raises(InvalidDefinitionError) as refused:
        compile_workflow(definition, CATALOG, SHORT_ARNS)
    assert [problem.got for problem in refused.value.problems if problem.code != "too_large"] == [f"{events} events"]
