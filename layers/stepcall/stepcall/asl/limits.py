"""What a run of a compiled workflow uses of what is limited or paid for, as far as it can be known before it runs.

What the price holds and what it leaves out: docs/decisions/2026-11-21-run-price.md.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import ceil

from stepcall.asl.compiler import CompiledWorkflow
from stepcall.asl.graph import count_ideal_path
from stepcall.domain.workflow import WorkflowDefinition

# US dollars in us-east-1, without free tiers and volume discounts, as looked up on 21 November 2026
USD_PER_MILLION_TRANSITIONS = 25.0  # $0.0250 per 1,000, Standard: https://aws.amazon.com/step-functions/pricing/
USD_PER_MILLION_LAMBDA_REQUESTS = 0.20  # https://aws.amazon.com/lambda/pricing/
USD_PER_MILLION_HTTP_API_REQUESTS = 1.00  # the first 300 million: https://aws.amazon.com/api-gateway/pricing/
USD_PER_MILLION_WRITE_UNITS = 0.625  # on demand, Standard class: https://aws.amazon.com/dynamodb/pricing/on-demand/
USD_PER_MILLION_READ_UNITS = 0.125

START_AND_ONE_POLL = 2
# Counted on the local stack for 1 to 30 tasks; tests/functional/test_run_units.py counts again.
WRITE_UNITS_OF_RUN = (
    15  # put, start (in a transaction with the first task's), end, 8 of the indexes, its slot taken and given back
)
WRITE_UNITS_OF_TASK = 2
# What it awaits, and a transaction in place of the worker's last write; the same test counts these.
WRITE_UNITS_OF_ANSWER = 4
READ_UNITS_OF_ANSWER = 5  # by whoever decides: the whole run, and twice it with the task
REQUESTS_OF_ANSWER = 1  # to the API; and one more invocation, which tells the machine
READ_UNITS_OF_START = 1  # the newest version; the key is in memory
READ_UNITS_OF_TASK = 2  # the run and the task's own record, and one for each task whose output it uses
READ_UNITS_OF_COLLECTING = 1  # an element's own record, once more
WHOLE_RUN_READS = 2  # for its end and for one poll
READ_UNITS_OF_EVENTS = 2  # who has webhooks, for its start and for its end; once where the stream tells of both at once
BYTES_OF_RUN_RECORD = 535
BYTES_OF_TASK_RECORD = 205
BYTES_PER_READ_UNIT = 4096

OF_ELEMENTS = frozenset({"transitions_per_element", "usd_per_million_elements"})


@dataclass(frozen=True, slots=True)
class Limits:
    """`transitions` and the price are of a run on the good road, `history_events` of the longest that can be.

    `critical_path`: how many tasks run one after the other at most; `ideal_critical_path`: how many have to.
    """

    transitions: int
    history_events: int
    definition_bytes: int
    usd_per_million_runs: float
    critical_path: int
    ideal_critical_path: int
    transitions_per_element: int = 0
    """Of tasks with `for_each` together: `transitions` and the price count one element of each. 0 where there are none,
    as is the next."""
    usd_per_million_elements: float = 0.0

    def to_json(self) -> dict[str, int | float]:
        left_out = frozenset() if self.transitions_per_element else OF_ELEMENTS
        return {name: value for name, value in asdict(self).items() if name not in left_out}


def limits_of(compiled: CompiledWorkflow, definition: WorkflowDefinition) -> Limits:
    """The limits of a definition and the machine that it was compiled to."""
    needed_outputs = [len(task.needs) for task in definition.tasks]
    invocations = compiled.transitions - compiled.athena_queries - compiled.waits
    requests = START_AND_ONE_POLL + compiled.answers * REQUESTS_OF_ANSWER
    usd = (
        compiled.transitions * USD_PER_MILLION_TRANSITIONS
        + (invocations + requests + compiled.answers) * USD_PER_MILLION_LAMBDA_REQUESTS
        + requests * USD_PER_MILLION_HTTP_API_REQUESTS
        + count_write_units(len(definition.tasks), compiled.answers) * USD_PER_MILLION_WRITE_UNITS
        + count_write_units_of_elements(definition) * USD_PER_MILLION_WRITE_UNITS
        + count_read_units(needed_outputs, compiled.answers) * USD_PER_MILLION_READ_UNITS
    )
    definition_bytes = len(compiled.definition.encode())
    return Limits(
        compiled.transitions,
        compiled.history_events,
        definition_bytes,
        round(usd, 2),
        compiled.critical_path,
        count_ideal_path(definition),
        compiled.transitions_per_element,
        round(_price_of_elements(compiled, definition), 2),
    )


def _price_of_elements(compiled: CompiledWorkflow, definition: WorkflowDefinition) -> float:
    """US dollars per million elements more of each task that is done for each, in the execution's own history."""
    tasks = [task for task in definition.tasks if task.for_each is not None]
    reads = sum(READ_UNITS_OF_TASK + len(task.needs) + READ_UNITS_OF_COLLECTING for task in tasks)
    return (
        compiled.transitions_per_element * (USD_PER_MILLION_TRANSITIONS + USD_PER_MILLION_LAMBDA_REQUESTS)
        + WRITE_UNITS_OF_TASK * len(tasks) * USD_PER_MILLION_WRITE_UNITS
        + reads * USD_PER_MILLION_READ_UNITS
    )


def count_write_units(tasks: int, answers: int = 0) -> int:
    """DynamoDB's write units of a run, where every record stays under 1 KB; `answers` of its tasks await one."""
    return WRITE_UNITS_OF_RUN + WRITE_UNITS_OF_TASK * tasks + WRITE_UNITS_OF_ANSWER * answers


def count_write_units_of_elements(definition: WorkflowDefinition) -> int:
    """Of one element for each task with `for_each`, and of how many they are."""
    return (WRITE_UNITS_OF_TASK + 1) * sum(task.for_each is not None for task in definition.tasks)


def count_read_units(needed_outputs: Iterable[int], answers: int = 0) -> int:
    """DynamoDB's read units of a run and one poll, from how many tasks' outputs each task uses."""
    needs = list(needed_outputs)
    whole_run = ceil((BYTES_OF_RUN_RECORD + BYTES_OF_TASK_RECORD * len(needs)) / BYTES_PER_READ_UNIT)
    tasks = READ_UNITS_OF_TASK * len(needs) + sum(needs)
    of_answers = READ_UNITS_OF_ANSWER * answers
    return READ_UNITS_OF_START + tasks + WHOLE_RUN_READS * whole_run + READ_UNITS_OF_EVENTS + of_answers
