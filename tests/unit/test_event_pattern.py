"""Event patterns: what is wrong with one, each with its place, and the bus that its events come by."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcall.domain.event_pattern import bus_of, check_bus, check_pattern, spell_pattern
from stepcall.domain.trigger import Bus


def faults(pattern: Any) -> list[tuple[str, str]]:
    return [(problem.location, problem.code) for problem in check_pattern(pattern, "/pattern")]


def faults_of_field(*values: Any) -> list[tuple[str, str]]:
    """Without what they all begin with."""
    return [(at.removeprefix("/pattern/detail/x/"), code) for at, code in faults({"detail": {"x": list(values)}})]


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["my.shop"]},
        {
            "source": ["my.shop"],
            "detail-type": ["Order Placed"],
            "account": ["123456789012"],
            "resources": [{"suffix": "/x"}],
        },
        {"detail": {"a": {"b": {"c": ["x", 5, 1.5, True, None, ""]}}}},
        {"detail": {"prefix": {"x": [1]}, "exists": [1], "numeric": {"exists": [{"exists": True}]}}},
        {"$or": [{"source": ["a"]}, {"detail": {"$or": [{"a": [1]}, {"b": [2]}], "c": [3]}}]},
        {"detail": {"x": [{"numeric": [">", 0, "<=", 5]}, {"numeric": ["=", 3.018e2]}, {"numeric": ["<", -1]}]}},
        {"detail": {"x": [{"prefix": ""}, {"prefix": {"equals-ignore-case": "A"}}, {"suffix": ".png"}]}},
        {"detail": {"x": [{"anything-but": ["a", "b"]}]}},
        {"detail": {"x": [{"anything-but": 5}, {"anything-but": [5, 6.5]}, {"anything-but": "a"}]}},
        {"detail": {"x": [{"anything-but": {"prefix": "a"}}, {"anything-but": {"suffix": ["a", "b"]}}]}},
        {"detail": {"x": [{"anything-but": {"wildcard": "*/lib/*"}}, {"anything-but": {"equals-ignore-case": ["a"]}}]}},
        {"detail": {"x": [{"wildcard": r"dir/*.png"}, {"wildcard": r"a\**b\\*"}, {"equals-ignore-case": "A"}]}},
        {
            "detail": {
                "x": [{"cidr": "10.0.0.0/24"}, {"cidr": "10.0.0.7/8"}, {"cidr": "2001:db8::/32"}, {"exists": False}]
            }
        },
    ],
)
def test_a_pattern_that_eventbridge_takes_has_no_faults(pattern: Any) -> None:
    assert faults(pattern) == []


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (None, [("/pattern", "wrong_type")]),
        ([{"source": ["a"]}], [("/pattern", "wrong_type")]),
        ('{"source": ["a"]}', [("/pattern", "wrong_type")]),
        ({}, [("/pattern", "empty_pattern")]),
        ({"source": []}, [("/pattern/source", "empty_pattern")]),
        ({"source": [None]}, [("/pattern/source/0", "wrong_type")]),
        (
            {"detail-type": ["x", 5], "id": [True]},
            [("/pattern/detail-type/1", "wrong_type"), ("/pattern/id/0", "wrong_type")],
        ),
        (
            {"$or": [{"account": [1]}, {"region": [2.5]}]},
            [
                ("/pattern/$or/0/account/0", "wrong_type"),
                ("/pattern/$or/1/region/0", "wrong_type"),
            ],
        ),
        ({"detail": {}}, [("/pattern/detail", "empty_pattern")]),
        ({"detail": {"a": {}}}, [("/pattern/detail/a", "empty_pattern")]),
        ({"source": "a"}, [("/pattern/source", "wrong_type")]),
        ({"source": {"prefix": "a"}}, [("/pattern/source", "wrong_type")]),
        ({"detail": ["a"]}, [("/pattern/detail", "wrong_type")]),
        ({"detail": {"a": {"prefix": "b"}}}, [("/pattern/detail/a", "wrong_type")]),
        ({"detail": {"a": 5, "b": None}}, [("/pattern/detail/a", "wrong_type"), ("/pattern/detail/b", "wrong_type")]),
        (
            {"detailType": ["a"], "state": ["b"]},
            [("/pattern/detailType", "unknown_field"), ("/pattern/state", "unknown_field")],
        ),
        ({"$or": [{"source": ["a"]}]}, [("/pattern/$or", "wrong_type")]),
        ({"$or": {"source": ["a"]}}, [("/pattern/$or", "wrong_type")]),
        ({"$or": [{"x": ["a"]}, 5]}, [("/pattern/$or/0/x", "unknown_field"), ("/pattern/$or/1", "wrong_type")]),
        ({"detail": {"a/b~": ["x", [1]]}}, [("/pattern/detail/a~1b~0/1", "wrong_type")]),
    ],
)
def test_the_form_of_a_pattern_is_checked(pattern: Any, expected: list[tuple[str, str]]) -> None:
    assert faults(pattern) == expected


@pytest.mark.parametrize(
    ("matcher", "at"),
    [
        ({}, "0"),
        ({"prefix": "a", "suffix": "b"}, "0"),
        ({"prefix": 5}, "0/prefix"),
        ({"prefix": {"equals-ignore-case": ""}}, "0/prefix/equals-ignore-case"),
        ({"suffix": {"wildcard": "a"}}, "0/suffix"),
        ({"equals-ignore-case": ["a"]}, "0/equals-ignore-case"),
        ({"wildcard": "a**b"}, "0/wildcard"),
        ({"wildcard": r"a\b"}, "0/wildcard"),
        ({"wildcard": None}, "0/wildcard"),
        ({"exists": "true"}, "0/exists"),
        ({"cidr": "10.0.0.0"}, "0/cidr"),
        ({"cidr": "10.0.0.0/33"}, "0/cidr"),
        ({"cidr": 10}, "0/cidr"),
        ({"numeric": 5}, "0/numeric"),
        ({"numeric": []}, "0/numeric"),
        ({"numeric": [">", 1, "<"]}, "0/numeric"),
        ({"numeric": ["!=", 1]}, "0/numeric/0"),
        ({"numeric": [[], 1]}, "0/numeric/0"),
        ({"numeric": [">", "1"]}, "0/numeric/1"),
        ({"numeric": [">", True]}, "0/numeric/1"),
        ({"numeric": ["<", 6e9]}, "0/numeric/1"),
        ({"numeric": [">", 0, ">", 5]}, "0/numeric/2"),
        ({"numeric": [">", 0, "<", None]}, "0/numeric/3"),
        ({"numeric": [">", 5, "<", 5]}, "0/numeric"),
        ({"anything-but": None}, "0/anything-but"),
        ({"anything-but": []}, "0/anything-but"),
        ({"anything-but": ["a", 1]}, "0/anything-but"),
        ({"anything-but": [None]}, "0/anything-but"),
        ({"anything-but": {}}, "0/anything-but"),
        ({"anything-but": {"numeric": [">", 1]}}, "0/anything-but"),
        ({"anything-but": {"prefix": ""}}, "0/anything-but/prefix"),
        ({"anything-but": {"prefix": []}}, "0/anything-but/prefix"),
        ({"anything-but": {"suffix": ["a", 5]}}, "0/anything-but/suffix/1"),
        ({"anything-but": {"wildcard": "**"}}, "0/anything-but/wildcard"),
    ],
)
def test_each_matcher_is_checked(matcher: Any, at: str) -> None:
    assert faults_of_field(matcher) == [(at, "invalid_matcher")]


def test_a_misspelled_name_is_told_with_the_nearest_one() -> None:
    first, second = check_pattern({"detailType": ["x"], "source": [{"prefxi": "y"}]}, "")
    assert first.message.startswith("No event has a field `detailType`; did you mean `detail-type`?")
    assert (second.code, second.message) == ("unknown_matcher", "There is no matcher `prefxi`; did you mean `prefix`?")


def test_every_fault_is_told_at_once() -> None:
    assert faults_of_field({"prefix": 1}, "fine", {"exists": 1}, []) == [
        ("0/prefix", "invalid_matcher"),
        ("2/exists", "invalid_matcher"),
        ("3", "wrong_type"),
    ]


def test_a_pattern_is_as_long_as_eventbridge_counts_it() -> None:
    longest = {"source": ["ü" * (4096 - len('{"source":[""]}'))]}
    assert len(spell_pattern(longest)) == 4096
    assert faults(longest) == []
    assert faults({"source": [longest["source"][0] + "x"]}) == [("/pattern", "pattern_too_long")]


def test_alternatives_multiply_up_to_a_limit() -> None:
    def one_of(number: int) -> dict[str, Any]:
        return {"$or": [{"x": [way]} for way in range(number)]}

    assert faults({"detail": {"a": one_of(10), "b": one_of(10), "c": one_of(10)}}) == []
    assert faults({"detail": {"a": one_of(10), "b": one_of(10), "c": one_of(11)}}) == [
        ("/pattern", "too_many_combinations")
    ]


def test_a_pattern_without_end_is_refused() -> None:
    deep: Any = ["x"]
    for _ in range(500):
        deep = {"a": deep}
    assert [code for _, code in faults({"detail": deep})] == ["pattern_too_deep"]


def test_messages_do_not_repeat_values() -> None:
    pattern = {"source": "secret-value", "detail": {"x": [{"prefix": ["secret-value"]}, {"cidr": "secret-value"}]}}
    found = check_pattern(pattern, "")
    assert len(found) == 3
    assert "secret-value" not in json.dumps([problem.to_json() for problem in found])


@pytest.mark.parametrize(
    ("pattern", "bus"),
    [
        ({"source": ["aws.ec2"]}, Bus.DEFAULT),
        ({"source": ["aws.ec2", {"prefix": "aws."}, {"wildcard": "aws.s*"}]}, Bus.DEFAULT),
        ({"$or": [{"source": ["aws.ec2"]}, {"source": ["aws.s3"]}]}, Bus.DEFAULT),
        ({"source": ["aws.ec2", "my.shop"]}, Bus.STEPCALL),
        ({"source": [{"prefix": "aws"}]}, Bus.STEPCALL),
        ({"source": [{"anything-but": "aws.ec2"}]}, Bus.STEPCALL),
        ({"source": [{"prefix": {"equals-ignore-case": "aws."}}]}, Bus.STEPCALL),
        ({"$or": [{"source": ["aws.ec2"]}, {"detail-type": ["x"]}]}, Bus.STEPCALL),
        ({"detail-type": ["EC2 Instance State-change Notification"]}, Bus.STEPCALL),
    ],
)
def test_the_bus_is_that_of_the_sources(pattern: Any, bus: Bus) -> None:
    assert check_pattern(pattern, "") == []
    assert bus_of(pattern) is bus


def test_services_of_aws_cannot_be_heard_on_the_bus_of_the_deployment() -> None:
    [found] = check_bus({"source": ["aws.ec2"]}, Bus.STEPCALL, "/bus")
    assert (found.location, found.code) == ("/bus", "never_fires")
    assert check_bus({"source": ["aws.ec2"]}, Bus.DEFAULT, "/bus") == []
    assert check_bus({"source": ["aws.ec2", "my.shop"]}, Bus.STEPCALL, "/bus") == []
    assert check_bus({"source": ["my.shop"]}, Bus.DEFAULT, "/bus") == []


NAMES = st.sampled_from(
    ["source", "detail", "$or", "prefix", "anything-but", "numeric", "exists", "cidr", "wildcard", "x", ""]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.sampled_from([">", "<", "=", "*", "aws.x", 5, ""]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


@given(VALUES)
def test_whatever_is_sent_is_taken_or_refused(pattern: Any) -> None:
    if not check_pattern(pattern, ""):
        assert bus_of(pattern) in Bus
        assert len(spell_pattern(pattern)) <= 4096
