"""A caller as the claims of a token, and back. `sub` is RFC 7519's, `scope` RFC 8693's; the others are ours."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from stepcall.domain.access import Caller, Grants, RateLimit, Scope, SourceGrant
from stepcall.domain.errors import StepcallError
from stepcall.domain.ids import MalformedIdError, read_workflow_id, spell_workflow

Claims = Mapping[str, Any]


class MalformedClaimsError(StepcallError):
    """The claims describe no caller."""


class UnknownScopeError(StepcallError):
    """There is no scope of this name."""


def write_scopes(scopes: frozenset[Scope]) -> str:
    return " ".join(sorted(scopes))


def read_scopes(text: str) -> frozenset[Scope]:
    """Scopes with spaces between them (RFC 6749, 3.3). Raises UnknownScopeError."""
    try:
        return frozenset(Scope(name) for name in text.split(" ") if name)
    except ValueError as exc:
        raise UnknownScopeError(f"There is no such scope. There are {', '.join(Scope)}.") from exc


def write_claims(caller: Caller) -> dict[str, Any]:
    """What is not narrowed is left out."""
    grants, rate = caller.grants, caller.rate_limit
    return {
        "sub": caller.key_id,
        "tenant": caller.tenant,
        "name": caller.principal,
        "scope": write_scopes(caller.scopes),
        **({} if grants is None else {"grants": _write_grants(grants)}),
        **({} if rate is None else {"rate": {"per_second": rate.per_second, "burst": rate.burst}}),
        **({} if caller.run_id is None else {"run_id": str(caller.run_id)}),
    }


def read_claims(claims: Claims) -> Caller:
    """Raises MalformedClaimsError."""
    try:
        return Caller(
            tenant=_text(claims["tenant"]),
            principal=_text(claims["name"]),
            key_id=_text(claims["sub"]),
            scopes=read_scopes(_text(claims["scope"])),
            # only what is absent narrows nothing: a null here is an error
            grants=_read_grants(claims["grants"]) if "grants" in claims else None,
            rate_limit=_read_rate(claims["rate"]) if "rate" in claims else None,
            run_id=UUID(_text(claims["run_id"])) if "run_id" in claims else None,
        )
    except (KeyError, TypeError, ValueError, UnknownScopeError, MalformedIdError) as exc:
        raise MalformedClaimsError("These claims describe no caller.") from exc


def _write_grants(grants: Grants) -> dict[str, Any]:
    return {
        "workflows": sorted(spell_workflow(workflow_id) for workflow_id in grants.workflows),
        "sources": [[grant.connection_name, grant.source] for grant in grants.sources],
    }


def _read_grants(written: Any) -> Grants:
    workflows = frozenset(read_workflow_id(_text(workflow)) for workflow in written["workflows"])
    sources = tuple(SourceGrant(_text(connection), _text(source)) for connection, source in written["sources"])
    return Grants(workflows, sources)


def _read_rate(written: Any) -> RateLimit:
    return RateLimit(_positive(written["per_second"]), _positive(written["burst"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("A claim is no text.")
    return value


def _positive(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise TypeError("A claim is no positive number.")
    return value
