"""Every construct in every other, to a depth of three: its machine compiles, or the reason is said."""

import json
from collections.abc import Iterator, Mapping
from uuid import UUID

import pytest

from stepcall.asl.compiler import compile_workflow
from stepcall.domain.called_check import CallSetting
from stepcall.domain.called_workflow import CalledWorkflow
from stepcall.domain.check import check_definition
from stepcall.domain.custom_type import CustomType, contracts_of
from stepcall.domain.errors import InvalidDefinitionError, Problem
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.workflow import WorkflowDefinition
from stepcall.tasks.catalog import CATALOG
from tests.nested_constructs import LEAVES, Nest, documents_of, nests
from tests.sample_workflows import Document
from tests.unit.test_compiler import arns

OWN_TYPE = CustomType(
    name="Own.Type",
    function_arn="arn:aws:lambda:eu-central-1:123456789012:function:own",
    input_schema={"type": "object", "properties": {"value": {"type": ["integer", "null"]}}},
    output_schema={"type": "object"},
)
TYPES: Mapping[str, TaskContract] = {**CATALOG, **contracts_of([OWN_TYPE])}
REFUSED: Mapping[frozenset[str], tuple[str, str]] = {
    frozenset({"for_each", "fallback"}): ("invalid_fallback", "/tasks/1/fallback"),
    frozenset({"for_each", "Sql.Query"}): ("invalid_for_each", "/tasks/1/for_each"),
    frozenset({"timeout_seconds", "Flow.Wait"}): ("invalid_value", "/tasks/1/timeout_seconds"),
    frozenset({"timeout_seconds", "Flow.Approval"}): ("invalid_value", "/tasks/1/timeout_seconds"),
}
"""What cannot stand in each other, with the code of the problem and its place. All else can."""


def wanted_problems(said: set[str]) -> set[tuple[str, str]]:
    return {problem for together, problem in REFUSED.items() if together <= said}


def different_nests(leaf: str) -> Iterator[Nest]:
    """Fields of one task say the same in any order."""
    found = {json.dumps([document for document, _ in documents_of(nest)], sort_keys=True): nest for nest in nests(leaf)}
    yield from found.values()


def compiles(document: Document, others: Mapping[str, CalledWorkflow]) -> WorkflowDefinition:
    """Its definition; `check_state_machine` has looked at its machine. Raises InvalidDefinitionError."""
    checked = check_definition(document, TYPES, calls=CallSetting(lambda name, _version: others.get(name)))
    compile_workflow(checked.definition, TYPES, arns())
    return checked.definition


def fault_of(nest: Nest) -> str | None:
    """Where its machines, the innermost workflow's first, do not compile although they should, or the other way."""
    others: dict[str, CalledWorkflow] = {}
    for document, said in documents_of(nest):
        problems: list[Problem] = []
        try:
            definition = compiles(document, others)
            others[definition.name] = CalledWorkflow(UUID(int=len(others)), 1, definition, TYPES)
        except InvalidDefinitionError as exc:
            problems = exc.problems
        wanted, found = wanted_problems(said), {(problem.code, problem.location) for problem in problems}
        if found != wanted or any(len(problem.message) < 40 for problem in problems):
            return f"{nest}: {problems}, and it should be {wanted}"
        if problems:
            break
    return None


@pytest.mark.parametrize("leaf", LEAVES)
def test_what_nests_compiles_and_what_does_not_is_refused_with_the_reason(leaf: str) -> None:
    nested = [*different_nests(leaf)]
    assert [fault for nest in nested if (fault := fault_of(nest))] == []
    assert len(nested) > 200
