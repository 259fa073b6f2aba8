"""Problems come as their places stand in the document."""

from typing import Any

import pytest

from stepcall.domain.document_order import in_document_order
from stepcall.domain.errors import Problem

DOCUMENT: dict[str, Any] = {
    "tasks": [{"ref": "a", "input": {"z": 1, "a/b": {"~": 2, "": 3}}}, {"ref": "b"}],
    "name": 5,
    "output": [],
}


def ordered(locations: list[str], document: Any = DOCUMENT) -> list[str]:
    return [problem.location for problem in in_document_order([Problem(x, "", "") for x in locations], document)]


def test_places_come_as_they_stand_in_the_document() -> None:
    expected = [
        "",
        "/tasks",
        "/tasks/0",
        "/tasks/0/ref",
        "/tasks/0/input",
        "/tasks/0/input/z",
        "/tasks/0/input/a~1b",
        "/tasks/0/input/a~1b/~0",
        "/tasks/0/input/a~1b/",
        "/tasks/1/ref",
        "/name",
        "/output",
    ]
    assert ordered(expected[::-1]) == expected


def test_a_place_that_is_not_there_stands_at_the_end_of_what_should_hold_it() -> None:
    assert ordered(["/name", "/tasks/1/type", "/description", "/tasks/1/ref", "/tasks/7"]) == [
        "/tasks/1/ref",
        "/tasks/1/type",
        "/tasks/7",
        "/name",
        "/description",
    ]


def test_indices_are_numbers_and_not_text() -> None:
    document: dict[str, Any] = {"tasks": [{}] * 12}
    assert ordered(["/tasks/10", "/tasks/9", "/tasks/2"], document) == ["/tasks/2", "/tasks/9", "/tasks/10"]


def test_problems_of_one_place_keep_their_order() -> None:
    problems = [Problem("/name", str(number), "") for number in range(5)]
    assert in_document_order(problems, DOCUMENT) == problems


@pytest.mark.parametrize("document", [None, 5, "text", [], [[]], {}, {"": {"": []}}, {"tasks": {"0": []}}])
def test_no_document_and_no_place_is_too_odd(document: Any) -> None:
    places = ["", "/", "//", "/tasks/0/x", "/~01/~1", "/0/0/0", "/tasks/-1", "/tasks/²", "/tasks/99999999999999999999"]
    assert sorted(ordered(places, document)) == sorted(places)
