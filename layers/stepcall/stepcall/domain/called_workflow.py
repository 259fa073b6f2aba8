"""What a workflow that a task executes takes and gives, as the schemas that the task's input and output are held by."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from stepcall.domain.declared_value import InputParameter
from stepcall.domain.each_check import array_of
from stepcall.domain.fallback_check import either
from stepcall.domain.json_schema import SCHEMAS, Schema, Variant
from stepcall.domain.namable import Namable, Position
from stepcall.domain.parent_task import MAX_NAME_LENGTH, WORKFLOW_EXECUTE
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.types import JsonType, ValueType
from stepcall.domain.workflow import Task, WorkflowDefinition


class CalledWorkflow(NamedTuple):
    """The version of a workflow that a task would execute now."""

    workflow_id: UUID
    version: int
    definition: WorkflowDefinition
    catalog: Mapping[str, TaskContract]
    """The types of its tasks, as they were when it was defined."""


FindWorkflow = Callable[[str, int | None], CalledWorkflow | None]
"""The tenant's workflow of this id or `config_id`, in that version or the newest; None where there is none."""


class Call(NamedTuple):
    """Which workflow a task executes, as far as it says so in words."""

    name: str
    version: int | None


def call_of(given: Mapping[str, Any]) -> Call | None:
    """What the input of a task says; None where it does not say it, or not in words, or what no workflow is called."""
    name, version = given.get("workflow_id"), given.get("version")
    if not isinstance(name, str) or "{{" in name or not (version is None or type(version) is int):
        return None
    if not 1 <= len(name) <= MAX_NAME_LENGTH or (version is not None and version < 1):
        return None  # its fields' own check says so
    return Call(name, version)


def calls_of(definition: WorkflowDefinition) -> Iterator[Call]:
    for task in definition.tasks:
        call = call_of(task.input) if task.type == WORKFLOW_EXECUTE else None
        if call:
            yield call


class CalledSchemas:
    """Of one definition, which was checked when it was stored."""

    def __init__(self, called: CalledWorkflow) -> None:
        self._definition = called.definition
        self._catalog = called.catalog

    @cached_property
    def taken(self) -> Schema:
        """An object with its inputs. Null is nothing given."""
        declared = self._definition.input
        required = dict.fromkeys(parameter.name for parameter in declared if parameter.must_be_given)
        return _object_of({parameter.name: _taken(parameter) for parameter in declared}, required)

    @cached_property
    def given(self) -> Schema:
        """An object with its outputs, all of them: one that can be null says so."""
        given: dict[str, Schema] = {}
        before: dict[str, tuple[int, Schema]] = {}
        namable = self._namable(before)
        for index, output in enumerate(self._definition.output):
            may_be_null = namable.may_be_null(output.template, Position(len(self._definition.tasks), index))
            schema = output.schema_of_value.or_null if may_be_null else output.schema_of_value
            given[output.name], before[output.name] = schema, (index, schema)
        return _object_of(given, dict.fromkeys(given))

    def _namable(self, outputs: Mapping[str, tuple[int, Schema]]) -> Namable:
        """`outputs` grows as they are looked at: what each may name is those before it."""
        return Namable(
            inputs={parameter.name: _bound(parameter) for parameter in self._definition.input},
            tasks={task.ref: (-1, self._output_of(task)) for task in self._definition.tasks},
            outputs=outputs,
            suggest=lambda _, __: "",
        )

    def _output_of(self, task: Task) -> Schema:
        given, instead = self._catalog[task.type].output_schema, self._definition.fallback_of(task)
        given = either(given, self._catalog[instead.type].output_schema) if instead else given
        return given if task.for_each is None else array_of(given)


def _taken(parameter: InputParameter) -> Schema:
    return parameter.schema_of_value if parameter.must_be_given else parameter.schema_of_value.or_null


def _bound(parameter: InputParameter) -> Schema:
    """Of what a run has: one with a default is never null."""
    is_there = parameter.must_be_given or parameter.default is not None
    return parameter.schema_of_value if is_there else parameter.schema_of_value.or_null


def _object_of(properties: Mapping[str, Schema], required: Mapping[str, None]) -> Schema:
    return Schema({JsonType.OBJECT: Variant(JsonType.OBJECT, properties=properties, required=required)})


def output_of_task(given: Schema) -> Schema:
    """What `Workflow.Execute` gives of a workflow that gives this."""
    properties = {"execution_id": SCHEMAS[ValueType.STRING], "output": given}
    return _object_of(properties, dict.fromkeys(properties))
