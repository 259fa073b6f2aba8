"""A caller survives its token, and nothing that is no caller is read as one."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from stepcall.domain.access import ALL_SCOPES, Caller, Grants, RateLimit, Scope, SourceGrant
from stepcall.domain.claims import (
    MalformedClaimsError,
    UnknownScopeError,
    read_claims,
    read_scopes,
    write_claims,
    write_scopes,
)

PLAIN = Caller("acme", "ci", "key_0000000000000000000000001")
GRANTED = replace(
    PLAIN,
    scopes=frozenset({Scope.RUNS_START, Scope.RUNS_READ}),
    grants=Grants(frozenset({UUID(int=7), UUID(int=8)}), (SourceGrant("bq", "project.data.*"), SourceGrant("bq", "x"))),
    rate_limit=RateLimit(3, 5),
)
NO_GRANTS: tuple[Any, ...] = (None, [], "all", {}, {"workflows": []}, {"sources": []})
NO_RATES: tuple[Any, ...] = (None, 10, {}, {"per_second": 10}, {"per_second": 0, "burst": 1})
NO_TEXTS: tuple[Any, ...] = (None, 7, ["acme"], {"a": "b"})
READER = replace(PLAIN, scopes=frozenset({Scope.RUNS_READ}), run_id=UUID(int=9))


@pytest.mark.parametrize(
    "caller",
    [PLAIN, GRANTED, READER, replace(PLAIN, grants=Grants()), replace(PLAIN, scopes=frozenset(), principal="Zoë 🔑")],
)
def test_a_caller_is_read_as_it_was_written(caller: Caller) -> None:
    assert read_claims(write_claims(caller)) == caller


def test_what_is_not_narrowed_is_not_written() -> None:
    assert write_claims(PLAIN).keys() == {"sub", "tenant", "name", "scope"}


def test_being_granted_nothing_is_not_being_granted_everything() -> None:
    caller = read_claims(write_claims(replace(PLAIN, grants=Grants())))
    assert caller.grants is not None
    assert not caller.sees(UUID(int=7))


@pytest.mark.parametrize("name", ["sub", "tenant", "name", "scope"])
def test_a_claim_that_every_caller_has_must_be_there(name: str) -> None:
    with pytest.raises(MalformedClaimsError):
        read_claims({claim: value for claim, value in write_claims(GRANTED).items() if claim != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("sub", "tenant", "name", "scope") for value in NO_TEXTS),
        ("scope", "runs:read admin"),
        ("scope", ["runs:read"]),
        *(("grants", value) for value in NO_GRANTS),
        ("grants", {"workflows": ["*"], "sources": []}),
        ("grants", {"workflows": [7], "sources": []}),
        ("grants", {"workflows": [], "sources": [["bq"]]}),
        ("grants", {"workflows": [], "sources": [["bq", "x", "y"]]}),
        ("grants", {"workflows": [], "sources": [["bq", None]]}),
        *(("rate", value) for value in NO_RATES),
        ("rate", {"per_second": "10", "burst": 20}),
        ("rate", {"per_second": 10, "burst": True}),
        *(("run_id", value) for value in (None, "", 7, "*", "ex-1")),
    ],
)
def test_claims_that_mean_nothing_are_refused_rather_than_left_out(name: str, value: Any) -> None:
    with pytest.raises(MalformedClaimsError):
        read_claims(write_claims(GRANTED) | {name: value})


def test_scopes_are_words_with_spaces_between() -> None:
    assert read_scopes("runs:read runs:start") == {Scope.RUNS_READ, Scope.RUNS_START}
    assert read_scopes("") == frozenset()
    assert write_scopes(frozenset({Scope.RUNS_START, Scope.RUNS_READ})) == "runs:read runs:start"
    assert read_scopes(write_scopes(ALL_SCOPES)) == ALL_SCOPES


@pytest.mark.parametrize("text", ["admin", "runs:read,runs:start", "RUNS:READ", "runs:read\tkeys:manage", "*"])
def test_a_scope_that_there_is_not_is_unknown(text: str) -> None:
    with pytest.raises(UnknownScopeError) as caught:
        read_scopes(text)
    assert text not in str(caught.value)
