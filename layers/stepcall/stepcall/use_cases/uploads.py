"""The port to files that callers bring: each is kept for a day, until something is made of it."""

from datetime import datetime
from typing import NamedTuple, Protocol

from stepcall.domain.errors import StepcallError


class UploadNotFoundError(StepcallError):
    """The tenant has no upload of this id, or it was kept a day and is gone."""


class Upload(NamedTuple):
    """A place to put a file to, by one HTTP PUT and without credentials, until `expires_at`."""

    upload_id: str
    url: str
    expires_at: datetime


class UploadedFile(NamedTuple):
    """Where a file is in the data bucket, and its first bytes, some hundred of them."""

    key: str
    beginning: bytes


class Uploads(Protocol):
    def open(self, tenant: str) -> Upload:
        """A new place. Nothing is there before the caller has put it."""

    def put(self, tenant: str, content: bytes) -> str:
        """Keep a file that came with a request; its id."""

    def find(self, tenant: str, upload_id: str) -> UploadedFile:
        """Raises UploadNotFoundError, also for another tenant's."""

    def discard(self, key: str) -> None:
        """Let an object go that no dataset names any more: in a day, for queries may be reading it."""
