"""Hypothesis strategies for definitions that are right by the types of what they say, and for what runs of them hold.

Nothing is tried out and thrown away: a reference is written only where what it names fits what it feeds. The types
are those of `valid_schemas.py`; the checker's own are not used.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hypothesis import strategies as st
from pydantic import Field

from stepcall.domain.sql_check import SQL_TASKS
from stepcall.domain.task_contract import TaskContract, TaskInput, TaskOutput, Worker
from stepcall.domain.template import escape_pointer, spell_path
from stepcall.tasks.catalog import CATALOG
from stepcall.tasks.flow import APPROVAL, WAIT
from stepcall.tasks.http import HTTP_REQUEST
from stepcall.tasks.invoke import LAMBDA_INVOKE
from stepcall.tasks.workflow import EXECUTE
from tests.unit.valid_schemas import (
    ANYTHING,
    SCALAR_TYPES,
    TEXT,
    JsonSchema,
    is_nullable,
    meaning_of,
    narrower,
    object_of,
    or_null,
    schemas,
    spellings,
    values,
    wider,
    without_null,
)


class Part(TaskInput):
    label: str
    size: int | None = None


class EverythingInput(TaskInput):
    """Every kind of field that a task type may have; those that ship have few."""

    text: str
    count: int = 0
    ratio: float | None = None
    flag: bool = False
    names: list[str] = Field(default_factory=list)
    part: Part | None = None
    parts: list[Part] = Field(default_factory=list)
    numbers: dict[str, int] = Field(default_factory=dict)
    mood: Literal["calm", "bold"] = "calm"
    few: int = Field(default=1, ge=1, le=9)
    anything: Any = None


class OutputPart(TaskOutput):
    label: str
    size: int | None = None


class EverythingOutput(TaskOutput):
    text: str
    count: int
    ratio: float
    flag: bool
    part: OutputPart
    maybe: OutputPart | None = None
    parts: list[OutputPart]
    words: list[str]
    mood: Literal["calm", "bold"]


EVERYTHING = TaskContract("Test.Everything", "Takes all.", EverythingInput, EverythingOutput, Worker.DATA, 40)
# These have rules of their own beside their types: tests/unit/test_sql_definitions.py, test_request_headers.py,
# test_wait_check.py
WITH_OTHER_RULES = {*SQL_TASKS, HTTP_REQUEST.name, WAIT.name, APPROVAL.name, LAMBDA_INVOKE.name, EXECUTE.name}
WIDE_CATALOG: Mapping[str, TaskContract] = {
    **{name: contract for name, contract in CATALOG.items() if name not in WITH_OTHER_RULES},
    EVERYTHING.name: EVERYTHING,
}
TAKES = {name: meaning_of(contract.input_json_schema) for name, contract in WIDE_CATALOG.items()}
GIVES = {name: meaning_of(contract.output_json_schema) for name, contract in WIDE_CATALOG.items()}

WORDS = {
    False: {"name": "name", "input": "input", "output": "output", "ref": "ref", "task_input": "input"},
    True: {"name": "title", "input": "inputs", "output": "outputs", "ref": "name", "task_input": "inputs"},
}
TEMPLATE_WORDS = {
    False: {"input": "input.{}", "task": "refs.{}.output", "run": "run.{}"},
    True: {"input": "inputs.{}", "task": "tasks.{}.outputs", "output": "outputs.{}", "run": "run.{}"},
}
RUN_NAMES = ("range_from", "range_to")
STAGES = ("source", "refresh", "activation", None)
WORDS_OF_THE_LANGUAGE = ("input", "inputs", "refs", "tasks", "outputs", "run")
# None: a word of Python
IDENTIFIERS = ("a", "page", *WORDS_OF_THE_LANGUAGE, "_", "A9", "None", "x" * 60, "Fail_run")


@dataclass(frozen=True)
class Source:
    """What a reference may name."""

    kind: str
    """`input`, `task`, `output` or `run`."""
    name: str
    path: tuple[str | int, ...]
    schema: JsonSchema
    is_sure: bool
    """Whether every run has a value there, that is of the schema."""

    def spell(self, *, is_later: bool) -> str:
        return TEMPLATE_WORDS[is_later][self.kind].format(self.name) + spell_path(self.path)


@dataclass(frozen=True)
class Site:
    """A reference in a definition."""

    pointer: str
    """Of the value that holds it."""
    source: Source
    written: str
    """The template, braces included."""
    wants: JsonSchema
    is_alone: bool
    tasks_before: int
    outputs_before: int


@dataclass
class ValidWorkflow:
    """A definition with what was known when it was written."""

    is_later: bool
    document: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, JsonSchema] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)
    """Task types by ref."""
    stages: dict[str, str | None] = field(default_factory=dict)
    """By ref; without one, None."""
    outputs: dict[str, JsonSchema] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    sites: list[Site] = field(default_factory=list)

    @property
    def words(self) -> dict[str, str]:
        return WORDS[self.is_later]

    def declared_inputs(self) -> list[dict[str, Any]]:
        declared: list[dict[str, Any]] = self.document.get(self.words["input"], [])
        return declared


def sources_in(source: Source, depth: int = 3) -> Iterator[Source]:
    """What a reference finds, and what lies below it that a path can name."""
    yield source
    schema, sure = without_null(source.schema), source.is_sure and not is_nullable(source.schema)
    if not depth or schema == ANYTHING:
        return
    for step, member, is_there in _steps(schema):
        # how long an array is nobody knows before the run: that is no reason to call its elements null
        may_be_null = is_nullable(source.schema) or not (is_there or isinstance(step, int))
        found = or_null(member) if may_be_null else member
        below = Source(source.kind, source.name, (*source.path, step), found, sure and is_there)
        yield from sources_in(below, depth - 1)


def _steps(schema: JsonSchema) -> Iterator[tuple[str | int, JsonSchema, bool]]:
    """Each step into a schema, what is there, and whether it surely is."""
    for name, member in schema.get("properties", {}).items():
        if name.isidentifier() and name.isascii():
            yield name, member, name in schema["required"]
    if schema.get("type") == "array":
        yield 0, schema["items"], schema.get("minItems", 0) > 0


class _Author:
    """Writes one definition."""

    def __init__(
        self, draw: st.DrawFn, types: tuple[str, ...], *, is_sure: bool, is_later: bool, is_staged: bool
    ) -> None:
        self.draw = draw
        self.types = types
        self.is_sure = is_sure
        self.is_staged = is_staged
        self.written = ValidWorkflow(is_later)
        self._inputs: list[dict[str, Any]] = []
        self._outputs: list[dict[str, Any]] = []

    def write(self) -> ValidWorkflow:
        for name in RUN_NAMES:
            self._add_source(Source("run", name, (), or_null({"type": "string"}), is_sure=True))
        for _ in range(self.up_to(3)):
            self.add_input(self.draw(schemas(types=(*SCALAR_TYPES, "object", "array"))))
        tasks = [self._task(index) for index in range(1 + self.up_to(3))]
        for _ in range(self.up_to(3)):
            self._add_output(len(tasks))
        words = self.written.words
        fields: dict[str, Any] = {words["name"]: "a workflow", "tasks": tasks}
        fields |= {words["output"]: self._outputs} if self._outputs or self.chance() else {}
        fields |= {words["input"]: self._inputs} if self._inputs or self.chance() else {}
        if self.is_staged and self.chance():
            fields |= {"type": "a.group/run", "config_id": "cg-1.A_b", "warn_after_ms": 1}
        self.written.document = fields if self.chance() else dict(reversed(fields.items()))
        return self.written

    def up_to(self, number: int) -> int:
        return self.draw(st.integers(0, number))

    def chance(self) -> bool:
        return self.draw(st.booleans())

    def _name(self, taken: Mapping[str, Any]) -> str:
        name = self.draw(st.sampled_from(IDENTIFIERS))
        return name if name not in taken else f"{name[:50]}_{len(taken)}"

    def _add_source(self, source: Source) -> None:
        self.written.sources += sources_in(source)

    def add_input(self, schema: JsonSchema) -> Source:
        """A declared input that has this schema, or takes null as well."""
        name = self._name(self.written.inputs)
        declared, found = self._declare(name, schema), schema
        match self.up_to(4):
            case 0:
                declared["default"] = self.draw(values(schema))
                declared |= {"required": False} if self.chance() else {}
            case 1:
                declared["required"] = False
                found = or_null(schema)
        self._inputs.append(declared)
        self.written.inputs[name] = schema
        source = Source("input", name, (), found, is_sure=True)
        self._add_source(source)
        return source

    def _declare(self, name: str, schema: JsonSchema) -> dict[str, Any]:
        """Name, type and nested schema; a scalar's own limits cannot be declared."""
        kind = schema["type"]
        declared = {"name": name, "type": self.draw(st.sampled_from([kind, "file"])) if kind == "string" else kind}
        if kind in {"object", "array"}:
            declared["schema"] = self.draw(spellings(schema))
        return declared | ({"description": "{{ is text here"} if self.up_to(4) == 0 else {})

    def _task(self, index: int) -> dict[str, Any]:
        words, kind, ref = self.written.words, self.draw(st.sampled_from(self.types)), self._name(self.written.tasks)
        ref = f"{ref}_" if ref in {"output", "query"} else ref
        wanted = TAKES[kind]["properties"]
        given = [name for name in wanted if name in TAKES[kind]["required"] or self.chance()]
        base = f"/tasks/{index}/{words['task_input']}"
        fields = {name: self.template(wanted[name], f"{base}/{name}", index, 0) for name in given}
        self.written.tasks[ref] = kind
        self._add_source(Source("task", ref, (), GIVES[kind], is_sure=True))
        stage = self.written.stages[ref] = self._stage(base)
        said: dict[str, Any] = {"stage": stage} if stage or (self.is_staged and self.chance()) else {}
        said |= {words["task_input"]: fields} if fields or self.chance() else {}
        return {words["ref"]: ref, "type": kind, **said}

    def _stage(self, base: str) -> str | None:
        """One that no mode runs without what the task uses."""
        if not self.is_staged:
            return None
        sources = [site.source for site in self.written.sites if site.pointer.startswith(base)]
        places = [STAGES.index(self.written.stages[source.name]) for source in sources if source.kind == "task"]
        return self.draw(st.sampled_from(STAGES[max(places, default=0) :]))

    def _add_output(self, tasks: int) -> None:
        number, name = len(self._outputs), self._name(self.written.outputs)
        pointer = f"/{self.written.words['output']}/{number}/value"
        found = [s for s in self._usable_sources() if s.schema != ANYTHING or not self.is_sure]
        source = self.draw(st.sampled_from(found)) if found and self.chance() else None
        if source:  # declared for what it names; null fits any output
            schema = without_null(self.draw(wider(_as_declared(source.schema))))
            value: Any = self._refer(source, schema, pointer, tasks, number, is_alone=True)
        else:
            schema = _as_declared(self.draw(schemas()))
            value = self.template(schema, pointer, tasks, number)
        self._outputs.append(self._declare(name, schema) | {"value": value})
        self.written.outputs[name] = schema
        if self.written.is_later:  # it is null where what feeds it is
            alone = [site.source for site in self.written.sites if site.is_alone and site.pointer == pointer]
            may_be_null = value is None or any(is_nullable(source.schema) for source in alone)
            found_there = or_null(_as_declared(schema)) if may_be_null else _as_declared(schema)
            self._add_source(Source("output", name, (), found_there, is_sure=True))

    def _usable_sources(self) -> list[Source]:
        return [source for source in self.written.sources if source.is_sure or not self.is_sure]

    def template(self, wanted: JsonSchema, pointer: str, tasks: int, outputs: int, depth: int = 2) -> Any:
        """A value that gives what is wanted: a literal, a reference, text with references, or members that are such."""
        plain, found = without_null(wanted), [s for s in self._usable_sources() if _fits(_at_worst(s), wanted)]
        ways = ["literal"]
        ways += ["refer", "refer", "refer"] if found else []
        ways += ["refer to a new input"] if _can_be_input(plain) else []
        ways += ["text"] if plain == {"type": "string"} or _is_text_field(plain) or not plain else []
        ways += ["members", "members"] if depth and (not plain or plain.get("type") in {"object", "array"}) else []
        match self.draw(st.sampled_from(ways)):
            case "literal":
                return escaped(self.draw(values(wanted)))
            case "refer":
                return self._refer(self.draw(st.sampled_from(found)), wanted, pointer, tasks, outputs, is_alone=True)
            case "refer to a new input":
                source = self.add_input(without_null(self.draw(narrower(plain))))
                if is_nullable(source.schema) and not is_nullable(wanted):
                    return self._text_or_literal(plain, pointer, tasks, outputs)
                return self._refer(source, wanted, pointer, tasks, outputs, is_alone=True)
            case "text":
                return self._text(pointer, tasks, outputs)
        return self._members(plain, pointer, tasks, outputs, depth - 1)

    def _text_or_literal(self, wanted: JsonSchema, pointer: str, tasks: int, outputs: int) -> Any:
        if wanted.get("type") == "string":
            return self._text(pointer, tasks, outputs)
        return escaped(self.draw(values(wanted)))

    def _refer(
        self, source: Source, wanted: JsonSchema, pointer: str, tasks: int, outputs: int, *, is_alone: bool
    ) -> str:
        spelled = source.spell(is_later=self.written.is_later)
        written = f"{{{{ {spelled} }}}}" if self.up_to(4) == 0 else f"{{{{{spelled}}}}}"
        self.written.sites.append(Site(pointer, source, written, wanted, is_alone, tasks, outputs))
        return written

    def _text(self, pointer: str, tasks: int, outputs: int) -> str:
        """Text with references to scalars in it; of one alone, a space keeps it text."""
        found = [source for source in self._usable_sources() if _is_scalar(source.schema)]
        text: str = "." + escaped(self.draw(TEXT)).rstrip("{") + " "  # a brace before a template would be read with it
        for _ in range(self.up_to(2) if found else 0):
            source = self.draw(st.sampled_from(found))
            text += self._refer(source, {"type": "string"}, pointer, tasks, outputs, is_alone=False)
            text += self.draw(st.sampled_from(["", " and ", "}}", "{{{{", "é"]))
        return text

    def _members(self, wanted: JsonSchema, pointer: str, tasks: int, outputs: int, depth: int) -> Any:
        if wanted.get("type") == "array" or (not wanted and self.chance()):
            items, least = wanted.get("items", ANYTHING), wanted.get("minItems", 0)
            number = least + self.up_to(2)
            return [self.template(items, f"{pointer}/{index}", tasks, outputs, depth) for index in range(number)]
        properties = dict(wanted.get("properties", {}))
        additional = wanted.get("additionalProperties", True)
        names = [name for name in properties if name in wanted["required"] or self.chance()]
        if additional is not False and self.chance():
            names.append("~more/")
            properties["~more/"] = ANYTHING if additional is True else additional
        return {
            name: self.template(properties[name], f"{pointer}/{escape_pointer(name)}", tasks, outputs, depth)
            for name in names
        }


