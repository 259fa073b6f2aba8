"""Tokens: for an hour in place of a key, or for a day to read one run."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from stepcall.domain.access import Caller, NotGrantedError, RateLimit, Scope
from stepcall.domain.errors import StepcallError
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.read_run import find_run

ACCESS_TOKEN_LIFE = timedelta(hours=1)
JOB_TOKEN_LIFE = timedelta(days=1)
JOB_TOKEN_SCOPES = frozenset({Scope.RUNS_READ})
JOB_TOKEN_LIMIT = RateLimit(per_second=2, burst=20)
"""Of SELECTs on the run's output table: each one keeps a worker busy, and whoever was given the token may send them."""


class TokenSigner(Protocol):
    def sign(self, caller: Caller, issued_at: datetime, expires_at: datetime) -> str:
        """A token that stands for the caller between these times. Raises TokenTooLongError."""


class ScopeNotHeldError(StepcallError):
    """A token may have no scope that its key has not."""


class TokenTooLongError(StepcallError):
    """What the caller is granted does not fit into a token that a request can carry."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """`text` is what its bearer sends."""

    text: str = field(repr=False)
    expires_at: datetime
    scopes: frozenset[Scope]


def issue_access_token(
    caller: Caller, asked: frozenset[Scope], signer: TokenSigner, now: Callable[[], datetime]
) -> IssuedToken:
    """A token for all that the caller may do, or for the scopes asked of it.

    Raises ScopeNotHeldError, TokenTooLongError.
    """
    if not asked <= caller.scopes:
        raise ScopeNotHeldError("The key does not have all of these scopes.")
    return _issue(replace(caller, scopes=asked or caller.scopes), ACCESS_TOKEN_LIFE, signer, now())


def issue_job_token(
    run_id: UUID, caller: Caller, deps: FaceDependencies, signer: TokenSigner, *, workflow_id: UUID | None = None
) -> IssuedToken:
    """A token that reads this run, which the caller may read. Raises RunNotFoundError, NotGrantedError."""
    find_run(run_id, caller, deps, workflow_id)
    return share_run(run_id, caller, deps, signer)


def share_run(run_id: UUID, caller: Caller, deps: FaceDependencies, signer: TokenSigner) -> IssuedToken:
    """As `issue_job_token`, for a run that the caller was just shown. Raises NotGrantedError."""
    if caller.run_id is not None:
        raise NotGrantedError("A token that reads one execution makes no other, which would outlive it.")
    # of grants there is no more to say: with one run to read it can neither start nor list any
    deps.log("execution_shared", run_id=str(run_id), tenant=caller.tenant, key_id=caller.key_id)
    reader = replace(caller, scopes=JOB_TOKEN_SCOPES, grants=None, rate_limit=JOB_TOKEN_LIMIT, run_id=run_id)
    return _issue(reader, JOB_TOKEN_LIFE, signer, deps.now())


def _issue(caller: Caller, life: timedelta, signer: TokenSigner, now: datetime) -> IssuedToken:
    issued_at = now.replace(microsecond=0)  # the times of a token are whole seconds
    expires_at = issued_at + life
    return IssuedToken(signer.sign(caller, issued_at, expires_at), expires_at, caller.scopes)
