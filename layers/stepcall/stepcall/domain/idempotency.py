"""A start that is sent again and starts nothing: the caller's key to it, and what it was the key to."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from stepcall.domain.errors import StepcallError
from stepcall.domain.run import Run


class IdempotencyKeyReusedError(StepcallError):
    """The key was sent before, with another request, or for a run that is kept no more."""


class StartOnce(NamedTuple):
    """The key that a caller has given a start, and the fingerprint of the request that came with it."""

    key: str
    fingerprint: str


class StartRecord(NamedTuple):
    """What is kept of a start with a key. Keys are the caller's own: others may use the same text."""

    tenant: str
    principal_id: str
    once: StartOnce
    run_id: UUID
    started_at: datetime


class EarlierStart(NamedTuple):
    """What is found by a key: which run it has started, by which request."""

    run_id: UUID
    fingerprint: str


def record_of(run: Run, once: StartOnce) -> StartRecord:
    """The record of a start that makes this run."""
    return StartRecord(run.tenant, run.principal_id, once, run.run_id, run.created_at)
