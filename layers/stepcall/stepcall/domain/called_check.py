"""Whether the workflows that tasks execute are there, take what they are given, and do not come back to their start.

What is seen is the tenant's workflows as they are now: one that is changed or deleted later is told of in the run.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from stepcall.domain.called_workflow import (
    Call,
    CalledSchemas,
    CalledWorkflow,
    FindWorkflow,
    call_of,
    calls_of,
    output_of_task,
)
from stepcall.domain.definition_document import DefinitionDocument
from stepcall.domain.errors import shorten
from stepcall.domain.findings import Findings
from stepcall.domain.ids import spell_workflow
from stepcall.domain.json_schema import Schema
from stepcall.domain.parent_task import MAX_CHILD_DEPTH, WORKFLOW_EXECUTE
from stepcall.domain.task_contract import TaskContract

MAX_CALLED = 100
"""Workflows, each in one version or the newest, that the tasks of one definition execute: each is read for it."""
MAX_LOOKED_AT = 100
"""Workflows, however many call each other: what lies beyond is told in the run."""


class CallSetting(NamedTuple):
    """Where the workflows are found that tasks execute, and which one the document is a version of, if it is of one."""

    find: FindWorkflow
    workflow_id: UUID | None = None


class CalledCheck:
    """The check of one definition. Without a setting nothing is known of other workflows."""

    def __init__(self, sent: DefinitionDocument, findings: Findings, setting: CallSetting | None) -> None:
        self._key = sent.task_input_key
        self._findings = findings
        setting = setting._replace(find=cache(setting.find)) if setting else None
        self._setting = setting
        own_name = sent.value.get("config_id") if isinstance(sent.value, dict) else None
        self._walk = _Walk(setting, own_name if isinstance(own_name, str) else None) if setting else None
        self._called: set[Call] = set()
        for _, _, task in sent.objects_at("tasks"):  # in their order: the first are looked at
            given = task.get(self._key)
            if task.get("type") == WORKFLOW_EXECUTE and isinstance(given, dict) and (call := call_of(given)):
                self._is_looked_at(call)
        self._are_too_many = False
        self._schemas: dict[Call, CalledSchemas | None] = {}

    def output_of(self, task: Mapping[str, Any]) -> Schema | None:
        """What a task gives that executes a workflow; None of another task, and where that is not known."""
        given = task.get(self._key)
        if task.get("type") != WORKFLOW_EXECUTE or not isinstance(given, dict):
            return None
        schemas = self._schemas_of(given)
        return output_of_task(schemas.given) if schemas else None

    def fields_of(self, contract: TaskContract, given: Mapping[str, Any]) -> dict[str, Schema]:
        """What is known more closely of some fields of a task's input."""
        schemas = self._schemas_of(given) if contract.name == WORKFLOW_EXECUTE else None
        return {"input": schemas.taken} if schemas else {}

    def check_task(self, pointer: str, given: Mapping[str, Any]) -> None:
        """`pointer` is where the input of a task stands that executes a workflow."""
        self._check_literals(pointer, given)
        call = call_of(given)
        if call is None or self._walk is None or self._setting is None:
            return
        if not self._is_looked_at(call):
            self._tell_too_many(pointer)
            return
        self._check_input_is_there(pointer, given)
        if self._walk.is_own(call):
            self._tell_recursion(pointer, ())
        elif self._setting.find(*call) is None:
            self._tell_missing(pointer, call)
        elif (back := self._walk.way_back(call)) is not None:
            self._tell_recursion(pointer, back)
        elif self._walk.depth_of(call) > MAX_CHILD_DEPTH:
            message = (
                f"Executions nest at most {MAX_CHILD_DEPTH} deep below the first, each executing the next, and from "
                "here they would nest deeper. Let one workflow do what two of them do."
            )
            self._findings.add(f"{pointer}/workflow_id", "nested_too_deep", message, f"at most {MAX_CHILD_DEPTH}")

    def _schemas_of(self, given: Mapping[str, Any]) -> CalledSchemas | None:
        call = call_of(given)
        if call is None or self._walk is None or self._setting is None:
            return None
        if not self._is_looked_at(call) or self._walk.is_own(call):
            return None
        if call not in self._schemas:
            found = self._setting.find(*call)
            self._schemas[call] = CalledSchemas(found) if found else None
        return self._schemas[call]

    def _is_looked_at(self, call: Call) -> bool:
        """Whether it is one of the first."""
        if len(self._called) < MAX_CALLED:
            self._called.add(call)
        return call in self._called

    def _tell_too_many(self, pointer: str) -> None:
        """Once."""
        if self._are_too_many:
            return
        self._are_too_many = True
        message = (
            f"The tasks of a workflow execute at most {MAX_CALLED} different workflows, or versions of them, and this "
            "is one more: let some of them be executed by a workflow of their own."
        )
        self._findings.add(f"{pointer}/workflow_id", "too_many_workflows", message, f"at most {MAX_CALLED}")

    def _check_literals(self, pointer: str, given: Mapping[str, Any]) -> None:
        for name in ("workflow_id", "version"):
            if isinstance(said := given.get(name), str) and "{{" in said:
                message = (
                    "Which workflow is executed is written out, and no template: only so can be checked what it takes "
                    "and gives, and that it does not execute this one."
                )
                self._findings.add(f"{pointer}/{name}", "workflow_not_literal", message)

    def _check_input_is_there(self, pointer: str, given: Mapping[str, Any]) -> None:
        schemas = self._schemas_of(given)
        needed = [name for variant in schemas.taken.variants.values() for name in variant.required] if schemas else []
        if needed and "input" not in given:
            named = ", ".join(f"`{shorten(name)}`" for name in needed[:5])
            message = f"The workflow has inputs that must be given: {named}{', …' if len(needed) > 5 else ''}."
            self._findings.add(f"{pointer}/input", "missing", message, "object")

    def _tell_missing(self, pointer: str, call: Call) -> None:
        if self._setting and call.version is not None and self._setting.find(call.name, None):
            message = "The workflow has no version of this number: `GET /workflows/{id}/versions` lists them."
            self._findings.add(f"{pointer}/version", "unknown_version", message)
            return
        message = (
            f"There is no workflow `{shorten(call.name)}`: name one by its id or its `config_id`, as "
            "`GET /workflows` lists them."
        )
        self._findings.add(f"{pointer}/workflow_id", "unknown_workflow", message)

    def _tell_recursion(self, pointer: str, between: tuple[UUID, ...]) -> None:
        chain = ["this workflow", *(f"`{spell_workflow(each)}`" for each in between), "this workflow"]
        message = f"A workflow cannot execute itself, and this comes back to it: {' → '.join(chain)}."
        self._findings.add(f"{pointer}/workflow_id", "recursion", message)