def escaped(value: Any) -> Any:
    """A literal as an author writes it: `{{` twice. Keys are not templates."""
    if isinstance(value, str):
        return value.replace("{{", "{{{{")
    if isinstance(value, list):
        return [escaped(element) for element in value]
    return {key: escaped(member) for key, member in value.items()} if isinstance(value, dict) else value


def _fits(source: JsonSchema, wanted: JsonSchema) -> bool:
    """Of the pairs that fit, those that can be told without comparing nested schemas."""
    if ANYTHING in (source, wanted):
        return wanted == ANYTHING
    if is_nullable(source) and not is_nullable(wanted):
        return False
    plain, target = without_null(source), without_null(wanted)
    if plain == target:
        return True
    if "enum" in target or "minimum" in target:
        return False
    taken = {"number": {"number", "integer"}}.get(target["type"], {target["type"]})
    if target["type"] in {"object", "array"}:
        return plain["type"] == "object" and target == object_of({}, [], additional=True)
    return plain["type"] in taken


def _at_worst(source: Source) -> JsonSchema:
    """What it may be once a reference is broken: an output is null where what feeds it is."""
    return or_null(source.schema) if source.kind == "output" else source.schema


def _is_scalar(schema: JsonSchema) -> bool:
    return without_null(schema).get("type") in SCALAR_TYPES


