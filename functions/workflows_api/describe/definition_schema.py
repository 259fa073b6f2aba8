"""The schema of a workflow's definition, in both generations: precise enough for an editor to complete with.

Made from the models that check a definition and from the catalog. All that the check accepts fits it; what only the
check can know, such as where a template leads, it does not say.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from stepcall.domain.approval import FLOW_APPROVAL
from stepcall.domain.condition import FORMS
from stepcall.domain.custom_type import NAME_PATTERN, RESERVED
from stepcall.domain.declared_value import InputParameter, OutputValue
from stepcall.domain.generation import DOCUMENT_WORDS, TASK_WORDS, Generation
from stepcall.domain.invokable_functions import LAMBDA_INVOKE
from stepcall.domain.parent_task import WORKFLOW_EXECUTE
from stepcall.domain.sql_check import OUTPUT_TASK, QUERY_TASK
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.task_control import MAX_ELEMENTS, OnError
from stepcall.domain.waiting import FLOW_WAIT
from stepcall.domain.workflow import MAX_TASKS, Task, WorkflowDefinition
from workflows_api.describe.nested_schema import value_schema_component
from workflows_api.describe.parts import PREFIXES, Json, ref
from workflows_api.requests import ADDED_TO_DEFINITIONS

ALIASES = {"text": "string"}
TEMPLATE: Json = {
    "type": "string",
    "pattern": r"\{\{",
    "description": "Text with a template: `{{input.NAME}}`, `{{refs.REF.output.FIELD}}`, deeper by `.field` and `[0]`, "
    'a default behind `??`: `{{input.NAME ?? "none"}}`. '
    "In the later generation `{{inputs.NAME}}`, `{{tasks.NAME.outputs.FIELD}}`, `{{outputs.NAME}}`. "
    "In both `{{run.range_from}}` and `{{run.range_to}}`, null in a run that is about no time. "
    "A value that is one template alone keeps its type.",
}
TITLES: Mapping[Generation, str] = {
    generation: f"{prefix}WorkflowDefinition" for generation, prefix in PREFIXES.items()
}
DESCRIPTIONS: Mapping[str, str] = {
    "tasks": "What is done.",
    "order": "Whether tasks are done one after the other, or each as soon as what it uses and depends on is done.",
    "depends_on": "The refs of tasks that it waits for although it uses nothing of theirs.",
    "ref": "What templates call this task.",
    "default": "The value when none is given.",
    "required": "Whether a call must give it, when it has no default.",
    "value": "The output's value, with templates.",
    "schema": "JSON Schema of the value, for an object or an array.",
    "stage": "Which run modes run it: `source`, `refresh`, `full`. Without a stage it runs in `full` alone.",
    "condition": f"The task is skipped where this is false. {FORMS}",
    "on_error": "What becomes of the run when it has failed for good.",
    "for_each": "An array, or a template alone that gives one: the task is done for each of its elements, which its "
    "input names as `{{item}}`, and by its number from 0 as `{{index}}`. Its output is the array of what it gives.",
    "max_concurrency": "For how many elements of `for_each` at once.",
    "fallback": "What is tried in its place when it has failed for good: a task `type`, or what the task `ref` is.",
    "retry": "How often it is tried when its error may pass, and how long after its last failure.",
    "attempts": "In all: 1 tries it once.",
    "timeout_seconds": "How long it may take before it fails with `timeout`; of a task, one attempt of it.",
    "config_id": "Another name for the workflow's id, of nobody else in the tenant.",
    "warn_after_ms": "After how many milliseconds an execution is a long one.",
}


FOR_EACH: Json = {
    "anyOf": [
        {"type": "array", "maxItems": MAX_ELEMENTS},
        {"type": "string", "pattern": r"^\{\{[\s\S]*\}\}$"},
        {"type": "null"},
    ],
}
NOTHING: Json = {"type": "null", "description": "Not for this type."}
NOT_TAKEN: Mapping[str, Json] = {
    QUERY_TASK: {"for_each": NOTHING, "max_concurrency": NOTHING},
    OUTPUT_TASK: {
        **dict.fromkeys(("for_each", "max_concurrency", "condition", "fallback"), NOTHING),
        "on_error": {"type": "string", "const": OnError.FAIL.value, "description": "Nothing else for this type."},
    },
    FLOW_WAIT: {"timeout_seconds": NOTHING},
    FLOW_APPROVAL: {"timeout_seconds": NOTHING},
}
"""Fields of tasks that those of some types have only as nothing, by type."""
WRITTEN_OUT: Mapping[str, frozenset[str]] = {
    WORKFLOW_EXECUTE: frozenset({"workflow_id", "version"}),
    LAMBDA_INVOKE: frozenset({"function"}),
    FLOW_APPROVAL: frozenset({"expires_in", "output_schema"}),
}
"""Inputs that hold no templates, by type."""
NO_TEMPLATE: Json = {"not": {"type": "string", "pattern": r"\{\{"}}
FALLBACK_WORDS: Mapping[Generation, Mapping[str, str]] = {
    Generation.FIRST: {},
    Generation.LATER: {"ref": "task", "input": "inputs"},
}
ADDED = "Added by answers; what is sent of it is left out, so that a workflow can be read, changed and sent back."


def definition_schemas(catalog: Mapping[str, TaskContract]) -> Json:
    """The components by name: `WorkflowDefinition`, `LaterWorkflowDefinition`, and what they are made of."""
    schemas: Json = {"Template": TEMPLATE, "ValueSchema": value_schema_component()}
    for name, model in (("InputParameter", InputParameter), ("OutputValue", OutputValue)):
        schemas[name] = _declared(model)
    for contract in catalog.values():
        schemas[f"{_name(contract)}Input"] = _input_with_templates(contract)
    for generation in Generation:
        tasks = {f"{PREFIXES[generation]}{_name(contract)}Task": contract for contract in catalog.values()}
        fields = _task_fields(catalog, generation)
        schemas |= {name: _task(contract, fields, generation) for name, contract in tasks.items()}
        custom = f"{PREFIXES[generation]}CustomTask"
        schemas[custom] = _custom_task(fields, generation)
        schemas[TITLES[generation]] = _definition(generation, [*tasks, custom])
    return schemas


def _task_input(contract: TaskContract) -> Json:
    """One JSON Schema without references."""
    schema = contract.input_json_schema
    inlined: Json = _inline(schema, schema.get("$defs", {}))
    return {key: value for key, value in inlined.items() if key not in {"title", "$defs"}}


def _input_with_templates(contract: TaskContract) -> Json:
    plain = _task_input(contract)
    written_out = WRITTEN_OUT.get(contract.name, frozenset())
    kept = {name: field | NO_TEMPLATE for name, field in plain["properties"].items() if name in written_out}
    opened = allow_templates(plain)
    return opened | {"properties": opened["properties"] | kept}


def _task_fields(catalog: Mapping[str, TaskContract], generation: Generation) -> Json:
    """What every task has, by the names of the first generation."""
    fields = _fields(Task) | {"for_each": FOR_EACH}
    no_fallback = sorted(name for name, contract in catalog.items() if contract.may_take_phases)
    fallback = _fallback(fields["fallback"], FALLBACK_WORDS[generation], no_fallback)
    return _described(fields | {"fallback": fallback})


def _fallback(schema: Json, words: Mapping[str, str], not_types: list[str]) -> Json:
    """A schema of an object, or null, with its fields in other words."""
    said, nothing = schema["anyOf"]
    fields = said["properties"]
    fields["type"] |= {"not": {"enum": not_types}}
    renamed = said | {"properties": {words.get(name, name): field for name, field in fields.items()}}
    return schema | {"anyOf": [renamed, nothing]}


def _definition(generation: Generation, tasks: list[str]) -> Json:
    fields, words = _fields(WorkflowDefinition), DOCUMENT_WORDS[generation]
    del fields["generation"]
    items = {
        "input": ref("InputParameter"),
        "output": ref("OutputValue"),
        "tasks": {"oneOf": [ref(name) for name in tasks]},
    }
    for name, item in items.items():
        fields[name] = {"type": "array", "items": item}
    fields["tasks"] |= {"minItems": 1, "maxItems": MAX_TASKS}
    fields |= {name: {"description": ADDED} for name in sorted(ADDED_TO_DEFINITIONS)}
    fields["type"] |= {"description": "What its executions are, for those who list them: `courier.group/run`."}
    return _object(_described(fields), [words["name"], "tasks"], words)


def _task(contract: TaskContract, fields: Json, generation: Generation) -> Json:
    words = TASK_WORDS[generation]
    own = {"type": {"type": "string", "const": contract.name}, "input": ref(f"{_name(contract)}Input")}
    needed = [words["input"]] if contract.required_inputs else []
    schema = _object(fields | own | NOT_TAKEN.get(contract.name, {}), [words["ref"], "type", *needed], words)
    return schema | {"description": contract.summary}


def _custom_task(fields: Json, generation: Generation) -> Json:
    """A task of a type of the tenant's own."""
    words = TASK_WORDS[generation]
    kind = {"type": "string", "pattern": NAME_PATTERN, "not": {"pattern": rf"^({'|'.join(sorted(RESERVED))})\."}}
    schema = _object(fields | {"type": kind, "input": {"type": "object"}}, [words["ref"], "type"], words)
    return schema | {"description": "A type of the tenant's own: `PUT /task-types/{name}` makes them."}


