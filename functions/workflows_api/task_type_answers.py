"""How task types are shown."""

from collections.abc import Mapping
from typing import Any

from stepcall.domain.custom_type import CustomContract, CustomType
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.times import print_time

Json = dict[str, Any]


def print_task_types(catalog: Mapping[str, TaskContract]) -> Json:
    return {"task_types": [print_task_type(contract) for contract in catalog.values()]}


def print_task_type(contract: TaskContract) -> Json:
    """A tenant's own says besides which function does it, and since when it is as it is."""
    return {
        "name": contract.name,
        "summary": contract.summary,
        "input": contract.input_json_schema,
        "output": contract.output_json_schema,
        "timeout_seconds": contract.timeout_seconds,
        **(_print_own(contract.custom) if isinstance(contract, CustomContract) else {}),
    }


def _print_own(custom: CustomType) -> Json:
    times = {"created_at": custom.created_at, "updated_at": custom.updated_at}
    return {"function_arn": custom.function_arn} | {name: print_time(time) for name, time in times.items() if time}