def _is_text_field(schema: JsonSchema) -> bool:
    """Text of a limited length: what is written here is between."""
    return schema.get("type") == "string" and "enum" not in schema


def _can_be_input(schema: JsonSchema) -> bool:
    """A scalar's limits cannot be declared for an input."""
    return schema.get("type") in {"object", "array"} or (_is_scalar(schema) and not {"enum", "minimum"} & schema.keys())


def _as_declared(schema: JsonSchema) -> JsonSchema:
    """What is declared says of it: of a scalar the type, of what may be anything that it is an object."""
    plain = without_null(schema) or object_of({}, [], additional=True)
    return plain if plain["type"] in {"object", "array"} else {"type": plain["type"]}


@st.composite
def valid_workflows(
    draw: st.DrawFn,
    types: tuple[str, ...] = tuple(WIDE_CATALOG),
    *,
    is_sure: bool = False,
    is_staged: bool = False,
) -> ValidWorkflow:
    """Definitions that the check must accept; with `is_sure`, of which every run renders what fits; with `is_staged`,
    whose tasks may have stages, and which may have a `config_id`."""
    return _Author(draw, types, is_sure=is_sure, is_later=draw(st.booleans()), is_staged=is_staged).write()


@st.composite
def parameters_of(draw: st.DrawFn, workflow: ValidWorkflow) -> dict[str, Any]:
    """What a call may give: an optional input is left out, null, or a value."""
    given = {}
    for declared in workflow.declared_inputs():
        name, may_be_left_out = declared["name"], "default" in declared or declared.get("required") is False
        way = draw(st.integers(0, 3)) if may_be_left_out else 3
        if way:
            given[name] = None if way == 1 else draw(values(workflow.inputs[name]))
    return given


def task_outputs(task_type: str) -> st.SearchStrategy[Any]:
    """What a task of the type may give."""
    return values(GIVES[task_type])
