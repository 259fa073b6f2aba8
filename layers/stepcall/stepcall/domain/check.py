"""Everything that is wrong with a definition, at once, each with its place and what to change.

`check_definition` is the one entry point. Stages: **generation** (one dialect throughout) → **shape** (each element by
its pydantic model) → **names** (unique) → **values** (`check_values.py`: declared types, and what feeds what).
Each stage works on what could be read, so that one fault does not hide another.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from stepcall.domain.called_check import CallSetting
from stepcall.domain.check_values import ValueCheck
from stepcall.domain.connection import DEFAULT_CONNECTION, NAME_PATTERN, SqlEngine
from stepcall.domain.declared_value import DeclaredValue, Description, InputParameter, OutputValue
from stepcall.domain.definition_document import DefinitionDocument
from stepcall.domain.definition_model import DefinitionModel
from stepcall.domain.errors import InvalidDefinitionError, Problem, shorten
from stepcall.domain.findings import EnoughProblemsError, Findings
from stepcall.domain.ids import MalformedIdError, read_workflow_id
from stepcall.domain.invokable_functions import InvokableFunctions
from stepcall.domain.model_problems import problems_of
from stepcall.domain.run import CALL_LOCATION, OUTPUT_LOCATION
from stepcall.domain.schema_reader import KEYWORDS
from stepcall.domain.sql_check import SQL_TASKS, SqlSetting
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.task_order import TaskOrder
from stepcall.domain.workflow import (
    MAX_CONFIG_ID_LENGTH,
    MAX_DECLARED,
    MAX_TASKS,
    MAX_TYPE_LENGTH,
    ConfigId,
    ConnectionName,
    DeclaredOrder,
    Task,
    TimeoutSeconds,
    Title,
    WarnAfterMs,
    WorkflowDefinition,
    WorkflowType,
)

HEAD_RULES: Mapping[str, str] = {
    "/type": f"This must be 1 to {MAX_TYPE_LENGTH} characters of one line, none of them a control character.",
    "/config_id": f"This must be 1 to {MAX_CONFIG_ID_LENGTH} letters (A to Z, a to z), digits, `.`, `_` or `-`, the "
    "first of them a letter or a digit.",
}
"""What is told where a pattern would say nothing to most."""
INPUT_FORM = 'Write `[{"name": "v", "type": "number"}]`.'
OUTPUT_FORM = 'Write `[{"name": "v", "type": "number", "value": "{{…}}"}]`.'
FORMS: Mapping[str, str] = {
    "/input": INPUT_FORM,
    "/inputs": INPUT_FORM,
    "/output": OUTPUT_FORM,
    "/outputs": OUTPUT_FORM,
}
"""What a list looks like, for who sends something else: a map of names and types, as a rule."""
RESERVED_REFS = frozenset({CALL_LOCATION, OUTPUT_LOCATION})
CONNECTION_NAME = re.compile(NAME_PATTERN)
Catalog = Mapping[str, TaskContract]
FindSetting = Callable[[str], SqlSetting]
ElementT = TypeVar("ElementT", bound=DefinitionModel)


@dataclass(frozen=True, slots=True)
class CheckedDefinition:
    """A definition without problems; `warnings` name what is allowed and probably not meant."""

    definition: WorkflowDefinition
    warnings: tuple[Problem, ...] = ()
    sql_engine: SqlEngine | None = None
    """What runs its SQL, when it has any and that could be looked up."""


class _Head(DefinitionModel):
    """The document's own fields; what its lists hold is read element by element."""

    name: Title = Field(alias="title")
    description: Description | None = None
    connection: ConnectionName = DEFAULT_CONNECTION
    type: WorkflowType | None = None
    config_id: ConfigId | None = None
    warn_after_ms: WarnAfterMs | None = None
    order: DeclaredOrder = TaskOrder.SEQUENCE
    timeout_seconds: TimeoutSeconds | None = None
    input: list[Any] = Field(default_factory=list, alias="inputs")
    tasks: list[Any]
    output: list[Any] = Field(default_factory=list, alias="outputs")


