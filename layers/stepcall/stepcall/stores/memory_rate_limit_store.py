"""Buckets in memory: for tests, and to say in few lines what every rate limit store does."""

from threading import Lock

from stepcall.domain.access import RateLimit
from stepcall.domain.rate_limit import NEVER_USED, take


class MemoryRateLimitStore:
    """See RateLimitStore."""

    def __init__(self) -> None:
        self._tats: dict[tuple[str, str], int] = {}
        self._lock = Lock()

    def take(self, tenant: str, key_id: str, limit: RateLimit, now: int) -> None:
        with self._lock:
            self._tats[tenant, key_id] = take(self.last_seen(tenant, key_id), now, limit)

    def last_seen(self, tenant: str, key_id: str) -> int:
        return self._tats.get((tenant, key_id), NEVER_USED)
