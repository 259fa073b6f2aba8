"""Whether the values of a definition are of the types that they are for: defaults, the inputs of tasks, outputs.

Literals are checked by the task type's own model, as its worker will; what holds templates is checked by the schemas of
what it feeds and of what it names.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

from stepcall.domain.approval_check import ApprovalCheck
from stepcall.domain.called_check import CalledCheck, CallSetting
from stepcall.domain.condition import templates_of
from stepcall.domain.condition_check import ConditionCheck
from stepcall.domain.control_check import ControlCheck
from stepcall.domain.definition_document import DefinitionDocument
from stepcall.domain.definition_model import MAX_TASK_TYPE_LENGTH
from stepcall.domain.each_check import EachCheck, array_of
from stepcall.domain.errors import Problem, shorten
from stepcall.domain.fallback_check import FallbackCheck, either
from stepcall.domain.findings import Findings
from stepcall.domain.input_check import InputCheck
from stepcall.domain.invokable_functions import InvokableFunctions
from stepcall.domain.json_schema import ANYTHING, SCHEMAS, Misfit, Schema, misfit
from stepcall.domain.mixed_words import mixed_reference
from stepcall.domain.namable import Namable, NameFault, Position
from stepcall.domain.order_check import OrderCheck
from stepcall.domain.parent_task import WORKFLOW_EXECUTE
from stepcall.domain.parse_template import parse, read_bare
from stepcall.domain.schema_reader import InvalidSchemaError, SchemaReader
from stepcall.domain.sql_check import SQL_TASKS, SqlCheck, SqlSetting
from stepcall.domain.stage_check import StageCheck
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.template import (
    Object,
    Place,
    Reference,
    Template,
    escape_pointer,
    spell_place,
    texts,
)
from stepcall.domain.type_check import TemplateFit, ValueFit
from stepcall.domain.types import ValueType
from stepcall.domain.wait_check import WaitCheck

Catalog = Mapping[str, TaskContract]


class ValueCheck:
    """One check under way."""

    def __init__(
        self,
        sent: DefinitionDocument,
        catalog: Catalog,
        findings: Findings,
        setting: SqlSetting | None,
        *,
        time_to_run: timedelta | None = None,
        functions: InvokableFunctions | None = None,
        calls: CallSetting | None = None,
    ) -> None:
        self._sent = sent
        self._catalog = catalog
        self._findings = findings
        self._sql = SqlCheck(setting, findings, self._schema_of)
        self._stages = StageCheck(sent, findings)
        self._control = ControlCheck(sent, findings, setting)
        self._fallbacks = FallbackCheck(sent, catalog, findings)
        self._each = EachCheck(findings)
        self._inputs = InputCheck(findings, functions)
        self._waits = WaitCheck(sent, findings, time_to_run)
        self._approvals = ApprovalCheck(sent, findings)
        self._called = CalledCheck(sent, findings, calls)
        self._order = OrderCheck(sent, findings)
        self._ranks = self._order.ranks()
        self._misfit: Callable[[Schema, Schema], Misfit | None] = cache(misfit)
        self._read_schemas()

    def check(self) -> None:
        self._order.check()
        self._waits.check_time(self._ranks, self._order.waits)
        number_of_tasks = len(self._ranks)
        tasks = {index: (pointer, task) for index, pointer, task in self._sent.objects_at("tasks")}
        for index, rank in self._ranks.items():
            if index in tasks:
                self._check_task(*tasks[index], Position(number_of_tasks if self._order.has_cycle else rank))
        for index, pointer, output in self._sent.objects_at("output"):
            self._check_output(f"{pointer}/value", output, Position(number_of_tasks, index))
        self._stages.warn_of_empty_modes()
        self._warn_of_unused()

    def _read_schemas(self) -> None:
        """What inputs, tasks and outputs are; of those with one name, the first."""
        self._reader = reader = SchemaReader()
        inputs = {
            index: self._read_input(pointer, declared, reader)
            for index, pointer, declared in self._sent.objects_at("input")
        }
        self._output_schemas = {
            index: self._read_type(pointer, declared, reader)
            for index, pointer, declared in self._sent.objects_at("output")
        }
        self._results = {
            name: (index, self._output_schemas[index]) for index, _, name in [*self._sent.names_at("output")][::-1]
        }
        by_name = {field: [*self._sent.names_at(field)][::-1] for field in ("input", "tasks")}
        tasks = {ref: (self._ranks[index], self._output_of_task(index)) for index, _, ref in by_name["tasks"]}
        self._tasks = dict(reversed(tasks.items()))  # in document order, as they are listed
        self._namable = Namable(
            inputs=dict(reversed([(name, inputs[index]) for index, _, name in by_name["input"]])),
            tasks=self._tasks,
            outputs=self._results,
            suggest=self._findings.suggest,
            knows_inputs=self._sent.has_list("input"),
        )

    def _read_input(self, pointer: str, declared: Mapping[str, Any], reader: SchemaReader) -> Schema:
        schema, default = self._read_type(pointer, declared, reader), declared.get("default")
        if default is not None:
            tell = self._findings.teller(f"{pointer}/default")
            ValueFit(self._findings.suggest, tell).fit(default, schema)
            return schema
        must_be_given = "default" not in declared and declared.get("required") is not False
        return schema if must_be_given else schema.or_null

    def _read_type(self, pointer: str, declared: Mapping[str, Any], reader: SchemaReader) -> Schema:
        try:
            value_type = ValueType(str(declared.get("type")))
        except ValueError:
            return ANYTHING  # reported with the element's shape
        try:
            return reader.read_declared(value_type, declared.get("schema"))
        except InvalidSchemaError as exc:
            for path, message in exc.faults:
                location = "".join(f"/{escape_pointer(step)}" for step in path)
                self._findings.add(f"{pointer}/schema{location}", "invalid_schema", message)
            return SCHEMAS[value_type]

    def _output_of_task(self, index: int) -> Schema:
        task = self._sent.list_at("tasks")[index]
        contract, instead = self._catalog.get(str(task.get("type"))), self._fallbacks.read("", task)
        given = self._called.output_of(task) or self._approvals.output_of(index, contract, self._reader)
        given = either(given, instead.contract.output_schema) if instead else given
        return given if task.get("for_each") is None else array_of(given)

    def _check_output(self, pointer: str, output: Mapping[str, Any], position: Position) -> None:
        schema, template = self._output_schemas[position.outputs], self._parse(output.get("value"), pointer)
        self._fit_to(pointer, position).fit(template, schema.or_silent_null)
        self._warn_of_lookalikes(template, pointer, position)
        name = output.get("name")
        if isinstance(name, str) and self._namable.may_be_null(template, position):
            first, declared = self._results[name]
            self._results[name] = (first, declared.or_null)  # for those after it that name it

    def _schema_of(self, reference: Reference, position: Position) -> Schema:
        """What a reference names; that it names nothing is told elsewhere."""
        return self._namable.schema_of(reference, position)

    def _check_task(self, pointer: str, task: Mapping[str, Any], position: Position) -> None:
        contract = self._contract_of(task.get("type"), pointer)
        self._control.check_task(pointer, task, contract)
        self._each.check_task(pointer, task, contract)
        self._check_fallback(pointer, task, position)
        if (condition := task.get("condition")) is not None:
            self._check_condition(pointer, task, condition, position)
        if (each := task.get("for_each")) is not None:
            position = replace(position, item=self._check_each(pointer, task, each, position))
        key = self._sent.task_input_key
        given, place, pointer = task.get(key, {}), pointer, f"{pointer}/{key}"
        if not isinstance(given, dict):
            return  # reported with the task's shape
        template, fit = self._parse(given, pointer), self._fit_to(pointer, position)
        self._stages.check_task(place, task, template)
        self._warn_of_lookalikes(template, pointer, position)
        if contract and isinstance(template, Object):
            known = self._called.fields_of(contract, given)
            self._inputs.check(pointer, given, dict(template.members), contract, fit, known=known)
            ref = task.get(self._sent.name_key("tasks"))
            if contract.name in SQL_TASKS:
                self._check_sql(pointer, ref, contract, template, position)
            self._sql.pass_by(contract.name, ref)
            if contract.name == WORKFLOW_EXECUTE:
                self._called.check_task(pointer, given)
            elif contract.is_wait or contract.is_awaited:
                self._waits.check_task(pointer, given, task, place)
        else:
            fit.fit(template, ANYTHING)

    def _check_fallback(self, pointer: str, task: Mapping[str, Any], position: Position) -> None:
        self._fallbacks.check(pointer, task)
        if said := self._fallbacks.read(pointer, task):
            template, fit = self._parse(said.input, said.pointer), self._fit_to(said.pointer, position)
            self._stages.check_task(pointer, task, template)
            if isinstance(template, Object):
                self._inputs.check(said.pointer, said.input, dict(template.members), said.contract, fit)

    def _check_each(self, pointer: str, task: Mapping[str, Any], each: Any, position: Position) -> Schema:
        place = f"{pointer}/for_each"
        if self._each.has_too_many(place, each):
            return ANYTHING
        template, fit = self._parse(each, place), self._fit_to(place, position)
        self._stages.check_task(pointer, task, template)
        return self._each.item_of(place, template, fit, lambda reference: self._schema_of(reference, position))

    def _check_condition(self, pointer: str, task: Mapping[str, Any], condition: Any, position: Position) -> None:
        def schema_of(reference: Reference) -> Schema:
            return self._schema_of(reference, position)

        place = f"{pointer}/condition"
        check = ConditionCheck(place, self._fit_to(place, position), schema_of, self._findings)
        for template in templates_of(check.check(condition)):
            self._stages.check_task(pointer, task, template)

    def _check_sql(self, pointer: str, ref: Any, contract: TaskContract, template: Object, position: Position) -> None:
        self._sql.check_task(contract.name, ref, pointer, dict(template.members), position)
        if isinstance(ref, str) and self._tasks[ref][0] == position.tasks:
            self._tasks[ref] = (position.tasks, self._sql.sharpen(ref, self._tasks[ref][1]))

    def _contract_of(self, name: Any, pointer: str) -> TaskContract | None:
        if not isinstance(name, str) or not 0 < len(name) <= MAX_TASK_TYPE_LENGTH:
            return None  # reported with the task's shape
        if contract := self._catalog.get(name):
            return contract
        message = f"There is no task type `{shorten(name)}`{self._findings.suggest(name, self._catalog)}"
        self._findings.add(f"{pointer}/type", "unknown_task_type", message, ", ".join(self._catalog))
        return None

    def _parse(self, value: Any, pointer: str) -> Template:
        return parse(
            value, lambda fault: self._findings.add(pointer + spell_place(fault.place), "bad_template", fault.message)
        )

    def _fit_to(self, pointer: str, position: Position) -> TemplateFit:
        def root_of(reference: Reference, place: Place) -> Schema | None:
            if reference.generation not in {None, self._sent.generation}:
                self._findings.keep(mixed_reference(reference, self._sent.generation, pointer + spell_place(place)))
            found = self._namable.find(reference, position)
            if not isinstance(found, NameFault):
                self._control.check_use(reference, pointer + spell_place(place))
                return found
            message = f"`{{{{{shorten(str(reference))}}}}}`: {found.message}"
            self._findings.add(pointer + spell_place(place), found.code, message, found.expected)
            return None

        return TemplateFit(
            self._findings.suggest, self._findings.teller(pointer), root_of, self._misfit, self._fallbacks.why_no_field
        )

    def _warn_of_lookalikes(self, template: Template, pointer: str, position: Position) -> None:
        """Text that would be a template if it stood between braces, and names what is there."""
        for place, text in texts(template):
            bare = "" if "{{" in text else text.strip("${} ")  # escaped: its author has meant text
            reference = read_bare(bare, is_each=position.item is not None)
            if reference and isinstance(self._namable.find(reference, position), Schema):
                message = f"This is text, not a template. If it is meant to be one, write `{{{{{shorten(bare)}}}}}`."
                self._findings.warn(Problem(pointer + spell_place(place), "looks_like_template", message))

    def _warn_of_unused(self) -> None:
        if self._findings.has_problems:
            return  # a misspelled template may have meant one of them
        for _, pointer, name in self._sent.names_at("input"):
            if name not in self._namable.used_inputs:
                message = f"The input `{shorten(name)}` is used nowhere."
                self._findings.warn(Problem(pointer, "unused_input", message))
