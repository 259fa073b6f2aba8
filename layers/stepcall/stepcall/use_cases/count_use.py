"""Counting what a limit is on: one bucket for each tenant and whatever is counted together."""

from stepcall.domain.access import Caller, RateLimit
from stepcall.domain.rate_limit import microseconds_of
from stepcall.stores.rate_limit_store import BucketUnavailableError
from stepcall.use_cases.dependencies import AcceptDependencies


def count_use(bucket: str, limit: RateLimit, caller: Caller, deps: AcceptDependencies, *, uncounted: str) -> None:
    """Raises RateLimitedError. A bucket that cannot be asked allows, and `uncounted` is logged.

    Why: docs/decisions/2026-11-21-rate-limit.md.
    """
    try:
        deps.rate_limits.take(caller.tenant, bucket, limit, microseconds_of(deps.now()))
    except BucketUnavailableError as exc:
        deps.log(uncounted, tenant=caller.tenant, key_id=caller.key_id, error=str(exc))
