"""What starts runs without a caller takes: of what the faces have, what accepts runs."""

from functools import cache

from stepcall.runtime.settings import TenantSettings
from stepcall.runtime.wiring import accept_fields
from stepcall.use_cases.dependencies import AcceptDependencies


@cache
def accept_dependencies() -> AcceptDependencies:
    return AcceptDependencies(**accept_fields())


@cache
def default_tenant() -> str:
    """Whose workflow an event means that names no tenant."""
    return TenantSettings.from_env().default
