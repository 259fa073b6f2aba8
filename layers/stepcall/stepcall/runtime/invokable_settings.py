"""Which functions tasks may invoke: for who checks definitions, and for the worker that invokes them."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from stepcall.domain.invokable_functions import InvokableFunctions


class InvokableSettings(NamedTuple):
    functions: InvokableFunctions

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "InvokableSettings":
        """From INVOKABLE_FUNCTION_ARNS; none when it is not set."""
        return cls(InvokableFunctions(filter(None, env.get("INVOKABLE_FUNCTION_ARNS", "").split(","))))