def _declared(model: type[InputParameter | OutputValue]) -> Json:
    fields = _described(_fields(model))
    fields["schema"] = {"anyOf": [ref("ValueSchema"), {"type": "null"}], "description": DESCRIPTIONS["schema"]}
    fields["type"] = fields["type"] | {"enum": [*fields["type"]["enum"], *ALIASES]}
    required = [name for name, field in model.model_fields.items() if field.is_required()]
    return _object(fields, required, {})


def _object(fields: Json, required: list[str], words: Mapping[str, str]) -> Json:
    return {
        "type": "object",
        "properties": {words.get(name, name): field for name, field in fields.items()},
        "required": required,
        "additionalProperties": False,
    }


def _fields(model: type[BaseModel]) -> Json:
    """The model's fields by their own names, `json_schema` excepted, without what says nothing to a reader."""
    schema = model.model_json_schema(by_alias=False)
    return {
        "schema" if name == "json_schema" else name: _without_noise(_inline(field, schema.get("$defs", {})))
        for name, field in schema["properties"].items()
    }


def _without_noise(field: Json) -> Json:
    """Without the title, which is the name again, and a default that is nothing."""
    kept = {key: value for key, value in field.items() if key != "title"}
    return {key: value for key, value in kept.items() if key != "default" or value not in (None, [])}


