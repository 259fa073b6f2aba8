"""The task that has started a run, as the run's record says it: one attribute."""

from uuid import UUID

from stepcall.domain.json_text import read_json, write_json
from stepcall.domain.parent_task import ParentTask
from stepcall.domain.run_mode import RunMode


def write_parent(parent: ParentTask | None) -> str | None:
    if parent is None:
        return None
    written = {"run_id": str(parent.run_id), "run_attempt": parent.run_attempt, "ref": parent.ref}
    above = {"top_run_id": str(parent.top_run_id)} if parent.top_run_id else {}
    above |= {"run_mode": parent.run_mode.value} if parent.run_mode is not RunMode.FULL else {}
    return write_json(written | above | {"lineage": [str(each) for each in parent.lineage]})


def read_parent(text: str | None) -> ParentTask | None:
    if text is None:
        return None
    parent = read_json(text)
    lineage = tuple(map(UUID, parent["lineage"]))
    top = UUID(parent["top_run_id"]) if "top_run_id" in parent else None
    mode = RunMode(parent.get("run_mode", RunMode.FULL))
    return ParentTask(UUID(parent["run_id"]), parent["run_attempt"], parent["ref"], lineage, top, mode)
