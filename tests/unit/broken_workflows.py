"""Valid definitions with one reference broken: what was changed, where, and the code of the problem that it must be."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from tests.unit.valid_schemas import ANYTHING, SCALAR_TYPES, is_nullable, without_null
from tests.unit.valid_workflows import RUN_NAMES, Site, Source, ValidWorkflow

UNKNOWN = {"input": "unknown_input", "task": "unknown_ref", "output": "unknown_output", "run": "unknown_run_value"}
NO_STEP = {"input": "unknown_input_field", "run": "unknown_run_value"}


@dataclass(frozen=True)
class Break:
    """What stands in the place of a reference, and what must be said of it."""

    how: str
    written: str
    code: str


@dataclass(frozen=True)
class BrokenWorkflow:
    document: dict[str, Any]
    pointer: str
    broken: Break


@st.composite
def broken_workflows(draw: st.DrawFn, workflow: ValidWorkflow) -> BrokenWorkflow:
    """One of the sites of a definition, broken in one of the ways that there are."""
    site = draw(st.sampled_from(workflow.sites))
    broken = draw(st.sampled_from(list(breaks_of(workflow, site))))
    return BrokenWorkflow(_replaced(workflow.document, site, broken.written), site.pointer, broken)


def breaks_of(workflow: ValidWorkflow, site: Site) -> Iterator[Break]:
    """Every way to break a reference that can be had here."""
    yield from _bad_spellings(workflow, site)
    yield from _unknown_names(workflow, site)
    yield from _not_there_yet(workflow, site)
    yield from _wrong_steps(workflow, site)
    yield from _wrong_types(workflow, site)


def _bad_spellings(workflow: ValidWorkflow, site: Site) -> Iterator[Break]:
    yield Break("a template that names nothing", "{{nothing}}", "bad_template")
    if site.is_alone:  # else a later one would close it
        yield Break("a template that is not closed", site.written.rstrip("} "), "bad_template")
    if site.source.kind not in {"output", "run"}:
        other = site.source.spell(is_later=not workflow.is_later)
        yield Break("the other generation's words", f"{{{{{other}}}}}", "mixed_generations")


def _unknown_names(workflow: ValidWorkflow, site: Site) -> Iterator[Break]:
    nobody = replace(site.source, name=f"{site.source.name}_nowhere")
    yield _naming("an unknown name", nobody, workflow, UNKNOWN[site.source.kind])


def _not_there_yet(workflow: ValidWorkflow, site: Site) -> Iterator[Break]:
    refs = list(workflow.tasks)
    for how, position in (("itself", site.tasks_before), ("a later task", site.tasks_before + 1)):
        if position < len(refs):
            yield _naming(how, Source("task", refs[position], (), ANYTHING, is_sure=True), workflow, "later_ref")
    if workflow.is_later:
        for name in list(workflow.outputs)[site.outputs_before :]:
            later = Source("output", name, (), ANYTHING, is_sure=True)
            yield _naming("an output that is not there yet", later, workflow, "unknown_output")


def _wrong_steps(workflow: ValidWorkflow, site: Site) -> Iterator[Break]:
    source, schema = site.source, without_null(site.source.schema)
    code = NO_STEP.get(source.kind, "unknown_output_field")
    kind = schema.get("type")
    if kind in SCALAR_TYPES:
        yield _naming("a field of a scalar", _step(source, "deeper"), workflow, code)
    if kind == "array":
        yield _naming("a field of an array", _step(source, "length"), workflow, code)
    elif kind:
        yield _naming("an element of what is no array", _step(source, 0), workflow, code)
    if kind == "object" and schema.get("additionalProperties") is False:
        yield _naming("a field that is not there", _step(source, "no_such_field"), workflow, code)


def _wrong_types(workflow: ValidWorkflow, site: Site) -> Iterator[Break]:
    for source in _namable_at(workflow, site):
        plain = without_null(source.schema)
        if plain == ANYTHING:
            continue
        if not site.is_alone and plain["type"] in {"object", "array"}:
            yield _naming("an object or an array in text", source, workflow, "not_text")
        if site.is_alone and site.wants != ANYTHING:
            yield from _wrong_alone(workflow, site, source)


def _wrong_alone(workflow: ValidWorkflow, site: Site, source: Source) -> Iterator[Break]:
    plain, wanted = without_null(source.schema), without_null(site.wants)
    kind, takes_null = plain["type"], is_nullable(site.wants) or _takes_null(workflow, site)
    if kind != wanted["type"] and (kind, wanted["type"]) != ("integer", "number"):
        yield _naming("a value of another type", source, workflow, "type_mismatch")
    elif is_nullable(source.schema) and plain == wanted and not takes_null:
        yield _naming("a value that may be null", source, workflow, "may_be_null")
    if kind in SCALAR_TYPES and wanted["type"] != "string":
        inside = f"n. {{{{{source.spell(is_later=workflow.is_later)}}}}}"
        yield Break("text for what is not text", inside, "type_mismatch")


def _takes_null(workflow: ValidWorkflow, site: Site) -> bool:
    """Null fits any output of the workflow."""
    return site.pointer.startswith(f"/{workflow.words['output']}/") and site.pointer.count("/") == 3


def _namable_at(workflow: ValidWorkflow, site: Site) -> list[Source]:
    tasks = set(list(workflow.tasks)[: site.tasks_before])
    outputs = set(list(workflow.outputs)[: site.outputs_before])
    before = {"input": set(workflow.inputs), "task": tasks, "output": outputs, "run": set(RUN_NAMES)}
    return [source for source in workflow.sources if source.name in before[source.kind]]


def _step(source: Source, step: str | int) -> Source:
    return replace(source, path=(*source.path, step))


def _naming(how: str, source: Source, workflow: ValidWorkflow, code: str) -> Break:
    return Break(how, f"{{{{{source.spell(is_later=workflow.is_later)}}}}}", code)


def _replaced(document: dict[str, Any], site: Site, written: str) -> dict[str, Any]:
    changed: Any = copy.deepcopy(document)
    holder, steps = changed, [step.replace("~1", "/").replace("~0", "~") for step in site.pointer.split("/")[1:]]
    for step in steps[:-1]:
        holder = holder[int(step)] if isinstance(holder, list) else holder[step]
    last: Any = int(steps[-1]) if isinstance(holder, list) else steps[-1]
    assert site.written in holder[last]
    holder[last] = holder[last].replace(site.written, written, 1)
    return dict(changed)
