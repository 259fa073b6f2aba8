"""Everything that is wrong with a definition, at once, each with its place and what to change.

`check_definition` is the one entry point. Stages: **shape** (each element by its pydantic model) → **names** (unique) →
**task types** (they exist, their fields are there) → **references** (templates parse and name what exists before them).
Each stage works on what could be read, so that one fault does not hide another.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from stepcall.domain.document_order import in_document_order
from stepcall.domain.errors import InvalidDefinitionError, Problem, shorten
from stepcall.domain.model_problems import Suggester, problems_of
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.template import (
    InputReference,
    OutputReference,
    Reference,
    TemplateSyntaxError,
    escape_pointer,
    parse,
    references,
)
from stepcall.domain.types import describe_value, is_of_type
from stepcall.domain.workflow import (
    MAX_TASKS,
    DefinitionModel,
    Description,
    InputParameter,
    OutputValue,
    Task,
    Title,
    WorkflowDefinition,
)

Catalog = Mapping[str, TaskContract]
ElementT = TypeVar("ElementT", bound=DefinitionModel)


class _Head(DefinitionModel):
    """The document's own fields; what its lists hold is read element by element."""

    name: Title
    description: Description | None = None
    input: list[Any] = Field(default_factory=list)
    tasks: list[Any]
    output: list[Any] = Field(default_factory=list)


def check_definition(document: Any, catalog: Catalog) -> WorkflowDefinition:
    """Read a definition. Raises InvalidDefinitionError with all its problems, in document order."""
    check = _Check(document, catalog)
    head = check.read(document, _Head, "")
    inputs = check.read_list("input", InputParameter)
    tasks = check.read_list("tasks", Task)
    outputs = check.read_list("output", OutputValue)
    check.check_count()
    for key, name_key in (("input", "name"), ("tasks", "ref"), ("output", "name")):
        check.check_unique(key, name_key)
    check.check_defaults(inputs)
    check.check_task_types(tasks)
    check.check_references()
    if head is None or check.problems:
        raise InvalidDefinitionError(in_document_order(check.problems, document))
    # every part has just been validated: a second validation would only cost time
    return WorkflowDefinition.model_construct(
        set(head.model_fields_set),
        name=head.name,
        description=head.description,
        input=tuple(inputs.values()),
        tasks=tuple(tasks.values()),
        output=tuple(outputs.values()),
    )


