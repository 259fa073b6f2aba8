"""Whether what a definition's approvals say can be: their time and their schema are written out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stepcall.domain.approval import ANY_DATA, FLOW_APPROVAL
from stepcall.domain.definition_document import DefinitionDocument
from stepcall.domain.findings import Findings
from stepcall.domain.json_schema import ANYTHING, Schema
from stepcall.domain.parse_template import holds_template
from stepcall.domain.schema_reader import InvalidSchemaError, SchemaReader
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.template import escape_pointer
from stepcall.domain.types import JsonType

WHY_LITERAL: Mapping[str, str] = {
    "expires_in": "the state machine's own time limit is made of it, before any run has values",
    "output_schema": "what later tasks may use of the answer is checked by it, before any run has values",
}


class ApprovalCheck:
    """The check of one definition."""

    def __init__(self, sent: DefinitionDocument, findings: Findings) -> None:
        self._sent = sent
        self._findings = findings

    def output_of(self, index: int, contract: TaskContract | None, reader: SchemaReader) -> Schema:
        """What the task of that index gives: of an approval, the data that its author asks for."""
        if contract is None or contract.name != FLOW_APPROVAL:
            return contract.output_schema if contract else ANYTHING
        key = self._sent.task_input_key
        given = self._sent.list_at("tasks")[index].get(key)
        schema = given.get("output_schema") if isinstance(given, dict) else None
        data = (
            ANY_DATA
            if schema is None
            else self._read(schema, f"{self._sent.pointer_to('tasks', index)}/{key}/output_schema", reader)
        )
        variant = contract.output_schema.variants[JsonType.OBJECT]
        return Schema({JsonType.OBJECT: replace(variant, properties={**variant.properties, "data": data})})

    def _read(self, schema: Any, pointer: str, reader: SchemaReader) -> Schema:
        if not isinstance(schema, dict) or holds_template(schema):
            return ANYTHING  # told with the task's input
        try:
            return reader.read(schema)
        except InvalidSchemaError as exc:
            for path, message in exc.faults:
                location = "".join(f"/{escape_pointer(step)}" for step in path)
                self._findings.add(f"{pointer}{location}", "invalid_schema", message)
            return ANYTHING

    def check_task(self, pointer: str, given: Mapping[str, Any]) -> None:
        """`pointer` is where its input stands."""
        for name, why in WHY_LITERAL.items():
            if holds_template(given.get(name)):
                message = f"`{name}` is written out, without templates: {why}."
                self._findings.add(f"{pointer}/{name}", "not_literal", message)
