"""What this face asks of whoever may call a route: not too many requests, the right tenant, a version there is."""

from collections.abc import Mapping

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from stepcall.domain.access import Caller, RateLimit
from stepcall.domain.errors import StepcallError
from stepcall.domain.rate_limit import RateLimitedError
from stepcall.runtime.http import CountedLimit, InvalidRequestError, caller, headers
from stepcall.runtime.wiring import face_dependencies
from stepcall.use_cases.count_use import count_use

VERSIONS = ("2024-04-01",)
"""The newest last: it is what counts when none is given."""
VERSION_FIELD = "api_version"
TENANT_HEADERS = ("amperity-tenant", "x-amperity-tenant")
LIMIT = CountedLimit("requests", "face:amperity", RateLimit(per_second=10, burst=10))
"""Of each tenant, all its keys together; of each job token's run by itself."""


class ForeignTenantError(StepcallError):
    """The request names another tenant than the one of its key or token."""


class RequestsLimitedError(RateLimitedError):
    """The tenant sends more requests than this face takes."""

    def __str__(self) -> str:
        return (
            f"A tenant may send {LIMIT.limit.per_second} requests a second to this API. "
            f"Send this one again after {self.retry_after} s."
        )


def admit(app: APIGatewayHttpResolver) -> None:
    """Raises RequestsLimitedError, ForeignTenantError, InvalidRequestError."""
    _count(caller(app))
    _require_own_tenant(headers(app), caller(app))
    require_version(headers(app), app.current_event.query_string_parameters)


def require_version(
    headers: Mapping[str, str], query: Mapping[str, str], fields: Mapping[str, str] | None = None
) -> None:
    """The first that is given counts, in this order. Raises InvalidRequestError."""
    places = (headers.get("api-version"), query.get(VERSION_FIELD), query.get("api-version"))
    given = next((text for text in (*places, (fields or {}).get(VERSION_FIELD)) if text), VERSIONS[-1])
    if given not in VERSIONS:
        raise InvalidRequestError(f"This version of the API is not supported. There is {', '.join(VERSIONS)}.")


def _count(caller: Caller) -> None:
    bucket = LIMIT.of_caller(caller).bucket
    try:
        count_use(bucket, LIMIT.limit, caller, face_dependencies(), uncounted="request_not_counted")
    except RateLimitedError as exc:
        raise RequestsLimitedError(LIMIT.limit, exc.tat, exc.wait) from exc


def _require_own_tenant(headers: Mapping[str, str], caller: Caller) -> None:
    named = {headers[name].strip() for name in TENANT_HEADERS if headers.get(name)}
    if named - {caller.tenant}:
        raise ForeignTenantError("The header `amperity-tenant` names another tenant than the one of the key or token.")
