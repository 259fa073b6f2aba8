"""What pydantic says, as problems that a person can act on."""

from enum import StrEnum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stepcall.domain.errors import Problem
from stepcall.domain.model_problems import Suggester, problems_of
from tests.unit.counted_calls import count_calls


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    depth: int = 0


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    text: str = Field(default="", max_length=3, pattern="^[a-z]*$")
    whole: int = Field(default=0, ge=0)
    number: float = 0.0
    flag: bool = False
    items: list[int] = []
    pairs: dict[str, int] = {}
    inner: Inner = Inner()
    colour: Colour = Field(default=Colour.RED, strict=False)
    method: Literal["GET", "POST"] = "GET"


def problems(document: Any, base: str = "") -> list[Problem]:
    with pytest.raises(ValidationError) as raised:
        Form.model_validate(document)
    return list(problems_of(raised.value, Form, base))


@pytest.mark.parametrize(
    ("document", "location", "code", "message"),
    [
        ([], "", "wrong_type", "This must be an object, not an array of 0."),
        ({"text": 5}, "/text", "wrong_type", "This must be text, not a number."),
        ({"text": None}, "/text", "wrong_type", "This must be text, not null."),
        ({"whole": "5"}, "/whole", "wrong_type", "This must be an integer, not text."),
        ({"whole": 5.5}, "/whole", "wrong_type", "This must be a whole number, written without a decimal point."),
        ({"number": "5"}, "/number", "wrong_type", "This must be a number, not text."),
        ({"flag": 1}, "/flag", "wrong_type", "This must be true or false, not a number."),
        ({"items": {}}, "/items", "wrong_type", "This must be an array, not an object with no fields."),
        ({"items": [1, "x"]}, "/items/1", "wrong_type", "This must be an integer, not text."),
        ({"pairs": {"a/b": "x"}}, "/pairs/a~1b", "wrong_type", "This must be an integer, not text."),
        ({"pairs": []}, "/pairs", "wrong_type", "This must be an object, not an array of 0."),
        ({"inner": {"depth": {}}}, "/inner/depth", "wrong_type", "This must be an integer, not an object"),
        ({"inner": {"deep": 1}}, "/inner/deep", "unknown_field", "There is no field `deep`."),
        ({"txet": 1}, "/txet", "unknown_field", "There is no field `txet`; did you mean `text`?"),
        ({"~/": 1}, "/~0~1", "unknown_field", "There is no field `~/`."),
        ({"method": "get"}, "/method", "unknown_value", "This must be one of `GET` or `POST`; did you mean `GET`?"),
        ({"method": "SEND"}, "/method", "unknown_value", "This must be one of `GET` or `POST`."),
        ({"colour": "blue"}, "/colour", "unknown_value", "This must be one of `red` or `green`."),
        ({"colour": {}}, "/colour", "unknown_value", "This must be one of `red` or `green`."),
        ({"text": "abcd"}, "/text", "invalid_value", "This should have at most 3 characters."),
        ({"text": "A"}, "/text", "invalid_value", "This must match the pattern '^[a-z]*$'."),
        ({"whole": -1}, "/whole", "invalid_value", "This should be greater than or equal to 0."),
    ],
)
def test_each_kind_of_mistake_has_its_place_code_and_sentence(
    document: Any, location: str, code: str, message: str
) -> None:
    [problem] = problems(document)
    assert (problem.location, problem.code) == (location, code)
    assert problem.message.startswith(message)
    assert problem.message.endswith((".", "?"))


def test_the_place_of_the_value_stands_before_the_place_inside_it() -> None:
    assert [problem.location for problem in problems({"text": 5, "items": ["x"]}, "/tasks/3")] == [
        "/tasks/3/text",
        "/tasks/3/items/0",
    ]


def test_what_was_sent_is_never_repeated() -> None:
    secret = "hunter2"
    found = problems({"text": secret, "whole": secret, "flag": secret, "colour": secret, "items": [secret]})
    assert len(found) == 5
    assert secret not in str([problem.to_json() for problem in found])


def test_near_misses_get_a_suggestion_and_others_do_not() -> None:
    suggest = Suggester()
    assert suggest("html_contnt", ["text", "html_content"]) == "; did you mean `html_content`?"
    assert suggest("running", ["PENDING", "RUNNING"]) == "; did you mean `RUNNING`?"
    assert suggest("colour", ["text", "html_content"]) == "."
    assert suggest("", ["text"]) == "."
    assert suggest("x", []) == "."


def test_suggestions_stop_when_comparing_has_cost_enough() -> None:
    suggest = Suggester(budget=10)
    names = [f"name_{number}" for number in range(8)]
    assert suggest("name_x", names) != "."
    assert suggest("name_7", names) != "."  # the two that are left of the budget are near enough
    assert suggest("name_7", names) == "."


def test_a_document_of_near_misses_costs_little() -> None:
    names = [f"a_rather_long_name_with_number_{number:05d}" for number in range(5000)]
    suggest = Suggester()
    assert count_calls(lambda: [suggest(name[:-1] + "x", names) for name in names]) < 2_000_000
