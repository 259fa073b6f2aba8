"""Task types of a tenant's own: a function does them, and JSON Schemas say what it takes and what it gives."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from stepcall.domain.errors import ErrorReason, PermanentTaskError, Problem
from stepcall.domain.json_schema import Schema
from stepcall.domain.model_problems import Suggester
from stepcall.domain.schema_reader import SchemaReader
from stepcall.domain.task_contract import TaskContract, TaskInput, TaskOutput, Worker, tell_problems
from stepcall.domain.type_check import faults_of
from stepcall.domain.types import JsonType, ValueType

NAME_PATTERN = r"^[A-Z][A-Za-z0-9]{0,31}(\.[A-Z][A-Za-z0-9]{0,31}){1,2}$"
MAX_TYPES = 100
"""Of a tenant."""
MAX_SCHEMAS_LENGTH = 32 * 1024
"""Characters of a type's two schemas as JSON."""
CUSTOM = "Custom"
"""What the worker knows the one implementation by that does all of them."""
TIMEOUT_SECONDS = 310
MAX_TOLD = 10
"""Faults of an answer that a message names."""
RESERVED = frozenset({"Flow", "Workflow", "Http", "Lambda", "Web", "Data", "Sql", "OpenAI", "Stepcall"})


@dataclass(frozen=True)
class CustomType:
    """`function_arn` is one of those that the deployment lets tasks invoke, or was."""

    name: str
    function_arn: str
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any]
    description: str | None = None
    created_at: datetime | None = None
    """None in what a version keeps of it; likewise the next."""
    updated_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """What a version of a workflow keeps."""
        return {
            "name": self.name,
            "function_arn": self.function_arn,
            "input_schema": self.input_schema,
            "output_schema": self.output_schema,
            **({"description": self.description} if self.description is not None else {}),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "CustomType":
        return cls(**kept)

    @property
    def kept(self) -> "CustomType":
        """As a version keeps it."""
        return CustomType.from_json(self.to_json())


class CustomInput(TaskInput):
    """What the implementation gets: the rendered input, and which function it is for."""

    function_arn: str
    payload: dict[str, Any]


class CustomOutput(TaskOutput):
    """What the implementation gives."""

    answer: Any


@dataclass(frozen=True)
class CustomContract(TaskContract):
    """A contract that JSON Schemas say, and no model."""

    type: CustomType | None = None

    @classmethod
    def of(cls, custom: CustomType) -> "CustomContract":
        return cls(
            name=custom.name,
            summary=custom.description or "",
            input_model=CustomInput,
            output_model=CustomOutput,
            worker=Worker.LAMBDA,
            timeout_seconds=TIMEOUT_SECONDS,
            type=custom,
        )

    @property
    def implementation(self) -> str:
        return CUSTOM

    @property
    def custom(self) -> CustomType:
        if self.type is None:
            raise ValueError("`CustomContract.of` makes contracts of a tenant's own types.")
        return self.type

    @cached_property
    def input_json_schema(self) -> dict[str, Any]:
        return dict(self.custom.input_schema)

    @cached_property
    def output_json_schema(self) -> dict[str, Any]:
        return dict(self.custom.output_schema)

    @cached_property
    def input_schema(self) -> Schema:
        return SchemaReader().read_declared(ValueType.OBJECT, self.input_json_schema)

    @cached_property
    def output_schema(self) -> Schema:
        return SchemaReader().read_declared(ValueType.OBJECT, self.output_json_schema)

    @cached_property
    def required_inputs(self) -> Mapping[str, str]:
        properties = self.input_json_schema.get("properties", {})
        required = self.input_schema.variants[JsonType.OBJECT].required
        return {name: _description_of(properties.get(name)) for name in required}

    def literal_problems(self, value: Any, name: str, location: str, suggest: Suggester) -> Iterator[Problem]:
        wanted = self.input_schema.variants[JsonType.OBJECT]
        field = wanted.properties.get(name, wanted.additional)
        return (fault.at(location) for fault in (faults_of(value, field, suggest) if field else ()))

    def read_input(self, rendered: Any) -> CustomInput:
        if problems := _problems_of(rendered, self.input_schema):
            raise PermanentTaskError(ErrorReason.INVALID, f"The input does not fit {self.name}. {problems}")
        return CustomInput(function_arn=self.custom.function_arn, payload=rendered)

    def print_output(self, output: Any) -> Any:
        """The answer itself: `refs.X.output.FIELD` is a field of it."""
        if not isinstance(output, CustomOutput):
            raise TypeError(f"{self.name} gives CustomOutput, not {type(output).__name__}.")
        if problems := _problems_of(output.answer, self.output_schema):
            message = f"The function's answer does not fit the `output_schema` of {self.name}. {problems}"
            raise PermanentTaskError(ErrorReason.INVALID, message)
        return output.answer


def contracts_of(types: Iterable[CustomType]) -> Mapping[str, TaskContract]:
    return {custom.name: CustomContract.of(custom) for custom in types}


def is_type_name(name: str) -> bool:
    """Whether a type of a tenant's own can be called so, reserved or not."""
    return re.fullmatch(NAME_PATTERN.strip("^$"), name) is not None


def is_reserved(name: str) -> bool:
    """Whether the name belongs to what every tenant has, or may have one day."""
    return name.partition(".")[0].casefold() in {namespace.casefold() for namespace in RESERVED}


def _description_of(member: Any) -> str:
    return str(member.get("description", "")) if isinstance(member, Mapping) else ""


def _problems_of(value: Any, schema: Schema) -> str:
    """What does not fit, in one line; nothing of the value itself."""
    faults = faults_of(value, schema, Suggester(), MAX_TOLD)
    return tell_problems(fault.at("") for fault in faults)
