"""Whether the input of a task is what its type takes: what must be there, and nothing that is not known.

Literals are checked by the contract, as the worker will; templates by the schemas of what they feed and what they name.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from stepcall.domain.errors import list_names, shorten
from stepcall.domain.findings import Findings
from stepcall.domain.invokable_functions import LAMBDA_INVOKE, InvokableFunctions
from stepcall.domain.invoke_check import InvokeCheck
from stepcall.domain.json_schema import ANYTHING, Schema
from stepcall.domain.parent_task import WORKFLOW_EXECUTE
from stepcall.domain.parse_template import holds_template
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.template import Template, escape_pointer
from stepcall.domain.type_check import TemplateFit
from stepcall.domain.types import JsonType

HANDED_ON: Mapping[str, str] = {
    WORKFLOW_EXECUTE: " What the workflow takes stands in `input`.",
    LAMBDA_INVOKE: " What the function gets stands in `payload`.",
}
"""Where the fields belong that are for somebody else: often they stand beside it."""


class InputCheck:
    """The check of one definition's inputs."""

    def __init__(self, findings: Findings, functions: InvokableFunctions | None) -> None:
        self._findings = findings
        self._invocations = InvokeCheck(findings, functions)

    def check(
        self,
        pointer: str,
        given: Mapping[str, Any],
        templates: Mapping[str, Template],
        contract: TaskContract,
        fit: TemplateFit,
        *,
        known: Mapping[str, Schema] = MappingProxyType({}),
    ) -> None:
        """`pointer` is where the input stands, `templates` are the same as `given`, parsed; `known` are fields of which
        more is known than the type says."""
        self._tell_missing(pointer, given, contract)
        wanted = contract.input_schema.variants[JsonType.OBJECT]
        for name, template in templates.items():
            location, field = f"{pointer}/{escape_pointer(name)}", wanted.properties.get(name, wanted.additional)
            if field is None:
                near = self._findings.suggest(name, wanted.properties)
                where = HANDED_ON.get(contract.name, "") if near == "." else ""
                message = f"`{contract.name}` takes no `{shorten(name)}`{near}{where}"
                self._findings.add(location, "unknown_field", message, list_names(wanted.properties))
            if field is None or name in known or holds_template(given[name]):
                fit.fit(template, known.get(name) or field or ANYTHING, ((), name))
            else:
                for problem in contract.literal_problems(given[name], name, location, self._findings.suggest):
                    self._findings.keep(problem)
        self._invocations.check_task(pointer, contract.name, given)

    def _tell_missing(self, pointer: str, given: Mapping[str, Any], contract: TaskContract) -> None:
        fields = contract.input_schema.variants[JsonType.OBJECT].properties
        for name, description in contract.required_inputs.items():
            if name not in given:
                message = f"`{contract.name}` needs `{shorten(name)}`{f': {description}' if description else '.'}"
                expected = str(fields.get(name, ANYTHING))
                self._findings.add(f"{pointer}/{escape_pointer(name)}", "missing", message, expected)
