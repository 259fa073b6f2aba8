"""What `POST /api-keys` takes, and what it says of what it does not."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from stepcall.domain.access import Grants, RateLimit, Scope, SourceGrant
from stepcall.domain.ids import spell_workflow
from stepcall.domain.json_text import print_json, write_json
from stepcall.runtime.http import InvalidRequestError
from stepcall.stores.dynamo_api_key_store import DynamoApiKeyStore
from tests.api_keys import api_key
from workflows_api.key_answers import print_key
from workflows_api.key_requests import read_new_key

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LEAST: dict[str, Any] = {"name": "nightly", "scopes": ["runs:read"]}


class Recorder:
    """A client that keeps the items it is to write."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    def transact_write_items(self, *, TransactItems: list[Any]) -> None:  # noqa: N803 (the client's own name)
        self.items += [item["Put"]["Item"] for item in TransactItems]


def problems(**said: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequestError) as refusal:
        read_new_key(LEAST | said, NOW)
    return [(problem.location, problem.code) for problem in refusal.value.problems]


def test_name_and_scopes_are_enough_and_a_limit_that_is_not_said_is_left_to_who_makes_the_key() -> None:
    wanted = read_new_key(LEAST, NOW)
    assert (wanted.name, wanted.scopes) == ("nightly", frozenset({Scope.RUNS_READ}))
    assert (wanted.grants, wanted.expires_at, wanted.rate_limit) == (None, None, None)
    assert read_new_key(LEAST | {"grants": None, "expires_at": None}, NOW) == wanted


def test_all_that_can_be_said_is_read() -> None:
    workflow, source = UUID(int=7 << 76), {"connection_name": "bq", "source": "p.d.*"}
    wanted = read_new_key(
        LEAST
        | {
            "grants": {"workflows": [spell_workflow(workflow), str(workflow)], "sources": [source]},
            "expires_at": "2030-01-01T01:00:00.5+01:00",
            "rate_limit": {"per_second": 3, "burst": 4},
        },
        NOW,
    )
    assert wanted.grants == Grants(frozenset({workflow}), (SourceGrant("bq", "p.d.*"),))
    assert wanted.expires_at == datetime(2030, 1, 1, 0, 0, 0, 500_000, UTC)
    assert wanted.rate_limit == RateLimit(3, 4)


def test_all_problems_are_told_at_once_each_with_its_place() -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        read_new_key(
            {
                "title": "x",
                "scopes": ["runs:red", 5],
                "grants": {"workflows": ["wf-1"], "sources": [{"source": "t", "table": "t"}]},
                "expires_at": "2020-01-01T00:00:00Z",
                "rate_limit": {"per_second": 0, "burst": "1"},
            },
            NOW,
        )
    told = {problem.location: problem for problem in refusal.value.problems}
    assert {location: problem.code for location, problem in told.items()} == {
        "/name": "missing",
        "/title": "unknown_field",
        "/scopes/0": "unknown_value",
        "/scopes/1": "unknown_value",
        "/grants/workflows/0": "invalid_value",
        "/grants/sources/0/connection_name": "missing",
        "/grants/sources/0/table": "unknown_field",
        "/expires_at": "invalid_value",
        "/rate_limit/per_second": "invalid_value",
        "/rate_limit/burst": "wrong_type",
    }
    assert "did you mean `runs:read`?" in told["/scopes/0"].message
    assert "future" in told["/expires_at"].message


