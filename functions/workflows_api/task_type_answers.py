"""How task types are shown."""

from collections.abc import Mapping
from typing import Any

from stepcall.domain.custom_type import CustomContract, CustomType
from stepcall.domain.invokable_functions import InvokableFunctions
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.times import print_time
from stepcall.use_cases.task_types import spell_as_taken

Json = dict[str, Any]


def print_task_types(catalog: Mapping[str, TaskContract], functions: InvokableFunctions) -> Json:
    return {"task_types": [print_task_type(contract, functions) for contract in catalog.values()]}


def print_task_type(contract: TaskContract, functions: InvokableFunctions) -> Json:
    """A tenant's own says besides what PUT takes, and since when it is so."""
    return {
        "name": contract.name,
        "summary": contract.summary,
        "input": contract.input_json_schema,
        "output": contract.output_json_schema,
        "timeout_seconds": contract.timeout_seconds,
        **(_print_own(contract.custom, functions) if isinstance(contract, CustomContract) else {}),
    }


def _print_own(custom: CustomType, functions: InvokableFunctions) -> Json:
    taken = custom.to_json() | {"function_arn": spell_as_taken(custom.function_arn, functions)}
    times = {"created_at": custom.created_at, "updated_at": custom.updated_at}
    return taken | {name: print_time(time) for name, time in times.items() if time}
