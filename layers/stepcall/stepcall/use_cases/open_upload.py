"""A place to put a file to that is too large for a request."""

from stepcall.domain.access import Caller
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.uploads import Upload


def open_upload(caller: Caller, deps: FaceDependencies) -> Upload:
    """Raises NotGrantedError."""
    caller.require_all_connections()
    return deps.uploads.open(caller.tenant)
