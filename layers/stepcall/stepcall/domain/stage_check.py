"""Whether the stages of a definition's tasks go together: no run mode may run a task and leave out what that uses."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from stepcall.domain.definition_document import DefinitionDocument
from stepcall.domain.errors import Problem, shorten
from stepcall.domain.findings import Findings
from stepcall.domain.run_mode import RunMode, Stage
from stepcall.domain.template import Template, refs_in

Stages = Mapping[str, Stage | None]


class StageCheck:
    """The check of one definition's stages. A stage that could not be read is told elsewhere, and counts for nothing
    here."""

    def __init__(self, sent: DefinitionDocument, findings: Findings) -> None:
        self._sent = sent
        self._findings = findings
        self._stages: Stages = dict([*_read_stages(sent)][::-1])  # of tasks of one name, the first

    def check_task(self, pointer: str, task: Mapping[str, Any], template: Template) -> None:
        """Tell of each task that this one uses, and that a mode which runs this one leaves out."""
        with suppress(ValueError):
            if stage := _stage_of(task):  # one without runs with everything
                for ref in refs_in(template):
                    if ref in self._stages and (mode := _mode_that_parts(stage, self._stages[ref])):
                        self._tell(f"{pointer}/stage", stage, ref, mode)

    def warn_of_empty_modes(self) -> None:
        """A workflow without stages has one mode, and need not be told."""
        stages = {*self._stages.values()}
        empty = [f"`{mode}`" for mode in RunMode if not any(mode.takes(stage) for stage in stages)]
        if empty and stages != {None} and not self._findings.has_problems:
            message = f"No task runs in the run mode {' or '.join(empty)}: starting the workflow so will be refused."
            self._findings.warn(Problem("/tasks", "empty_run_mode", message))

    def _tell(self, pointer: str, stage: Stage, ref: str, mode: RunMode) -> None:
        needed, name = self._stages[ref], shorten(ref)
        has, other = (f"has the stage `{needed}`", f"the stage `{needed}`") if needed else ("has no stage", "none")
        message = (
            f"This task uses the output of `{name}`, which {has}: a run in the mode `{mode}` would run the one without "
            f"the other. Give `{name}` the stage `{stage}`, or this task {other}."
        )
        self._findings.add(pointer, "stage_needs_later_stage", message)


def _read_stages(sent: DefinitionDocument) -> Iterator[tuple[str, Stage | None]]:
    for index, _, ref in sent.names_at("tasks"):
        with suppress(ValueError):
            yield ref, _stage_of(sent.list_at("tasks")[index])


def _stage_of(task: Mapping[str, Any]) -> Stage | None:
    """Raises ValueError."""
    stage = task.get("stage")
    return None if stage is None else Stage(stage)


def _mode_that_parts(stage: Stage, needed: Stage | None) -> RunMode | None:
    """The first mode that runs a task of the one stage, and none of the other."""
    return next((mode for mode in RunMode if mode.takes(stage) and not mode.takes(needed)), None)