class _Check:
    """One check under way: the document, and the problems found so far."""

    def __init__(self, document: Any, catalog: Catalog) -> None:
        self.document = document
        self.catalog = catalog
        self.problems: list[Problem] = []
        self.suggest = Suggester()

    def add(self, location: str, code: str, message: str, expected: str | None = None, got: str | None = None) -> None:
        self.problems.append(Problem(location, code, message, expected, got))

    def read(self, value: Any, model: type[ElementT], pointer: str) -> ElementT | None:
        try:
            return model.model_validate(value)
        except ValidationError as exc:
            self.problems.extend(problems_of(exc, model, pointer, self.suggest))
            return None

    def list_at(self, key: str) -> list[Any]:
        value = self.document.get(key) if isinstance(self.document, dict) else None
        return value if isinstance(value, list) else []

    def read_list(self, key: str, model: type[ElementT]) -> dict[str, ElementT]:
        """The elements that could be read, by JSON Pointer."""
        pairs = ((f"/{key}/{index}", element) for index, element in enumerate(self.list_at(key)))
        read = ((pointer, self.read(element, model, pointer)) for pointer, element in pairs)
        return {pointer: element for pointer, element in read if element is not None}

    def check_count(self) -> None:
        number = len(self.list_at("tasks"))
        if number == 0 and isinstance(self.document, dict) and self.document.get("tasks") == []:
            self.add("/tasks", "no_tasks", "A workflow needs at least one task.")
        if number > MAX_TASKS:
            self.add(
                "/tasks",
                "too_many_tasks",
                f"A workflow has at most {MAX_TASKS} tasks: Step Functions ends an execution at 25,000 history events.",
                f"at most {MAX_TASKS}",
                str(number),
            )

    def names_at(self, key: str, name_key: str) -> Iterator[tuple[int, str]]:
        for index, element in enumerate(self.list_at(key)):
            name = element.get(name_key) if isinstance(element, dict) else None
            if isinstance(name, str):
                yield index, name

    def check_unique(self, key: str, name_key: str) -> None:
        first: dict[str, int] = {}
        for index, name in self.names_at(key, name_key):
            if first.setdefault(name, index) != index:
                self.add(
                    f"/{key}/{index}/{name_key}",
                    f"duplicate_{name_key}",
                    f"`{shorten(name)}` is already the {name_key} of `/{key}/{first[name]}`; give this one another.",
                )

    def check_defaults(self, inputs: Mapping[str, InputParameter]) -> None:
        for pointer, parameter in inputs.items():
            if parameter.default is not None and not is_of_type(parameter.default, parameter.type):
                got = describe_value(parameter.default)
                message = f"The default of `{parameter.name}` must be of its type, {parameter.type}, not {got}."
                self.add(f"{pointer}/default", "wrong_type", message, parameter.type.value, got)

    def check_task_types(self, tasks: Mapping[str, Task]) -> None:
        for pointer, task in tasks.items():
            if contract := self.catalog.get(task.type):
                self.check_fields(f"{pointer}/input", task, contract)
            else:
                message = f"There is no task type `{shorten(task.type)}`{self.suggest(task.type, self.catalog)}"
                self.add(f"{pointer}/type", "unknown_task_type", message, ", ".join(self.catalog))

    def check_fields(self, pointer: str, task: Task, contract: TaskContract) -> None:
        fields = contract.input_model.model_fields
        for name, declared in fields.items():
            if declared.is_required() and name not in task.input:
                message = f"`{contract.name}` needs `{name}`: {declared.description}"
                self.add(f"{pointer}/{name}", "missing", message)
        for name in task.input:
            if name not in fields:
                message = f"`{contract.name}` takes no `{shorten(name)}`{self.suggest(name, fields)}"
                self.add(f"{pointer}/{escape_pointer(name)}", "unknown_field", message, ", ".join(fields))

    def check_references(self) -> None:
        namable = _Namable(
            inputs=frozenset(name for _, name in self.names_at("input", "name")),
            position_of={ref: index for index, ref in reversed([*self.names_at("tasks", "ref")])},
            fields_of=self.fields_by_ref(),
        )
        for index, task in enumerate(self.list_at("tasks")):
            value = task.get("input") if isinstance(task, dict) else None
            self.check_templates(value, f"/tasks/{index}/input", namable, index)
        for index, output in enumerate(self.list_at("output")):
            value = output.get("value") if isinstance(output, dict) else None
            self.check_templates(value, f"/output/{index}/value", namable, len(self.list_at("tasks")))

    def fields_by_ref(self) -> dict[str, frozenset[str]]:
        """The output fields of each task whose type is known."""
        return {
            task["ref"]: frozenset(contract.output_model.model_fields)
            for task in self.list_at("tasks")
            if isinstance(task, dict) and isinstance(task.get("ref"), str)
            if (contract := self.catalog.get(str(task.get("type"))))
        }

    def check_templates(self, value: Any, pointer: str, namable: "_Namable", before: int) -> None:
        faults: list[TemplateSyntaxError] = []
        template = parse(value, pointer=pointer, faults=faults)
        for fault in faults:
            self.add(fault.pointer, "bad_template", fault.message)
        for place, reference in references(template, pointer):
            self.check_reference(place, reference, namable, before)

    def check_reference(self, place: str, reference: Reference, namable: "_Namable", before: int) -> None:
        match reference:
            case InputReference(name) if name not in namable.inputs:
                message = f"`{{{{{reference}}}}}`: there is no input `{name}`{self.suggest(name, namable.inputs)}"
                self.add(place, "unknown_input", message)
            case OutputReference(ref) if ref not in namable.position_of:
                message = f"`{{{{{reference}}}}}`: there is no task `{ref}`{self.suggest(ref, namable.position_of)}"
                self.add(place, "unknown_ref", message)
            case OutputReference(ref) if namable.position_of[ref] >= before:
                message = (
                    f"`{{{{{reference}}}}}`: task `{ref}` has no output yet here; only tasks before this one have."
                )
                self.add(place, "later_ref", message)
            case OutputReference(ref, path) if path and path[0] not in namable.fields_of.get(ref, path):
                known = namable.fields_of[ref]
                message = f"`{{{{{reference}}}}}`: `{ref}` gives no `{path[0]}`{self.suggest(str(path[0]), known)}"
                self.add(place, "unknown_output_field", message, ", ".join(sorted(known)))


@dataclass(frozen=True)
class _Namable:
    """What references may name, and in which order the tasks come."""

    inputs: frozenset[str]
    position_of: Mapping[str, int]
    fields_of: Mapping[str, frozenset[str]]
