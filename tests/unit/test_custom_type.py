"""Task types of a tenant's own, by themselves."""

from dataclasses import replace
from typing import Any

import pytest

from stepcall.domain.access import Grants, NotGrantedError
from stepcall.domain.custom_type import CUSTOM, CustomContract, CustomOutput, CustomType, is_reserved, is_type_name
from stepcall.domain.errors import ErrorReason, PermanentTaskError
from stepcall.domain.task_contract import Worker, worker_of
from stepcall.tasks.catalog import CATALOG
from stepcall.tasks.data import TransformOutput
from stepcall.use_cases.task_type_errors import TooManyTaskTypesError
from stepcall.use_cases.task_types import PutTaskType, delete_task_type, put_task_type
from tests.unit.run_world import CALLER, FUNCTION, RunWorld

ANY = {"type": "object"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
CONTRACT = CustomContract.of(CustomType("Acme.Price", FUNCTION, SCHEMA, SCHEMA))


def test_every_namespace_of_what_is_built_in_is_reserved_in_whatever_case() -> None:
    assert [name for name in CATALOG if not is_reserved(name) or not is_reserved(name.upper())] == []
    assert not is_reserved("Acme.Web")


@pytest.mark.parametrize("name", ["Acme.Price", "A.B", "Acme.Fees.Price", f"A{'b' * 31}.C"])
def test_a_name_has_a_namespace(name: str) -> None:
    assert is_type_name(name)


@pytest.mark.parametrize(
    "name", ["", "Price", "acme.Price", "Acme.", "Acme.P.Q.R", "Acme.Prïce", f"A{'b' * 32}.C", "A.B\n"]
)
def test_what_has_none_is_no_name(name: str) -> None:
    assert not is_type_name(name)


def test_a_contract_reads_and_prints_what_fits_its_schemas() -> None:
    read = CONTRACT.read_input({"a": 1, "more": None})
    assert (read.function_arn, read.payload) == (FUNCTION, {"a": 1, "more": None})
    assert CONTRACT.print_output(CustomOutput(answer={"a": 2})) == {"a": 2}
    assert (CONTRACT.implementation, CONTRACT.worker) == (CUSTOM, Worker.LAMBDA)


@pytest.mark.parametrize("value", [{}, {"a": "secret"}, {"a": None}, [], None, "secret", {"a": 1.5}])
def test_what_does_not_fit_is_told_and_not_repeated(value: Any) -> None:
    calls: list[Any] = [CONTRACT.read_input, lambda answer: CONTRACT.print_output(CustomOutput(answer=answer))]
    for call in calls:
        with pytest.raises(PermanentTaskError, match=r"Acme\.Price") as refused:
            call(value)
        assert refused.value.reason is ErrorReason.INVALID
        assert "secret" not in refused.value.message


def test_an_answer_with_many_faults_is_told_shortly() -> None:
    numbers = {"type": "object", "additionalProperties": {"type": "integer"}}
    contract = CustomContract.of(CustomType("Acme.Price", FUNCTION, ANY, numbers))
    with pytest.raises(PermanentTaskError) as refused:
        contract.print_output(CustomOutput(answer={f"field{n}": "x" for n in range(100_000)}))
    assert len(refused.value.message) < 2000


def test_a_contract_prints_nothing_of_another() -> None:
    with pytest.raises(TypeError, match="gives CustomOutput"):
        CONTRACT.print_output(TransformOutput(result=1))


def test_what_is_kept_by_a_version_is_read_again_without_times() -> None:
    custom = replace(CONTRACT.custom, description="x")
    assert CustomType.from_json(custom.to_json()) == custom == custom.kept


def test_who_does_a_type_that_is_not_built_in() -> None:
    assert worker_of("Acme.Price", CATALOG) is Worker.LAMBDA
    assert worker_of("Sql.Query", CATALOG) is Worker.SQL


def test_a_tenant_has_a_hundred_types_and_may_replace_each() -> None:
    world = RunWorld()
    for number in range(100):
        put_task_type(PutTaskType(f"Acme.T{number}", "price", ANY, ANY), CALLER, world.deps)
    with pytest.raises(TooManyTaskTypesError, match="at most 100"):
        put_task_type(PutTaskType("Acme.More", "price", ANY, ANY), CALLER, world.deps)
    _, is_new = put_task_type(PutTaskType("Acme.T7", "price", ANY, ANY), CALLER, world.deps)
    assert not is_new


def test_who_is_granted_some_workflows_is_told_what_he_may_not_do_with_types() -> None:
    world, narrow = RunWorld(), replace(CALLER, grants=Grants(frozenset()))
    with pytest.raises(NotGrantedError, match="may not make a task type"):
        put_task_type(PutTaskType("Acme.Price", FUNCTION, ANY, ANY), narrow, world.deps)
    with pytest.raises(NotGrantedError, match="may not delete a task type"):
        delete_task_type("Acme.Price", narrow, world.deps)


def test_an_input_that_does_not_fit_as_a_whole_has_no_empty_place() -> None:
    with pytest.raises(PermanentTaskError, match=r"The input does not fit Acme\.Price\. This must be an object"):
        CONTRACT.read_input("text")
