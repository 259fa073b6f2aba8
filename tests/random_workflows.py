"""Random workflows of what a task may say, and what has to come of them: reckoned here, and by no machine.

A task hands its number on, what it has of those before it, and its element where it has several.
"""

import random
from dataclasses import dataclass, field
from typing import Any

from tests.random_graphs import random_needs
from tests.sample_workflows import Document, declare, give, transform

FAILING = 1
"""The element that a task fails at."""
EXPRESSION = f"$.item = {FAILING} ? $error('no such luck') : $"


@dataclass
class RandomTask:
    number: int
    uses: list[int]
    wanted: bool | None = None
    """What its condition is; None for no condition."""
    elements: list[int] | None = None
    fails: bool = False
    has_fallback: bool = False

    @property
    def ref(self) -> str:
        return f"t{self.number}"

    @property
    def may_be_absent(self) -> bool:
        return self.wanted is not None or (self.fails and not self.has_fallback)

    def write(self, tasks: "list[RandomTask]") -> Document:
        used = [spell(tasks[other]) for other in self.uses]
        item: Document = {}
        if self.fails:
            item = {"item": FAILING}
        if self.elements is not None:
            item = {"item": "{{item}}", "index": "{{index}}"}
        document = transform(self.ref, {"number": self.number, "used": used} | item, EXPRESSION)
        if self.wanted is not None:
            document["condition"] = f"{{{{input.wants_{self.ref}}}}}"
        if self.elements is not None:
            document |= {"for_each": self.elements, "max_concurrency": 3}
        if self.fails and self.has_fallback:
            document["fallback"] = {
                "type": "Data.Transform",
                "input": {"expression": "$", "data": {"instead_of": self.number}},
            }
        elif self.fails:
            document["on_error"] = "continue"
        return document


def spell(task: RandomTask) -> str:
    return f"{{{{refs.{task.ref}.output{' ?? null' if task.may_be_absent else ''}}}}}"


@dataclass
class RandomWorkflow:
    tasks: list[RandomTask] = field(default_factory=list)

    def document(self) -> Document:
        wanted = [task for task in self.tasks if task.wanted is not None]
        return {
            "order": "graph",
            "input": [declare(f"wants_{task.ref}", "boolean") for task in wanted],
            "tasks": [task.write(self.tasks) for task in self.tasks][::-1],  # where a task stands has no say
            "output": [give("outputs", {task.ref: spell(task) for task in self.tasks}, "object")],
        }

    def given(self) -> Document:
        return {f"wants_{task.ref}": task.wanted for task in self.tasks if task.wanted is not None}

    def statuses(self) -> dict[str, str]:
        return {task.ref: _status(task) for task in self.tasks}

    def outputs(self) -> dict[str, Any]:
        """What each task gives, None for nothing."""
        found: dict[str, Any] = {}
        for task in self.tasks:
            found[task.ref] = _output(task, [found[f"t{other}"] for other in task.uses])
        return found


def _status(task: RandomTask) -> str:
    if task.wanted is False:
        return "SKIPPED"
    return "FAILED" if task.fails and not task.has_fallback else "COMPLETED"


def _output(task: RandomTask, used: list[Any]) -> Any:
    if _status(task) != "COMPLETED":
        return None
    if task.fails:
        return {"result": {"instead_of": task.number}}
    result = {"number": task.number, "used": used}
    if task.elements is None:
        return {"result": result}
    return [{"result": result | {"item": item, "index": index}} for index, item in enumerate(task.elements)]


def random_workflow(seed: int, most: int = 9) -> RandomWorkflow:
    draw = random.Random(seed)
    return RandomWorkflow([_random_task(number, uses, draw) for number, uses in enumerate(random_needs(seed, most))])


def _random_task(number: int, uses: list[int], draw: random.Random) -> RandomTask:
    task = RandomTask(number, uses, wanted=draw.choice([None, None, True, False]), fails=draw.random() < 0.3)
    if draw.random() < 0.5:
        elements = [draw.randint(2, 9) for _ in range(draw.randint(0, 4))]
        task.elements = [*elements, FAILING] if task.fails else elements
    elif task.fails:
        task.has_fallback = draw.random() < 0.5
    return task
