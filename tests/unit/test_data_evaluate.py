"""What JSONata expressions give, by the function that the child process answers with."""

import json
import time
from typing import Any

import pytest

from run_data_task.evaluate import KEPT_EXPRESSIONS, MAX_KEPT_LENGTH, RefusedError, evaluate
from stepcall.domain.errors import ErrorReason

ORDERS = {"orders": [{"id": 1, "price": 10, "quantity": 2}, {"id": 2, "price": 2.5, "quantity": 4}]}


def result(expression: str, data: Any = None) -> Any:
    return json.loads(evaluate(expression, data))


def refusal(expression: str, data: Any = None) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        evaluate(expression, data)
    return caught.value


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$sum(orders.(price * quantity))", 30),
        ("orders[price > 5].id", 1),
        ("orders[price > 5].id[]", [1]),
        ("orders{$string(id): price}", {"1": 10, "2": 2.5}),
        ("$map(orders, function($o) { $o.id & ':' & $o.price })", ["1:10", "2:2.5"]),
        ("$", ORDERS),
        ("[1..3]", [1, 2, 3]),
        ("[null, 'a', true, {}]", [None, "a", True, {}]),
        ("{'a': null, 'b': [null]}", {"a": None, "b": [None]}),
        ("orders.nothing", None),
        ("null", None),
        ("orders ~> |$|{'price': 0}, 'quantity'|", [{"id": 1, "price": 0}, {"id": 2, "price": 0}]),
        ("$replace('2026-11-21', /(\\d+)-(\\d+)-(\\d+)/, '$3.$2.$1')", "21.11.2026"),
        ("$fromMillis(0, '[Y]-[M01]-[D01]')", "1970-01-01"),
        ("$eval('1 + 1')", 2),
        ("'Größe 🙂'", "Größe 🙂"),
        ("1 /* a comment */", 1),
    ],
)
def test_an_expression_gives_plain_json(expression: str, expected: Any) -> None:
    assert result(expression, ORDERS) == expected


@pytest.mark.parametrize("number", [2**53 + 1, -(2**63) - 1, 10**30, 3.0, 0.1, 1e-300, 1.7976931348623157e308])
def test_a_number_that_passes_through_stays_as_it_came(number: float) -> None:
    kept = result("{'x': x}", {"x": number})["x"]
    assert (kept, type(kept)) == (number, type(number))


@pytest.mark.parametrize(
    ("expression", "text"), [("1.5 * 2", "3"), ("7 / 2", "3.5"), ("x + 0", "9007199254740992"), ("1e3", "1000")]
)
def test_a_computed_number_is_a_double_and_whole_ones_are_written_without_a_point(expression: str, text: str) -> None:
    assert evaluate(expression, {"x": 2**53 + 1}) == text


@pytest.mark.parametrize("expression", ["$sum", "function($x) { $x }", "[1, $sum]", "{'f': $sum}", "/a/"])
def test_a_function_is_no_result(expression: str) -> None:
    error = refusal(expression)
    assert (error.reason, "function" in str(error)) == ("invalid", True)


@pytest.mark.parametrize("expression", ["$number('NaN')", "1e308 * 10", "1 / 0", "$power(10, 400)", "'\\ud83d'"])
def test_what_json_cannot_say_is_refused(expression: str) -> None:
    assert refusal(expression).reason == "invalid"


@pytest.mark.parametrize(
    ("expression", "place"), [("a.b.(", 5), ("foo bar", 7), ("$map([1], function($x) { )", 26), ("'open", 5)]
)
def test_an_expression_that_cannot_be_read_is_refused_with_the_place(expression: str, place: int) -> None:
    error = refusal(expression)
    assert error.reason == "invalidQuery"
    assert f"at character {place}" in str(error)


@pytest.mark.parametrize("expression", [" ", "1 /* open", "/(/", "/[/", "$match('a', /a{2,1}/)"])
def test_a_hopeless_expression_is_refused(expression: str) -> None:
    assert refusal(expression).reason == "invalidQuery"


@pytest.mark.parametrize(
    "expression", ["'a' + 1", "$undefined_function()", "$error('no')", "$assert(false, 'no')", "$toMillis('x')"]
)
def test_an_expression_that_does_not_fit_the_data_is_refused(expression: str) -> None:
    assert refusal(expression).reason == "invalid"


@pytest.mark.parametrize(
    "expression",
    [
        "($f := function($n) { 1 + $f($n + 1) }; $f(0))",
        "($f := function($n) { $map([1], function($x) { 1 + $f($n + 1) }) }; $f(0))",
        "($f := function($n) { true and $f($n + 1) }; $f(0))",
        "($e := '$eval($e)'; $eval($e))",
        "(" * 16_000 + "1" + ")" * 16_000,
        "1" + " + 1" * 8_000,
    ],
)
def test_what_is_nested_without_an_end_is_refused(expression: str) -> None:
    error = refusal(expression)
    assert (error.reason, "nested too deeply" in str(error)) == ("resourcesExceeded", True)


def test_a_function_may_call_itself_some_hundred_times() -> None:
    assert result("($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(500))") == 500


def test_a_variable_does_not_outlive_its_evaluation() -> None:
    expression = "$exists($kept) ? $kept : $kept := secret"
    assert result(expression, {"secret": "one tenant's"}) == "one tenant's"
    assert result(expression, {"secret": "another's"}) == "another's"


def test_an_expression_used_again_gives_what_a_new_one_gives() -> None:
    for number in range(3):
        for expression in ("a.b ~> $sum()", "a.b[$ > 1]", "$map(a.b, function($v) { $v + 1 })"):
            data = {"a": {"b": [number, number + 1]}}
            assert evaluate(expression, data) == evaluate(f"{expression} /* {number} */", data)


def test_the_time_is_that_of_the_evaluation_though_the_expression_is_kept() -> None:
    first = result("$millis()")
    result("1")
    time.sleep(0.01)
    assert result("$millis()") > first


def test_expressions_are_kept_within_bounds() -> None:
    from run_data_task.evaluate import _compile_kept  # noqa: PLC0415

    before = _compile_kept.cache_info().misses
    result("1" + " " * MAX_KEPT_LENGTH)
    assert _compile_kept.cache_info().misses == before
    for number in range(KEPT_EXPRESSIONS + 5):
        result(f"{number}")
    assert _compile_kept.cache_info().currsize == KEPT_EXPRESSIONS


def test_the_reasons_are_those_of_a_task() -> None:
    for error in (refusal("("), refusal("1 / 0"), refusal("(" * 16_000)):
        assert ErrorReason(error.reason)
