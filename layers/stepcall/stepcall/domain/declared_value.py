"""What a workflow declares by name and type: its inputs and its outputs."""

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from stepcall.domain.definition_model import DefinitionModel, Identifier
from stepcall.domain.parse_template import parse
from stepcall.domain.template import Template
from stepcall.domain.types import ValueType

if TYPE_CHECKING:
    from stepcall.domain.json_schema import Schema

MAX_DESCRIPTION_LENGTH = 4096

Description = Annotated[str, Field(max_length=MAX_DESCRIPTION_LENGTH)]
DeclaredType = Annotated[ValueType, Field(strict=False)]


class DeclaredValue(DefinitionModel):
    """What inputs and outputs have in common. An alias here is the field's one name, in both generations."""

    name: Identifier
    type: DeclaredType
    json_schema: Any = Field(default=None, alias="schema")
    """JSON Schema of an object or an array: domain/schema_reader.py says how much of it is understood."""
    description: Description | None = None

    @cached_property
    def schema_of_value(self) -> "Schema":
        """What the type and the `schema` say together. Raises InvalidSchemaError on what was never checked."""
        from stepcall.domain.schema_reader import SchemaReader  # noqa: PLC0415 - seldom used: a cold start has no time for it

        return SchemaReader().read_declared(self.type, self.json_schema)

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_unset=True, by_alias=True)


class InputParameter(DeclaredValue):
    """A parameter of the workflow."""

    required: bool = True
    default: Any = None

    @property
    def has_default(self) -> bool:
        return "default" in self.model_fields_set

    @property
    def must_be_given(self) -> bool:
        return self.required and not self.has_default


class OutputValue(DeclaredValue):
    """A named result of the workflow."""

    value: Any

    @cached_property
    def template(self) -> Template:
        """The parsed value. Raises TemplateSyntaxError on a definition that was never checked."""
        return parse(self.value)
