"""Whether the functions that a definition invokes are among those that it may."""

from collections.abc import Mapping
from typing import Any

from stepcall.domain.errors import list_names
from stepcall.domain.findings import Findings
from stepcall.domain.invokable_functions import (
    LAMBDA_INVOKE,
    FunctionNotInvokableError,
    InvokableFunctions,
)
from stepcall.domain.parse_template import holds_template

NOT_LITERAL = (
    "Which function is invoked is written here, and no template says it: what a call sends must not choose among the "
    "deployment's functions. A `condition` chooses between two tasks."
)


class InvokeCheck:
    """The check of one definition. Without `functions` nobody knows which there are, and any name will do."""

    def __init__(self, findings: Findings, functions: InvokableFunctions | None) -> None:
        self._findings = findings
        self._functions = functions

    def check_task(self, pointer: str, task_type: str, given: Mapping[str, Any]) -> None:
        """`pointer` is where its input stands."""
        said = given.get("function")
        if task_type != LAMBDA_INVOKE or not isinstance(said, str) or not said:
            return  # what is no text, or none, is told with the input's shape
        if holds_template(said):
            self._findings.add(f"{pointer}/function", "function_not_literal", NOT_LITERAL)
        elif self._functions:
            self._check_listed(f"{pointer}/function", said, self._functions)

    def _check_listed(self, pointer: str, said: str, functions: InvokableFunctions) -> None:
        try:
            functions.find(said)
        except FunctionNotInvokableError as exc:
            # an ARN that is wrong may well have a name that is right
            near = "." if said.startswith("arn:") else self._findings.suggest(said, functions.names)
            message = f"{exc}{near.replace('; did', ' Did')}" if near.startswith(";") else str(exc)
            self._findings.add(pointer, exc.code, message, list_names(functions.names) or None)