def check_definition(
    document: Any,
    catalog: Catalog,
    find_setting: FindSetting | None = None,
    *,
    time_to_run: timedelta | None = None,
    functions: InvokableFunctions | None = None,
    calls: CallSetting | None = None,
) -> CheckedDefinition:
    """Read a definition. Raises InvalidDefinitionError with all its problems, in document order.

    `find_setting` gives where the SQL of a connection runs. It is asked when the document has SQL or names a
    connection; without it, SQL is not read. `time_to_run` is how long a run may take where it would run, `functions`
    are those that tasks may invoke there, None for nobody knows; `calls` finds the workflows that tasks execute, and
    without it nothing is known of them.
    """
    sent = DefinitionDocument(document)
    findings = Findings(sent)
    definition = setting = None
    with suppress(EnoughProblemsError):
        _check_generation(sent, findings)
        definition = _read_definition(sent, findings)
        _check_counts_and_names(sent, findings)
        setting = _find_setting(sent, find_setting, findings) if find_setting else None
        check = ValueCheck(sent, catalog, findings, setting, time_to_run=time_to_run, functions=functions, calls=calls)
        check.check()
    if definition is None or findings.has_problems:
        raise InvalidDefinitionError(findings.problems, findings.warnings)
    has_sql = any(task.type in SQL_TASKS for task in definition.tasks)
    return CheckedDefinition(definition, tuple(findings.warnings), setting.engine if setting and has_sql else None)


def _check_counts_and_names(sent: DefinitionDocument, findings: Findings) -> None:
    _check_count(sent, findings)
    for field, code in (("input", "too_many_inputs"), ("output", "too_many_outputs")):
        _check_declared_count(field, code, sent, findings)
    for field, code in (("input", "duplicate_name"), ("tasks", "duplicate_ref"), ("output", "duplicate_name")):
        _check_unique(field, code, sent, findings)
    _check_reserved_refs(sent, findings)
    _check_config_id(sent, findings)


def _find_setting(sent: DefinitionDocument, find_setting: FindSetting, findings: Findings) -> SqlSetting | None:
    has_sql = any(str(task.get("type")) in SQL_TASKS for _, _, task in sent.objects_at("tasks"))
    name = sent.value.get("connection", DEFAULT_CONNECTION) if isinstance(sent.value, dict) else None
    if not isinstance(name, str) or not CONNECTION_NAME.fullmatch(name):
        return None  # told with the document's shape
    if not has_sql and "connection" not in sent.value:
        return None
    setting = find_setting(name)._replace(connection=name)
    if not setting.exists:
        message = f"There is no connection `{shorten(name)}`: `GET /connections` lists those that there are."
        findings.add("/connection", "unknown_connection", message)
    return setting


def _check_generation(sent: DefinitionDocument, findings: Findings) -> None:
    for word in sent.unmixed.mixed:
        message = (
            f"`{word.written}` is a word of the {sent.generation.other} generation of the dialect, and the document is "
            f"written in the {sent.generation} one: write `{word.right}`."
        )
        findings.add(word.location, "mixed_generations", message, word.right, word.written)


def _read_definition(sent: DefinitionDocument, findings: Findings) -> WorkflowDefinition | None:
    """The definition, its parts validated one by one; None when one could not be read."""
    head = _read(sent.value, _Head, "", findings, by_alias=sent.is_later)
    inputs = _read_list("input", InputParameter, sent, findings)
    tasks = _read_list("tasks", Task, sent, findings)
    outputs = _read_list("output", OutputValue, sent, findings)
    if head is None or findings.has_problems:
        return None
    # every part has just been validated: a second validation would only cost time
    return WorkflowDefinition.model_construct(
        {*head.model_fields_set, "generation"},
        generation=sent.generation,
        name=head.name,
        description=head.description,
        connection=head.connection,
        type=head.type,
        config_id=head.config_id,
        warn_after_ms=head.warn_after_ms,
        order=head.order,
        timeout_seconds=head.timeout_seconds,
        input=inputs,
        tasks=tasks,
        output=outputs,
    )


