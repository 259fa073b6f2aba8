"""Whether what a task says of its attempts and its time can be."""

from collections.abc import Mapping
from typing import Any

from stepcall.domain.connection import SqlEngine
from stepcall.domain.findings import Findings
from stepcall.domain.sql_check import SqlSetting
from stepcall.domain.task_contract import TaskContract

ATHENA_SECONDS = 3600
"""Athena ends a query by itself after 30 minutes, or later where an account has asked for it."""


class ControlCheck:
    """The check of one definition. What is of the wrong type is told with its shape, and counts for nothing here."""

    def __init__(self, findings: Findings, setting: SqlSetting | None) -> None:
        self._findings = findings
        self._setting = setting

    def check_task(self, pointer: str, task: Mapping[str, Any], contract: TaskContract | None) -> None:
        retry = task.get("retry")
        if isinstance(retry, dict):
            self._check_delays(f"{pointer}/retry/max_delay", retry)
        timeout = task.get("timeout_seconds")
        if contract and type(timeout) is int and timeout > (most := self._longest(contract)):
            message = f"One attempt of `{contract.name}` has {most} seconds at most: say no more, or nothing."
            self._findings.add(f"{pointer}/timeout_seconds", "invalid_value", message, f"at most {most}")

    def _check_delays(self, pointer: str, retry: Mapping[str, Any]) -> None:
        delay, longest = retry.get("delay", 1), retry.get("max_delay")
        if type(delay) is int and type(longest) is int and longest <= delay:
            message = "This must be more than `delay`, which it limits as it grows: say more, or leave it out."
            self._findings.add(pointer, "invalid_value", message, f"more than {delay}")

    def _longest(self, contract: TaskContract) -> int:
        may_be_on_athena = self._setting is None or self._setting.engine is SqlEngine.ATHENA
        return ATHENA_SECONDS if contract.is_query and may_be_on_athena else contract.timeout_seconds
