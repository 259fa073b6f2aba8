"""Contracts of the tasks that say when a run goes on. `run_data_task` does them: the lightest worker."""

from typing import Annotated

from pydantic import AfterValidator, Field

from stepcall.domain.moment import check_moment
from stepcall.domain.task_contract import TaskContract, TaskInput, TaskKind, TaskOutput, Worker
from stepcall.domain.waiting import FLOW_WAIT, LONGEST_WAIT

MAX_WAIT_SECONDS = int(LONGEST_WAIT.total_seconds())


class WaitInput(TaskInput):
    seconds: Annotated[int, Field(ge=0, le=MAX_WAIT_SECONDS)] | None = Field(
        default=None, description="How long it waits from when it begins: up to a year. Either this or `until`."
    )
    until: Annotated[str, Field(max_length=64), AfterValidator(check_moment)] | None = Field(
        default=None,
        description="The time that it waits for, with its offset from UTC, such as `2027-01-31T09:00:00+01:00`; one in "
        "the past is no wait.",
    )


class WaitOutput(TaskOutput):
    until: str = Field(description="The time that it has waited for, in UTC: `2027-01-31T08:00:00.000Z`.")


WAIT = TaskContract(
    name=FLOW_WAIT,
    summary="Waits for a time, or for a while. Nothing runs until then, and nothing is paid for.",
    input_model=WaitInput,
    output_model=WaitOutput,
    worker=Worker.DATA,
    timeout_seconds=40,
    kind=TaskKind.WAIT,
)