@pytest.mark.parametrize(
    ("said", "location"),
    [
        ({"name": ""}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "a\nb"}, "/name"),
        ({"name": "a\n"}, "/name"),
        ({"name": 5}, "/name"),
        ({"name": "\ud800"}, "/name"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": "runs:read"}, "/scopes"),
        ({"scopes": None}, "/scopes"),
        ({"scopes": ["RUNS:READ"]}, "/scopes/0"),
        ({"grants": {}}, "/grants"),
        ({"grants": {"workflows": [], "sources": []}}, "/grants"),
        ({"grants": {"workflows": ["wf-" + "z" * 25]}}, "/grants/workflows/0"),
        ({"grants": {"workflows": [str(UUID(int=1))] * 101}}, "/grants/workflows"),
        ({"grants": {"sources": [{"connection_name": "", "source": "t"}]}}, "/grants/sources/0/connection_name"),
        ({"grants": {"sources": [{"connection_name": "c", "source": "t" * 201}]}}, "/grants/sources/0/source"),
        ({"grants": {"sources": [{"connection_name": "9c", "source": "t"}]}}, "/grants/sources/0/connection_name"),
        ({"grants": {"sources": [{"connection_name": "c", "source": ""}]}}, "/grants/sources/0/source"),
        ({"grants": {"sources": [{"connection_name": "c", "source": "\ud800"}]}}, "/grants/sources/0/source"),
        ({"expires_at": 1_900_000_000}, "/expires_at"),
        ({"expires_at": "2030-01-01"}, "/expires_at"),
        ({"expires_at": "2030-01-01T00:00:00"}, "/expires_at"),
        ({"expires_at": "2030-02-30T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2030-01-01 00:00:00Z"}, "/expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-23:59"}, "/expires_at"),
        ({"expires_at": "2026-01-01T00:00:00Z"}, "/expires_at"),
        ({"rate_limit": {"per_second": 10_001}}, "/rate_limit/per_second"),
        ({"rate_limit": {"burst": 1.5}}, "/rate_limit/burst"),
        ({"rate_limit": {"burst": True}}, "/rate_limit/burst"),
        ({"rate_limit": None}, "/rate_limit"),
    ],
    ids=lambda value: ascii(value)[:50],
)
def test_what_is_not_taken_is_refused_at_its_place(said: dict[str, Any], location: str) -> None:
    assert [place for place, _ in problems(**said)] == [location]


@pytest.mark.parametrize("source", ["`p.d.t`", "p.d.t ", "p.d.\tt", "p.d.t\n", "p.d.t\x00", "p d"])
def test_a_source_is_written_as_it_is_named_or_it_would_cover_nothing(source: str) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        read_new_key(LEAST | {"grants": {"sources": [{"connection_name": "carto_dw", "source": source}]}}, NOW)
    [problem] = refusal.value.problems
    assert problem.location == "/grants/sources/0/source"
    assert "without backticks" in problem.message


def test_grants_as_carto_lists_them_are_told_how_they_are_written_here() -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        read_new_key(LEAST | {"grants": [{"connection_name": "carto_dw", "source": "p.d.*"}]}, NOW)
    [problem] = refusal.value.problems
    assert problem.location == "/grants"
    assert 'as {"sources": […]}.' in problem.message


def test_the_largest_grants_that_are_taken_fit_into_an_item_of_dynamodb_and_a_page_of_them_into_an_answer() -> None:
    source = {"connection_name": "c" * 63, "source": "🌊" * 200}
    given = {"workflows": [str(UUID(int=number)) for number in range(100)], "sources": [source] * 50}
    grants = read_new_key(LEAST | {"grants": given}, NOW).grants
    assert grants is not None
    key = api_key("sc_large", grants=grants)
    sent = Recorder()
    DynamoApiKeyStore(sent, "table").put(key)  # type: ignore[arg-type]
    assert max(len(write_json(item).encode()) for item in sent.items) < 400_000
    assert len(sent.items) == 2
    assert 100 * len(print_json(print_key(key)).encode()) < 6_000_000


def test_a_whole_number_may_be_written_with_a_point() -> None:
    """As JSON Schema counts numbers."""
    asked = read_new_key(LEAST | {"rate_limit": {"per_second": 5.0, "burst": 7}}, NOW)
    assert asked.rate_limit == RateLimit(5, 7)