def _described(fields: Json) -> Json:
    return {
        name: field | ({"description": DESCRIPTIONS[name]} if name in DESCRIPTIONS else {})
        for name, field in fields.items()
    }


def _name(contract: TaskContract) -> str:
    return contract.name.replace(".", "")


def allow_templates(schema: Json) -> Json:
    """The schema of a value any part of which may be a template, which is text."""
    opened = dict(schema)
    if "properties" in schema:
        opened["properties"] = {name: _or_template(field) for name, field in schema["properties"].items()}
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            opened[keyword] = _or_template(schema[keyword])
    if "anyOf" in schema:
        opened["anyOf"] = [allow_templates(part) for part in schema["anyOf"]]
    return opened


def _or_template(schema: Json) -> Json:
    said = {key: value for key, value in schema.items() if key in {"description", "default"}}
    kept = {key: value for key, value in schema.items() if key not in said and key != "title"}
    if not kept or kept == {"type": "string"}:
        return {**kept, **said}  # a template fits already
    return {"anyOf": [*allow_templates(kept).get("anyOf", [allow_templates(kept)]), ref("Template")], **said}


def _inline(schema: Any, definitions: Json) -> Any:
    if isinstance(schema, list):
        return [_inline(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return _inline(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions) | rest
    return {key: _inline(value, definitions) for key, value in schema.items()}
