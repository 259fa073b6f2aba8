"""Tokens give what their maker has, and never more."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from stepcall.domain.access import Caller, Grants, NotGrantedError, RateLimit, Scope
from stepcall.domain.run import Run
from stepcall.stores.run_store import RunNotFoundError
from stepcall.use_cases.issue_token import (
    JOB_TOKEN_LIMIT,
    IssuedToken,
    ScopeNotHeldError,
    issue_access_token,
    issue_job_token,
)
from tests.clock import Clock
from tests.sample_workflows import transform, workflow
from tests.unit.run_world import CALLER, STRANGER, RunWorld

LIMITED = replace(
    CALLER,
    scopes=frozenset({Scope.RUNS_READ, Scope.RUNS_START}),
    grants=Grants(frozenset({UUID(int=7)})),
    rate_limit=RateLimit(3, 5),
)
SECOND = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
"""The clock's time, to the second."""


@dataclass
class Signer:
    """Signs by writing down what it was asked."""

    signed: list[tuple[Caller, datetime, datetime]] = field(default_factory=list)

    def sign(self, caller: Caller, issued_at: datetime, expires_at: datetime) -> str:
        self.signed.append((caller, issued_at, expires_at))
        return "a.token.of-ours"


@pytest.fixture
def signer() -> Signer:
    return Signer()


@pytest.fixture
def world() -> RunWorld:
    return RunWorld()


@pytest.fixture
def run(world: RunWorld) -> Run:
    return world.start(workflow(transform("only")))


def test_an_access_token_carries_all_that_its_key_has_for_an_hour(signer: Signer, clock: Clock) -> None:
    token = issue_access_token(LIMITED, frozenset(), signer, clock.now)
    assert signer.signed == [(LIMITED, SECOND, SECOND + timedelta(hours=1))]
    assert (token.scopes, token.expires_at) == (LIMITED.scopes, SECOND + timedelta(hours=1))


def test_an_access_token_has_the_scopes_that_were_asked_for_and_keeps_the_grants(signer: Signer, clock: Clock) -> None:
    asked = frozenset({Scope.RUNS_READ})
    issue_access_token(LIMITED, asked, signer, clock.now)
    assert [caller for caller, *_ in signer.signed] == [replace(LIMITED, scopes=asked)]


def test_an_access_token_cannot_have_what_its_key_has_not(signer: Signer, clock: Clock) -> None:
    with pytest.raises(ScopeNotHeldError):
        issue_access_token(LIMITED, frozenset({Scope.RUNS_READ, Scope.KEYS_MANAGE}), signer, clock.now)
    assert signer.signed == []


def test_a_job_token_reads_its_run_for_a_day(world: RunWorld, run: Run, signer: Signer) -> None:
    token = issue_job_token(run.run_id, CALLER, world.deps, signer, workflow_id=run.workflow_id)
    scopes = frozenset({Scope.RUNS_READ})
    reader = replace(CALLER, scopes=scopes, run_id=run.run_id, rate_limit=JOB_TOKEN_LIMIT)
    told = {"run_id": str(run.run_id), "tenant": CALLER.tenant, "key_id": CALLER.key_id}
    assert world.logged[-1] == ("execution_shared", told)
    assert signer.signed == [(reader, SECOND, SECOND + timedelta(days=1))]
    assert token == IssuedToken("a.token.of-ours", SECOND + timedelta(days=1), frozenset({Scope.RUNS_READ}))


def test_a_job_token_is_short_whatever_its_maker_is_granted(world: RunWorld, run: Run, signer: Signer) -> None:
    maker = replace(LIMITED, grants=Grants(frozenset({run.workflow_id})))
    issue_job_token(run.run_id, maker, world.deps, signer)
    [(reader, *_)] = signer.signed
    assert (reader.grants, reader.rate_limit, reader.run_id) == (None, JOB_TOKEN_LIMIT, run.run_id)
    assert maker.bucket != reader.bucket != replace(reader, run_id=UUID(int=8)).bucket


def test_nobody_shares_a_run_that_is_not_theirs_to_read(world: RunWorld, run: Run, signer: Signer) -> None:
    other = world.define(workflow(transform("other")))
    with pytest.raises(RunNotFoundError):
        issue_job_token(run.run_id, STRANGER, world.deps, signer)
    with pytest.raises(RunNotFoundError):
        issue_job_token(run.run_id, CALLER, world.deps, signer, workflow_id=other.workflow_id)
    with pytest.raises(RunNotFoundError):
        issue_job_token(world.deps.new_id(), CALLER, world.deps, signer)
    with pytest.raises(NotGrantedError):
        issue_job_token(run.run_id, LIMITED, world.deps, signer)
    assert signer.signed == []


def test_a_job_token_makes_no_other_which_would_outlive_it(world: RunWorld, run: Run, signer: Signer) -> None:
    with pytest.raises(NotGrantedError, match="makes no other"):
        issue_job_token(run.run_id, replace(CALLER, run_id=run.run_id), world.deps, signer)
    assert signer.signed == []


def test_an_issued_token_does_not_print_itself() -> None:
    assert "of-ours" not in repr(IssuedToken("a.token.of-ours", SECOND, frozenset()))