def _read_list(field: str, model: type[ElementT], sent: DefinitionDocument, findings: Findings) -> tuple[ElementT, ...]:
    """The elements that could be read."""
    by_alias = (
        sent.is_later or model is not Task
    )  # the aliases of inputs and outputs are their names in both generations
    read = (
        _read(element, model, sent.pointer_to(field, index), findings, by_alias=by_alias)
        for index, element in enumerate(sent.list_at(field))
    )
    return tuple(element for element in read if element is not None)


def _read(value: Any, model: type[ElementT], pointer: str, findings: Findings, *, by_alias: bool) -> ElementT | None:
    try:
        return model.model_validate(value, by_alias=by_alias, by_name=not by_alias)
    except ValidationError as exc:
        for problem in problems_of(exc, model, pointer, findings.suggest, by_alias=by_alias):
            findings.keep(_advise(problem, model))
        return None


def _advise(problem: Problem, model: type[DefinitionModel]) -> Problem:
    """JSON Schema's keywords have a place of their own, and some fields a rule that can be said in words."""
    if model is _Head and problem.code == "wrong_type" and (form := FORMS.get(problem.location)):
        return replace(problem, message=f"{problem.message} {form}")
    if model is _Head and problem.code == "invalid_value":
        return replace(problem, message=HEAD_RULES.get(problem.location, problem.message))
    is_keyword = issubclass(model, DeclaredValue) and problem.location.rpartition("/")[2] in KEYWORDS
    if is_keyword and problem.code == "unknown_field":
        return replace(problem, message=f"{problem.message} JSON Schema of an object or array stands in `schema`.")
    return problem


def _check_count(sent: DefinitionDocument, findings: Findings) -> None:
    number = len(sent.list_at("tasks"))
    if number == 0 and isinstance(sent.value, dict) and sent.value.get("tasks") == []:
        findings.add("/tasks", "no_tasks", "A workflow needs at least one task.")
    if number > MAX_TASKS:
        findings.add(
            "/tasks",
            "too_many_tasks",
            f"A workflow has at most {MAX_TASKS} tasks: more could outgrow the 25,000 events of an execution's "
            "history, which is a limit of Step Functions. Split it.",
            f"at most {MAX_TASKS}",
            str(number),
        )


def _check_declared_count(field: str, code: str, sent: DefinitionDocument, findings: Findings) -> None:
    if (number := len(sent.list_at(field))) > MAX_DECLARED:
        pointer = sent.pointer_to(field, 0).rpartition("/")[0]
        message = f"A workflow has at most {MAX_DECLARED} of these; put some of them into one object or array."
        findings.add(pointer, code, message, f"at most {MAX_DECLARED}", str(number))


def _check_unique(field: str, code: str, sent: DefinitionDocument, findings: Findings) -> None:
    key, first = sent.name_key(field), dict[str, str]()
    for _, pointer, name in sent.names_at(field):
        if (taken := first.setdefault(name, pointer)) != pointer:
            message = f"`{shorten(name)}` is already the {key} of `{taken}`; give this one another."
            findings.add(f"{pointer}/{key}", code, message)


def _check_reserved_refs(sent: DefinitionDocument, findings: Findings) -> None:
    """An error's `location` is a task's ref or one of these words."""
    key = sent.name_key("tasks")
    for _, pointer, ref in sent.names_at("tasks"):
        if ref in RESERVED_REFS:
            message = f"`{ref}` cannot be a task's {key}: it says where an error was that is no task's. Take another."
            findings.add(f"{pointer}/{key}", "reserved_ref", message)


def _check_config_id(sent: DefinitionDocument, findings: Findings) -> None:
    """Where a workflow is named, its id and its `config_id` both may stand."""
    name = sent.value.get("config_id") if isinstance(sent.value, dict) else None
    if isinstance(name, str) and _reads_as_id(name):
        message = "This reads as the id of a workflow, and may be another one's: take another name, or none."
        findings.add("/config_id", "invalid_value", message)


def _reads_as_id(name: str) -> bool:
    try:
        read_workflow_id(name)
    except MalformedIdError:
        return False
    return True
