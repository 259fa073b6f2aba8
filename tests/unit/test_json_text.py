"""JSON in and out: strict, exact, bounded."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcall.domain.json_text import (
    MAX_DEPTH,
    MalformedJsonError,
    NotJsonError,
    read_json,
    read_members,
    write_canonical_json,
    write_json,
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**4000), 10**4000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


@given(VALUES)
def test_what_is_written_reads_back_as_it_was(value: Any) -> None:
    text = write_json(value)
    assert read_json(text) == value
    assert read_json(text.encode()) == value
    assert json.loads(text) == value


@given(VALUES)
def test_what_others_write_is_read_alike(value: Any) -> None:
    assert read_json(json.dumps(value, indent=1)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("-9223372036854775809", -9223372036854775809),
        ("9" * 4300, int("9" * 4300)),
        ("0.1", 0.1),
        ("1E5", 100000.0),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("1e-400", 0.0),
        ("-0", 0),
        (' {"a" : [ 1 , null ] } ', {"a": [1, None]}),
        ('"\\ud83c\\udf0a"', "🌊"),
        ('"\\u0000"', "\0"),
        ('{"a":1,"a":2}', {"a": 2}),
        ('{"":1}', {"": 1}),
        ("true", True),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_numbers_are_exact_and_text_is_decoded(text: str, value: Any) -> None:
    read = read_json(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "nul",
        "NaN",
        "Infinity",
        "-Infinity",
        '{"a": NaN}',
        "01",
        "1.",
        ".5",
        "+1",
        "0x10",
        "[1,]",
        '{"a":1,}',
        "{'a':1}",
        "{a:1}",
        "{1:2}",
        '{"a"}',
        "[1 2]",
        "1 2",
        "// comment\n1",
        '"\t"',
        '"\x00"',
        '"\\x41"',
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '{"\\ud800":1}',
        "\ud800",
        '"\ud800"',
        b"\xff",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        "9" * 4301,
        "[" * 100_000,
        '{"a":' * 100_000,
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_what_is_not_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(MalformedJsonError, match=r"^This is not JSON: .+\.$") as raised:
        read_json(text)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1e309", "9" * 400 + ".0", "2e308"], ids=lambda n: n[:9])
@pytest.mark.parametrize("around", ["{}", "[1,{}]", '{{"a":[{{"b":{}}}]}}'])
def test_a_number_that_no_float_can_hold_is_refused_wherever_it_stands(number: str, around: str) -> None:
    with pytest.raises(MalformedJsonError, match="number that is too large"):
        read_json(around.format(number))


def test_a_mistake_is_told_with_line_and_column() -> None:
    with pytest.raises(MalformedJsonError, match=r"line 2 column 9"):
        read_json('{\n  "a": nope\n}')


def test_depth_is_bounded_alike_in_and_out() -> None:
    assert read_json(write_json(nested(MAX_DEPTH))) == nested(MAX_DEPTH)
    with pytest.raises(NotJsonError, match=f"nests more than {MAX_DEPTH} deep"):
        write_json(nested(MAX_DEPTH + 1))
    with pytest.raises(MalformedJsonError):
        read_json("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
    with pytest.raises(NotJsonError):
        write_json(nested(100_000))


def test_a_wide_value_is_not_taken_for_a_deep_one() -> None:
    wide: Any = [[{"a": []}]] * 1000 + ["[[[{{{" * 100]
    assert read_json(write_json(wide)) == wide


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), [float("-inf")], "\ud800", {"\udfff": 1}, {1, 2}, b"bytes", object(), 10**5000],
    ids=["nan", "inf", "inner", "surrogate", "key", "set", "bytes", "object", "large"],
)
def test_what_json_cannot_say_is_not_written(value: Any) -> None:
    with pytest.raises(NotJsonError):
        write_json(value)


def test_the_shortest_text_is_written() -> None:
    assert write_json({"a": [1, None, True], "ü": "🌊"}) == '{"a":[1,null,true],"ü":"🌊"}'


def test_equal_json_has_one_canonical_text_and_what_only_python_calls_equal_has_not() -> None:
    assert write_canonical_json({"b": [{"d": 1, "c": "ü"}], "a": None}) == '{"a":null,"b":[{"c":"ü","d":1}]}'
    spelled = [write_canonical_json([value]) for value in (1, 1.0, True, "1", -0.0, 0.0, 2**70)]
    assert spelled == ["[1]", "[1.0]", "[true]", '["1"]', "[-0.0]", "[0.0]", f"[{2**70}]"]


def test_members_of_an_object_are_read_one_by_one_and_doubles_too() -> None:
    assert read_members('{"a": 1, "b": {"c": [true]}, "a": null}') == [("a", 1), ("b", (("c", [True]),)), ("a", None)]
    assert read_members(b"{}") == []
    for text in ("[]", "null", '"a"', "1", "[[1, 2]]"):
        assert read_members(text) is None


@pytest.mark.parametrize("text", ["", "{", '{"a": NaN}', "{'a': 1}", '{"a": ' + "9" * 5000 + "}", '{"a":' * 300])
def test_members_are_read_of_strict_json_only(text: str) -> None:
    with pytest.raises(MalformedJsonError):
        read_members(text)
