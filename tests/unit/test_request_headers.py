"""What headers of Http.Request may be: the same rule at the door, and at the worker once templates are filled in."""

from typing import Any

import pytest
from pydantic import ValidationError

from stepcall.domain.check import check_definition
from stepcall.domain.errors import InvalidDefinitionError
from stepcall.domain.request_headers import MAX_HEADERS, SET_BY_THE_CLIENT
from stepcall.guarded_http.errors import InvalidRequestError
from stepcall.guarded_http.messages import check_headers
from stepcall.tasks.catalog import CATALOG
from stepcall.tasks.http import RequestInput

URL = "https://example.com/"
FAULTY: list[tuple[Any, str, str]] = [
    ({"": "x"}, "", "is no name of a header"),
    ({"a b": "x"}, "", "is no name of a header"),
    ({"x-a\r\nx-b": "x"}, "", "is no name of a header"),
    ({"Host": "x"}, "", "is set by Stepcall itself"),
    ({"transfer-encoding": {"secret": "a"}}, "", "is set by Stepcall itself"),
    ({"x-a": "1", "X-A": "2"}, "", "is there twice"),
    ({f"x-{number}": "x" for number in range(MAX_HEADERS + 1)}, "", "at most 64 headers"),
    ({"x-a": 1}, "/x-a", "must be text"),
    ({"x-a": None}, "/x-a", "must be text"),
    ({"x-a": ["x"]}, "/x-a", "must be text"),
    ({"x-a": "x" * 8193}, "/x-a", "at most 8192 characters"),
    ({"x-a": {}}, "/x-a", "must have `secret`"),
    ({"x-a": {"secret": ""}}, "/x-a", "must have `secret`"),
    ({"x-a": {"secret": 1}}, "/x-a", "must have `secret`"),
    ({"x-a": {"secret": "a", "prefix": 1}}, "/x-a", "must have `secret`"),
    ({"x-a": {"secret": "a", "suffix": "b"}}, "/x-a", "must have `secret`"),
    ({"x-a": {"value": "a secret"}}, "/x-a", "must have `secret`"),
]


def define(headers: Any) -> dict[str, Any]:
    return {"name": "x", "tasks": [{"ref": "a", "type": "Http.Request", "input": {"url": URL, "headers": headers}}]}


@pytest.mark.parametrize(("headers", "place", "words"), FAULTY)
def test_faulty_headers_are_refused_when_they_are_defined(headers: Any, place: str, words: str) -> None:
    with pytest.raises(InvalidDefinitionError) as refused:
        check_definition(define(headers), CATALOG)
    [problem] = refused.value.problems
    assert (problem.location, problem.code) == (f"/tasks/0/input/headers{place}", "invalid_value")
    assert words in problem.message


@pytest.mark.parametrize(("headers", "_", "words"), FAULTY)
def test_faulty_headers_are_refused_by_the_worker(headers: Any, _: str, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        RequestInput.model_validate({"url": URL, "headers": headers})
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "headers", [{}, {"X-Id": ""}, {"authorization": {"secret": "crm/token"}, "x": {"secret": "a", "prefix": "Bearer "}}]
)
def test_text_and_names_of_secrets_are_headers(headers: Any) -> None:
    check_definition(define(headers), CATALOG)
    assert RequestInput.model_validate({"url": URL, "headers": headers}).headers == headers


@pytest.mark.parametrize("name", sorted(SET_BY_THE_CLIENT))
def test_what_the_client_keeps_for_itself_it_takes_from_nobody(name: str) -> None:
    with pytest.raises(InvalidRequestError):
        check_headers({name: "x"})