class _Walk:
    """From workflow to workflow by what their tasks execute, each looked at once."""

    def __init__(self, setting: CallSetting, own_name: str | None) -> None:
        self._setting = setting
        self._own_name = own_name
        self._found: dict[Call, CalledWorkflow | None] = {}
        self._looked_at = 0

    def is_own(self, call: Call) -> bool:
        if call.name == self._own_name:
            return True
        found = self._find(call) or self._find(Call(call.name, None))
        return found is not None and found.workflow_id == self._setting.workflow_id

    def way_back(self, call: Call) -> tuple[UUID, ...] | None:
        """The workflows on the way from here to the document's own; None where none leads there."""
        seen = set[Call]()
        ways: list[tuple[Call, tuple[UUID, ...]]] = [(call, ())]
        while ways:
            call, way = ways.pop()
            found = self._find(call)
            if found is None or call in seen:
                continue
            seen.add(call)
            way = (*way, found.workflow_id)
            for following in calls_of(found.definition):
                if self.is_own(following):
                    return way
                ways.append((following, way))
        return None

    def depth_of(self, call: Call) -> int:
        """How many executions stand one below the other from here on; no more than one too many is counted."""
        level, depth = {call}, 0
        while level and depth <= MAX_CHILD_DEPTH:
            depth += 1
            found = filter(None, map(self._find, level))
            level = {following for each in found for following in calls_of(each.definition)}
        return depth

    def _find(self, call: Call) -> CalledWorkflow | None:
        if call not in self._found:
            self._looked_at += 1
            self._found[call] = self._setting.find(*call) if self._looked_at <= MAX_LOOKED_AT else None
        return self._found[call]
