"""Whether what a task says of its attempts and its time can be, and what others do where it is not done."""

from collections.abc import Mapping
from typing import Any

from stepcall.domain.connection import SqlEngine
from stepcall.domain.definition_document import DefinitionDocument
from stepcall.domain.errors import shorten
from stepcall.domain.findings import Findings
from stepcall.domain.parent_task import WORKFLOW_EXECUTE
from stepcall.domain.sql_check import OUTPUT_TASK, SqlSetting
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.task_control import OnError
from stepcall.domain.template import OutputReference, Reference

ATHENA_SECONDS = 3600
"""Athena ends a query by itself after 30 minutes, or later where an account has asked for it."""


class ControlCheck:
    """The check of one definition. What is of the wrong type is told with its shape, and counts for nothing here."""

    def __init__(self, sent: DefinitionDocument, findings: Findings, setting: SqlSetting | None) -> None:
        self._findings = findings
        self._setting = setting
        tasks = sent.list_at("tasks")
        self._reasons = {ref: _why_absent(tasks[index]) for index, _, ref in sent.names_at("tasks")}
        """By ref: why a task may have no output, empty where it always has."""

    def check_use(self, reference: Reference, location: str) -> None:
        """A task that may not be done, or may fail, has an output only perhaps."""
        if not isinstance(reference, OutputReference) or reference.default is not None:
            return
        if reason := self._reasons.get(reference.ref):
            named = shorten(str(reference))
            message = (
                f"Task `{shorten(reference.ref)}` {reason}. Say what stands here then, behind `??`: "
                f"`{{{{{named} ?? null}}}}`, or another value than null."
            )
            self._findings.add(location, "may_be_absent", message)

    def check_task(self, pointer: str, task: Mapping[str, Any], contract: TaskContract | None) -> None:
        retry = task.get("retry")
        if isinstance(retry, dict):
            self._check_delays(f"{pointer}/retry/max_delay", retry)
        if contract and contract.name == OUTPUT_TASK:
            self._check_output(pointer, task)
        timeout = task.get("timeout_seconds")
        is_child = contract is not None and contract.name == WORKFLOW_EXECUTE
        if not contract or contract.is_wait or (contract.is_awaited and not is_child):
            return  # what waits has no time of its own (domain/wait_check.py)
        if type(timeout) is int and timeout > (most := self._longest(contract)):
            message = f"One attempt of `{contract.name}` has {most} seconds at most: say no more, or nothing."
            self._findings.add(f"{pointer}/timeout_seconds", "invalid_value", message, f"at most {most}")

    def _check_output(self, pointer: str, task: Mapping[str, Any]) -> None:
        """Callers are told the table's name before it is there: an execution that is done has to have it."""
        why = f"A caller is promised the table of `{OUTPUT_TASK}` when the execution begins"
        if task.get("condition") is not None:
            message = f"{why}, so it cannot be skipped: say in the query before which rows the table has, or none."
            self._findings.add(f"{pointer}/condition", "invalid_value", message)
        if task.get("on_error") == OnError.CONTINUE:
            message = f"{why}: an execution cannot be done without it. Leave this out."
            self._findings.add(f"{pointer}/on_error", "invalid_value", message)
        if isinstance(task.get("fallback"), dict):
            message = f"{why}, and nothing else can give one: leave this out."
            self._findings.add(f"{pointer}/fallback", "invalid_fallback", message)

    def _check_delays(self, pointer: str, retry: Mapping[str, Any]) -> None:
        delay, longest = retry.get("delay", 1), retry.get("max_delay")
        if type(delay) is int and type(longest) is int and longest <= delay:
            message = "This must be more than `delay`, which it limits as it grows: say more, or leave it out."
            self._findings.add(pointer, "invalid_value", message, f"more than {delay}")

    def _longest(self, contract: TaskContract) -> int:
        if contract.name == WORKFLOW_EXECUTE and contract.awaits:
            return contract.awaits({})
        may_be_on_athena = self._setting is None or self._setting.engine is SqlEngine.ATHENA
        return ATHENA_SECONDS if contract.is_query and may_be_on_athena else contract.timeout_seconds


def _why_absent(task: Mapping[str, Any]) -> str:
    if task.get("condition") is not None:
        return "has a condition, and no output where it is skipped"
    if task.get("on_error") == OnError.CONTINUE:
        return "may fail while the run goes on, and has no output then"
    return ""
