"""The port to the buckets that starts are counted in, one for each tenant and key, and the requests of a tenant."""

from typing import Protocol

from stepcall.domain.access import RateLimit
from stepcall.domain.errors import StepcallError


class BucketUnavailableError(StepcallError):
    """The bucket could not be asked: its store is throttled, failing or out of reach."""


class RateLimitStore(Protocol):
    def take(self, tenant: str, key_id: str, limit: RateLimit, now: int) -> None:
        """Count one start: see `domain.rate_limit.take`, as one indivisible step. `key_id` may be the name of whatever
        else the tenant has a bucket for, without a `#`.

        Raises RateLimitedError, and then nothing is counted; BucketUnavailableError, and then it may be.
        """

    def last_seen(self, tenant: str, key_id: str) -> int:
        """Where this process last saw the bucket, its `tat`; asks nobody."""
