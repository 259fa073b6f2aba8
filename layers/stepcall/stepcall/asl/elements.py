"""How many elements a task may be done for, and how many of them the history of an execution has room for.

Imported when there is a task with `for_each`: a cold start has no time for it.
"""

from collections.abc import Mapping, Sequence

from stepcall.domain.json_schema import ANYTHING, Schema, step_into
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.task_control import MAX_ELEMENTS
from stepcall.domain.template import Array, InputReference, OutputReference, Reference
from stepcall.domain.types import JsonType
from stepcall.domain.workflow import Task, WorkflowDefinition

MOST_INLINE = 1000
"""Elements of one task in the execution's own history, however much room that has."""


def most_elements(task: Task, definition: WorkflowDefinition, catalog: Mapping[str, TaskContract]) -> int:
    """Of a task with `for_each` in a checked definition, as far as that says it."""
    template = task.each_template
    if isinstance(template, Array):
        return len(template.elements)
    found: Schema | None = ANYTHING
    if isinstance(template, InputReference | OutputReference):
        found = _named(template, definition, catalog)
        for step in template.path:
            found = None if found is None else step_into(found, step)
    array = None if found is None else found.variants.get(JsonType.ARRAY)
    return min(MAX_ELEMENTS, int(array.bounds.get("maxItems", MAX_ELEMENTS))) if array else MAX_ELEMENTS


def _named(reference: Reference, definition: WorkflowDefinition, catalog: Mapping[str, TaskContract]) -> Schema:
    if isinstance(reference, InputReference):
        return next(value for value in definition.input if value.name == reference.name).schema_of_value
    task = definition.task(reference.ref) if isinstance(reference, OutputReference) else None
    if task is None or task.for_each is not None or task.fallback is not None:
        return ANYTHING
    return catalog[task.type].output_schema


def share_history(room: int, wanted: Sequence[int], events: Sequence[int]) -> list[int]:
    """How many elements of each task may be inline.

    `room` is in events, `wanted` how many elements each task may have, `events` what an element of it writes at most.
    Each has the same share of the room; what one cannot use is the others'.
    """
    most = [1] * len(wanted)
    by_need = sorted(range(len(wanted)), key=lambda task: min(wanted[task], MOST_INLINE) * events[task])
    for done, task in enumerate(by_need):
        share = room // (len(wanted) - done)
        most[task] = max(1, min(wanted[task], MOST_INLINE, share // events[task]))
        room -= most[task] * events[task]
    return most
