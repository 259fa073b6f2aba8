"""Take an API key away: it is refused within a minute, and so are the tokens that it was exchanged for."""

from uuid import UUID

from stepcall.domain.access import Caller
from stepcall.use_cases.dependencies import FaceDependencies
from stepcall.use_cases.list_api_keys import read_api_key


def delete_api_key(key_id: UUID, caller: Caller, deps: FaceDependencies) -> None:
    """Raises UnknownApiKeyError, NotGrantedError."""
    key = read_api_key(key_id, caller, deps)
    deps.keys.delete(caller.tenant, key_id)
    deps.forget_key(caller.tenant, key_id)
    deps.log("api_key_deleted", tenant=key.tenant, key_id=key.caller.key_id, by=caller.key_id)
