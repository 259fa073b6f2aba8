"""Everything that is wrong with a definition, at once, each with its place and what to change.

`check_definition` is the one entry point. Stages: **shape** (each element by its pydantic model) → **names** (unique) →
**task types** (they exist, their fields are there) → **references** (templates parse and name what exists before them).
Each stage works on what could be read, so that one fault does not hide another.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from stepcall.domain.document_order import in_document_order
from stepcall.domain.errors import MAX_PROBLEMS, InvalidDefinitionError, Problem, shorten
from stepcall.domain.model_problems import Suggester, field_problems, problems_of
from stepcall.domain.run import CALL_LOCATION, OUTPUT_LOCATION
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.template import (
    InputReference,
    OutputReference,
    Reference,
    escape_pointer,
    holds_template,
    parse,
    references,
    spell_place,
)
from stepcall.domain.types import ValueType, describe_value, is_of_type
from stepcall.domain.workflow import (
    MAX_TASK_TYPE_LENGTH,
    MAX_TASKS,
    DefinitionModel,
    Description,
    InputParameter,
    OutputValue,
    Task,
    Title,
    WorkflowDefinition,
)

RESERVED_REFS = frozenset({CALL_LOCATION, OUTPUT_LOCATION})
MAX_LOCATIONS_LENGTH = 256 * 1024
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
    definition = None
    with suppress(_EnoughProblemsError):
        definition = check.read_definition()
        check.check_count()
        for key, name_key in (("input", "name"), ("tasks", "ref"), ("output", "name")):
            check.check_unique(key, name_key)
        check.check_reserved_refs()
        check.check_defaults()
        check.check_task_types()
        check.check_references()
    if definition is None or check.problems:
        raise InvalidDefinitionError(in_document_order(check.problems, document))
    return definition


class _EnoughProblemsError(Exception):
    """So many problems that looking for more only costs time."""


class _Check:
    """One check under way: the document, and the problems found so far."""

    def __init__(self, document: Any, catalog: Catalog) -> None:
        self.document = document
        self.catalog = catalog
        self.problems: list[Problem] = []
        self.suggest = Suggester()
        self.location_length = 0

    def add(self, location: str, code: str, message: str, expected: str | None = None, got: str | None = None) -> None:
        self.keep(Problem(location, code, message, expected, got))

    def keep(self, problem: Problem) -> None:
        self.problems.append(problem)
        self.location_length += len(problem.location)  # a long key stands in the location of everything below it
        if len(self.problems) >= MAX_PROBLEMS or self.location_length > MAX_LOCATIONS_LENGTH:
            raise _EnoughProblemsError

    def read(self, value: Any, model: type[ElementT], pointer: str) -> ElementT | None:
        try:
            return model.model_validate(value)
        except ValidationError as exc:
            for problem in problems_of(exc, model, pointer, self.suggest):
                self.keep(problem)
            return None

    def read_definition(self) -> WorkflowDefinition | None:
        """The definition, its parts validated one by one; None when one could not be read."""
        head = self.read(self.document, _Head, "")
        inputs = self.read_list("input", InputParameter)
        tasks = self.read_list("tasks", Task)
        outputs = self.read_list("output", OutputValue)
        if head is None or self.problems:
            return None
        # every part has just been validated: a second validation would only cost time
        return WorkflowDefinition.model_construct(
            set(head.model_fields_set),
            name=head.name,
            description=head.description,
            input=inputs,
            tasks=tasks,
            output=outputs,
        )

    def list_at(self, key: str) -> list[Any]:
        value = self.document.get(key) if isinstance(self.document, dict) else None
        return value if isinstance(value, list) else []

    def read_list(self, key: str, model: type[ElementT]) -> tuple[ElementT, ...]:
        """The elements that could be read."""
        read = (self.read(element, model, f"/{key}/{index}") for index, element in enumerate(self.list_at(key)))
        return tuple(element for element in read if element is not None)

    def objects_at(self, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The elements that are objects, by JSON Pointer: a fault in one field must not hide one in another."""
        for index, element in enumerate(self.list_at(key)):
            if isinstance(element, dict):
                yield f"/{key}/{index}", element

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

    def check_reserved_refs(self) -> None:
        """An error's `location` is a task's ref or one of these words."""
        for index, ref in self.names_at("tasks", "ref"):
            if ref in RESERVED_REFS:
                message = f"`{ref}` cannot be a task's ref: it says where an error was that is no task's. Take another."
                self.add(f"/tasks/{index}/ref", "reserved_ref", message)

    def check_defaults(self) -> None:
        for pointer, element in self.objects_at("input"):
            try:
                default, value_type = element.get("default"), ValueType(str(element.get("type")))
            except ValueError:
                continue  # reported with the element's shape
            if default is not None and not is_of_type(default, value_type):
                got = describe_value(default)
                message = f"The default must be of the input's type, {value_type}, not {got}."
                self.add(f"{pointer}/default", "wrong_type", message, value_type.value, got)

    def check_task_types(self) -> None:
        for pointer, element in self.objects_at("tasks"):
            name, given = element.get("type"), element.get("input", {})
            if not isinstance(name, str) or not 0 < len(name) <= MAX_TASK_TYPE_LENGTH:
                continue
            if (contract := self.catalog.get(name)) is None:
                message = f"There is no task type `{shorten(name)}`{self.suggest(name, self.catalog)}"
                self.add(f"{pointer}/type", "unknown_task_type", message, ", ".join(self.catalog))
            elif isinstance(given, dict):
                self.check_fields(f"{pointer}/input", given, contract)

    def check_fields(self, pointer: str, given: Mapping[str, Any], contract: TaskContract) -> None:
        fields = contract.input_model.model_fields
        for name, declared in fields.items():
            if declared.is_required() and name not in given:
                message = f"`{contract.name}` needs `{name}`: {declared.description}"
                self.add(f"{pointer}/{name}", "missing", message)
        for name, value in given.items():
            if name in fields:
                self.check_literal(f"{pointer}/{name}", value, contract.input_model, name)
            else:
                message = f"`{contract.name}` takes no `{shorten(name)}`{self.suggest(name, fields)}"
                self.add(f"{pointer}/{escape_pointer(name)}", "unknown_field", message, ", ".join(fields))

    def check_literal(self, pointer: str, value: Any, model: type[BaseModel], name: str) -> None:
        """A value without templates is known now; what a template gives is known when the run has it."""
        if not holds_template(value):
            for problem in field_problems(value, model, name, pointer, self.suggest):
                self.keep(problem)

    def check_references(self) -> None:
        namable = _Namable(
            inputs=dict.fromkeys(name for _, name in self.names_at("input", "name")),
            position_of={ref: index for index, ref in reversed([*self.names_at("tasks", "ref")])},
            fields_of=self.fields_by_ref(),
        )
        for index, task in enumerate(self.list_at("tasks")):
            value = task.get("input") if isinstance(task, dict) else None
            self.check_templates(value, f"/tasks/{index}/input", namable, index)
        for index, output in enumerate(self.list_at("output")):
            value = output.get("value") if isinstance(output, dict) else None
            self.check_templates(value, f"/output/{index}/value", namable, len(self.list_at("tasks")))

    def fields_by_ref(self) -> dict[str, tuple[str, ...]]:
        """The output fields of each task whose type is known."""
        return {
            task["ref"]: tuple(contract.output_model.model_fields)
            for task in self.list_at("tasks")
            if isinstance(task, dict) and isinstance(task.get("ref"), str)
            if (contract := self.catalog.get(str(task.get("type"))))
        }

    def check_templates(self, value: Any, pointer: str, namable: "_Namable", before: int) -> None:
        template = parse(
            value, lambda fault: self.add(pointer + spell_place(fault.place), "bad_template", fault.message)
        )
        for place, reference in references(template):
            if fault := self.find_fault(reference, namable, before):
                code, message, expected = fault
                message = f"`{{{{{shorten(str(reference))}}}}}`: {message}"
                self.add(pointer + spell_place(place), code, message, expected)

    def find_fault(self, reference: Reference, namable: "_Namable", before: int) -> tuple[str, str, str | None] | None:
        """Code, message and what was expected, when nothing of that name is there before task number `before`."""
        match reference:
            case InputReference(name) if name not in namable.inputs:
                return "unknown_input", f"there is no input `{shorten(name)}`{self.suggest(name, namable.inputs)}", None
            case OutputReference(ref) if ref not in namable.position_of:
                return "unknown_ref", f"there is no task `{shorten(ref)}`{self.suggest(ref, namable.position_of)}", None
            case OutputReference(ref) if namable.position_of[ref] >= before:
                message = f"task `{shorten(ref)}` has no output yet here; only tasks before this one have."
                return "later_ref", message, None
            case OutputReference(ref, path) if path and path[0] not in namable.fields_of.get(ref, path):
                field, known = str(path[0]), namable.fields_of[ref]
                message = f"`{shorten(ref)}` gives no `{shorten(field)}`{self.suggest(field, known)}"
                return "unknown_output_field", message, ", ".join(known)
        return None


@dataclass(frozen=True)
class _Namable:
    """What references may name, and in which order the tasks come."""

    inputs: Mapping[str, None]
    position_of: Mapping[str, int]
    fields_of: Mapping[str, tuple[str, ...]]
