"""Task types: those that every tenant has, and the tenant's own."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from stepcall.domain.access import Caller
from stepcall.domain.custom_type import (
    MAX_SCHEMAS_LENGTH,
    MAX_TYPES,
    RESERVED,
    CustomType,
    contracts_of,
    is_reserved,
    is_type_name,
)
from stepcall.domain.errors import Problem
from stepcall.domain.invokable_functions import FunctionNotInvokableError, InvokableFunctions, spell_function
from stepcall.domain.json_text import NotJsonError, write_json
from stepcall.domain.schema_reader import InvalidSchemaError, SchemaReader
from stepcall.domain.task_contract import TaskContract
from stepcall.domain.template import escape_pointer
from stepcall.domain.types import JsonType, ValueType
from stepcall.stores.task_type_errors import TaskTypeNotFoundError
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.task_type_errors import TaskTypeRefusedError, TooManyTaskTypesError

LISTED = (
    "What a task is given is checked field by field, and no `enum` or `const` as a whole: say such of the `properties`."
)
BAD_NAME = (
    "This must be a namespace and a name, as `Acme.Price`: each a capital letter and up to 31 letters and digits."
)


@dataclass(frozen=True)
class PutTaskType:
    """The command: a type under its name. `function` is a name or an ARN."""

    name: str
    function: str
    input_schema: Any
    output_schema: Any
    description: str | None = None


class TenantCatalog(Mapping[str, TaskContract]):
    """The types that a definition may name. The tenant's own are read when a name is none of the built-in ones."""

    def __init__(self, built_in: Mapping[str, TaskContract], load: Callable[[], Iterable[CustomType]]) -> None:
        self._built_in = built_in
        self._load = load

    @cached_property
    def own(self) -> Mapping[str, CustomType]:
        return {custom.name: custom for custom in self._load()}

    @cached_property
    def _contracts(self) -> Mapping[str, TaskContract]:
        return contracts_of(self.own.values())

    def __getitem__(self, name: str) -> TaskContract:
        if name in self._built_in:
            return self._built_in[name]
        if not is_type_name(name):
            raise KeyError(name)  # what cannot be there is not looked for
        return self._contracts[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._built_in
        yield from self.own

    def __len__(self) -> int:
        return len(self._built_in) + len(self.own)

    def used(self, names: Iterable[str]) -> tuple[CustomType, ...]:
        """What a version keeps of the tenant's own among these, by name."""
        return tuple(self.own[name].kept for name in sorted(set(names)) if name not in self._built_in)


def catalog_for(caller: Caller, deps: FaceDependencies) -> TenantCatalog:
    return TenantCatalog(deps.catalog, lambda: deps.task_types().list_by_tenant(caller.tenant))


def put_task_type(command: PutTaskType, caller: Caller, deps: FaceDependencies) -> tuple[CustomType, bool]:
    """The type, and whether it is new. Versions of workflows that use it keep it as it was.

    Raises NotGrantedError, TaskTypeRefusedError with every problem, TooManyTaskTypesError.
    """
    caller.require_all_workflows("make a task type, which is for all of them")
    problems = [*_name_problems(command.name), *_schema_problems(command)]
    try:
        arn = deps.functions.find(command.function)
    except FunctionNotInvokableError as exc:
        problems.insert(0, Problem("/function_arn", exc.code, str(exc)))
        arn = ""
    if problems:
        raise TaskTypeRefusedError(problems)
    now, store = deps.now(), deps.task_types()
    before = {custom.name: custom for custom in store.list_by_tenant(caller.tenant)}
    if command.name not in before and len(before) >= MAX_TYPES:
        raise TooManyTaskTypesError(f"A tenant has at most {MAX_TYPES} task types of its own: delete one first.")
    made = CustomType(command.name, arn, command.input_schema, command.output_schema, command.description, now, now)
    if command.name in before:
        made = replace(made, created_at=before[command.name].created_at)
    store.put(caller.tenant, made)
    deps.log("task_type_put", tenant=caller.tenant, task_type=command.name, principal=caller.principal)
    return made, command.name not in before


def read_task_type(name: str, caller: Caller, deps: FaceDependencies) -> TaskContract:
    """Raises TaskTypeNotFoundError."""
    try:
        return catalog_for(caller, deps)[name]
    except KeyError as exc:
        raise TaskTypeNotFoundError("There is no such task type.") from exc


def spell_as_taken(arn: str, functions: InvokableFunctions) -> str:
    """The function's name, without region and account; its ARN where PUT would take the name for another function."""
    name = spell_function(arn)
    try:
        return name if functions.find(name) == arn else arn
    except FunctionNotInvokableError as exc:
        return name if exc.code == "unknown_function" else arn


def delete_task_type(name: str, caller: Caller, deps: FaceDependencies) -> None:
    """Versions of workflows that use it go on. Raises NotGrantedError, TaskTypeNotFoundError."""
    caller.require_all_workflows("delete a task type, which is for all of them")
    if not is_type_name(name):
        raise TaskTypeNotFoundError("There is no such task type.")
    deps.task_types().delete(caller.tenant, name)
    deps.log("task_type_deleted", tenant=caller.tenant, task_type=name, principal=caller.principal)


def _name_problems(name: str) -> Iterator[Problem]:
    if not is_type_name(name):
        yield Problem("/name", "invalid_name", BAD_NAME)
    elif is_reserved(name):
        reserved = ", ".join(f"`{namespace}`" for namespace in sorted(RESERVED))
        yield Problem("/name", "reserved_name", f"The namespaces {reserved} are Stepcall's own: take one of yours.")


def _schema_problems(command: PutTaskType) -> Iterator[Problem]:
    reader, sent = SchemaReader(), {"input_schema": command.input_schema, "output_schema": command.output_schema}
    for name, schema in sent.items():
        try:
            read = reader.read_declared(ValueType.OBJECT, schema)
            if name == "input_schema" and read.variants[JsonType.OBJECT].enum is not None:
                yield Problem(f"/{name}", "invalid_schema", LISTED)  # a task's input is held by its fields
        except InvalidSchemaError as exc:
            for path, message in exc.faults:
                below = "".join(f"/{escape_pointer(step)}" for step in path)
                yield Problem(f"/{name}{below}", "invalid_schema", message)
    try:
        length = len(write_json(sent))
    except NotJsonError as exc:
        yield Problem("/input_schema", "not_json", str(exc))
        return
    if length > MAX_SCHEMAS_LENGTH:
        message = f"The two schemas have {length:,} characters of JSON together; {MAX_SCHEMAS_LENGTH:,} can be kept."
        yield Problem("/input_schema", "too_large", message)
