"""Functions of the deployer's own, and what tasks call them."""

import pytest

from stepcall.domain.invokable_functions import FunctionNotInvokableError, InvokableFunctions

HERE = "arn:aws:lambda:eu-central-1:123456789012:function:"
THERE = "arn:aws-cn:lambda:cn-north-1:210987654321:function:"


@pytest.mark.parametrize(
    ("listed", "said", "meant"),
    [
        ([f"{HERE}price"], "price", f"{HERE}price"),
        ([f"{HERE}price"], f"{HERE}price", f"{HERE}price"),
        ([f"{HERE}price:live"], "price", f"{HERE}price:live"),
        ([f"{HERE}price:live"], "price:live", f"{HERE}price:live"),
        ([f"{HERE}price", f"{HERE}price:live"], "price", f"{HERE}price"),
        ([f"{HERE}price", f"{HERE}price:live"], "price:live", f"{HERE}price:live"),
        ([f"{HERE}price", f"{THERE}price"], f"{THERE}price", f"{THERE}price"),
        ([f"{HERE}price", f"{HERE}price"], "price", f"{HERE}price"),
        ([f"{HERE}function"], "function", f"{HERE}function"),
    ],
)
def test_a_function_is_found_by_its_name_its_alias_or_its_arn(listed: list[str], said: str, meant: str) -> None:
    assert InvokableFunctions(listed).find(said) == meant


@pytest.mark.parametrize(
    ("listed", "said", "code"),
    [
        ([], "price", "unknown_function"),
        ([f"{HERE}price"], "price:live", "unknown_function"),
        ([f"{HERE}price:live"], f"{HERE}price", "unknown_function"),
        ([f"{HERE}price"], f"{HERE}price:live", "unknown_function"),
        ([f"{HERE}price"], f"{THERE}price", "unknown_function"),
        ([f"{HERE}price"], "", "unknown_function"),
        ([f"{HERE}price"], "Price", "unknown_function"),
        ([f"{HERE}price:live", f"{HERE}price:test"], "price", "ambiguous_function"),
        ([f"{HERE}price", f"{THERE}price"], "price", "ambiguous_function"),
    ],
)
def test_what_is_not_listed_or_means_two_is_refused_without_telling_an_arn(
    listed: list[str], said: str, code: str
) -> None:
    with pytest.raises(FunctionNotInvokableError) as refused:
        InvokableFunctions(listed).find(said)
    assert refused.value.code == code
    assert "arn:" not in str(refused.value)
    assert ("InvokableFunctionArns" in str(refused.value)) == (code == "unknown_function")


def test_a_function_is_spelled_without_region_and_account() -> None:
    assert InvokableFunctions([f"{HERE}price:live", f"{THERE}price:live"]).names == ("price:live",)
