"""What a type of a tenant's own says of its function: what PUT takes for it, and no more than it must."""

import pytest

from stepcall.domain.invokable_functions import InvokableFunctions
from stepcall.use_cases.task_types import spell_as_taken

BEFORE = "arn:aws:lambda:eu-central-1:123456789012:function:"
ELSEWHERE = "arn:aws:lambda:us-east-1:210987654321:function:"


@pytest.mark.parametrize(
    ("listed", "name"),
    [
        ([f"{BEFORE}price"], "price"),
        ([f"{BEFORE}price", f"{BEFORE}price:live"], "price"),
        ([], "price"),
        ([f"{BEFORE}other"], "price"),
        ([f"{BEFORE}price", f"{ELSEWHERE}price"], f"{BEFORE}price"),
        ([f"{ELSEWHERE}price"], f"{BEFORE}price"),
        ([f"{BEFORE}price:live"], f"{BEFORE}price"),
        ([f"{BEFORE}price:live", f"{BEFORE}price:next"], f"{BEFORE}price"),
    ],
)
def test_a_function_is_spelled_by_its_name_unless_that_means_another(listed: list[str], name: str) -> None:
    functions = InvokableFunctions(listed)
    assert spell_as_taken(f"{BEFORE}price", functions) == name
    if f"{BEFORE}price" in listed:
        assert functions.find(name) == f"{BEFORE}price"


def test_an_alias_is_part_of_the_name() -> None:
    functions = InvokableFunctions([f"{BEFORE}price", f"{BEFORE}price:live"])
    assert spell_as_taken(f"{BEFORE}price:live", functions) == "price:live"
