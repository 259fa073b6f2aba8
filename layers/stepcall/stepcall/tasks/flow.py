"""Contracts of the tasks that say when a run goes on. `run_data_task` does them: the lightest worker."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from stepcall.domain.approval import DEFAULT_EXPIRES_IN, FLOW_APPROVAL, MAX_MESSAGE, expires_in
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


class ApprovalInput(TaskInput):
    message: Annotated[str, Field(min_length=1, max_length=MAX_MESSAGE)] = Field(
        description="What is to be decided, for whoever decides it."
    )
    expires_in: Annotated[int, Field(ge=1, le=MAX_WAIT_SECONDS)] = Field(
        default=DEFAULT_EXPIRES_IN,
        description="For how many seconds it waits for a decision: up to a year. It is written out, without templates.",
    )
    output_schema: dict[str, Any] | None = Field(
        default=None,
        description="JSON Schema of the data that a decision brings, which is any object otherwise. It is written out.",
    )


class ApprovalOutput(TaskOutput):
    data: Any = Field(description="What the decision has brought.")
    decided_by: str = Field(description="The name of the key that decided.")


APPROVAL = TaskContract(
    name=FLOW_APPROVAL,
    summary="Waits until somebody decides, by `…/tasks/{ref}/complete` or `…/fail`. Nothing runs until then.",
    input_model=ApprovalInput,
    output_model=ApprovalOutput,
    worker=Worker.DATA,
    timeout_seconds=40,
    kind=TaskKind.AWAITED,
    awaits=expires_in,
)
