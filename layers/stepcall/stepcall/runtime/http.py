"""What every face is made of: a resolver that refuses strangers, reads bodies within bounds, and maps errors once."""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ValidationError

from stepcall.aws.outages import is_outage
from stepcall.domain.access import Caller, RateLimit, Scope
from stepcall.domain.errors import Problem, StepcallError, first_problems, with_short_location
from stepcall.domain.json_text import MalformedJsonError, print_json, read_json
from stepcall.domain.model_problems import problems_of
from stepcall.domain.rate_limit import RateLimitedError, microseconds_of, remaining, until_more, whole_seconds
from stepcall.runtime.authentication import carried_key
from stepcall.runtime.observability import log_fact, logger, name_in_log
from stepcall.runtime.wiring import authenticator, face_dependencies

MAX_BODY_BYTES = 1024 * 1024
MAX_ANSWER_BYTES = 6_000_000
"""Lambda hands 6,291,556 to the gateway, headers and all; for more, the gateway answers 500 in its own words."""
MOST_BYTES_OF_A_CHARACTER = 6
JSON = "application/json"
# On every answer, errors included, unless its route says otherwise: what a caller may read, nobody else may keep.
HEADERS: Mapping[str, str] = MappingProxyType({"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"})
UNDECLARED = ""
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")
SECONDS_TO_ANSWER = 3
ModelT = TypeVar("ModelT", bound=BaseModel)
ErrorPrinter = Callable[[Exception, APIGatewayHttpResolver], Response[str]]
FaceHeaders = Callable[[Mapping[str, Any]], Mapping[str, str]]
Admit = Callable[[APIGatewayHttpResolver], None]
Middleware = Callable[[APIGatewayHttpResolver, NextMiddleware], Response[str]]


class BodyTooLargeError(StepcallError):
    """The request's body has more than its route takes: 1 MB, unless that says otherwise."""


class AnswerTooLargeError(StepcallError):
    """There is more to answer than Lambda carries."""

    def __init__(self) -> None:
        super().__init__("The answer has more than the 6 MB that one answer can hold. Ask for less.")


class InvalidRequestError(StepcallError):
    """The request's body or query is not what the route takes; `problems` says what and where."""

    def __init__(self, message: str, problems: list[Problem] | None = None) -> None:
        super().__init__(message)
        self.problems = problems or []


class AwsUnavailableError(StepcallError):
    """AWS throttles a call that the request needs, or does not answer it."""


class RouteNotFoundError(StepcallError):
    """There is no such route."""


class MethodNotAllowedError(StepcallError):
    """The path is there, for the other methods that `allowed` names."""

    def __init__(self, allowed: list[str]) -> None:
        super().__init__(f"This path takes {', '.join(allowed)}.")
        self.allowed = allowed


class CountedLimit(NamedTuple):
    """A limit, the bucket of the tenant that counts for it, and what the headers call it."""

    name: str
    bucket: str
    limit: RateLimit

    def of_caller(self, caller: Caller) -> "CountedLimit":
        """A job token, which is for sharing, takes nothing from its tenant."""
        return self if caller.run_id is None else self._replace(bucket=f"{self.bucket}:{caller.bucket}")


class _Face(APIGatewayHttpResolver):
    def __init__(self, face_headers: FaceHeaders | None) -> None:
        super().__init__()
        self._face_headers = face_headers

    def resolve(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        own = self._face_headers(event) if self._face_headers else {}  # first: what they fail at has done nothing
        # not in a middleware: no answer to an exception passes through one
        answer: dict[str, Any] = super().resolve(event, context)
        return {**answer, "headers": {**HEADERS, **own, **answer["headers"]}}


def resolver(
    print_error: ErrorPrinter,
    access: Mapping[str, Scope | None],
    *,
    face_headers: FaceHeaders | None = None,
    admit: Admit | None = None,
    limit: CountedLimit | None = None,
) -> APIGatewayHttpResolver:
    """A face's resolver. `access` says which scope each route needs, None for everybody, by `GET /path`.

    A route that is not in it is closed. `print_error` turns any exception into an answer in the face's own words.
    `face_headers` are on every answer to an event, errors included; a route may say another value of one.
    `admit` raises for requests that the face refuses though their caller may call the route.
    `limit` is what `admit` counts, if it does: answers say where it stands, beside the limit of the caller's key.
    """
    app = _Face(face_headers)

    app.use([_gate(access, admit, limit)])

    def answer_error(error: Exception) -> Response[str]:
        return _with_limits(print_error(_known(error, app), app), app, limit)

    app.exception_handler(Exception)(answer_error)
    return app


def _known(error: Exception, app: APIGatewayHttpResolver) -> Exception:
    """An error of a library as one of ours, for faces to have an answer to."""
    if isinstance(error, NotFoundError):
        return _no_route(app)
    if not is_outage(error):
        return error
    unavailable = AwsUnavailableError(str(error))
    unavailable.__cause__ = error
    return unavailable


def _gate(access: Mapping[str, Scope | None], admit: Admit | None, limit: CountedLimit | None) -> Middleware:
    """Lets through who may call the route at hand."""

    def authenticate(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[str]:
        route, event = app.context["_route"], app.current_event
        if UNPRINTABLE.search(event.path):
            raise RouteNotFoundError  # a route's pattern takes a line's end for none: one thing had two names
        # lower case once: every look at Powertools' own `headers` does it again
        app.context["headers"] = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        name = f"{route.method} {route.path}"
        if access.get(name, UNDECLARED) is None:
            return next_middleware(app)
        app.context["caller"] = authenticator().authenticate(headers(app), event.query_string_parameters)
        name_in_log(tenant=caller(app).tenant)
        if needed := access.get(name):
            caller(app).require(needed)
            if admit:  # after the scope: whoever may do nothing here uses nothing up
                admit(app)
        elif route in app._static_routes or route in app._dynamic_routes:
            raise RouteNotFoundError  # nobody has decided who may call it
        response = next_middleware(app)
        require_carried(response.body or "")
        return _with_limits(response, app, limit)

    return authenticate


def without_final_slash(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event of a face whose clients take `/x/` and `/x` for one: to HTTP APIs these are two routes."""
    return {**event, "rawPath": event["rawPath"].rstrip("/")}


def _with_limits(response: Response[str], app: APIGatewayHttpResolver, own: CountedLimit | None) -> Response[str]:
    """The answer; to a caller that has a limit, with where it stands."""
    caller: Caller | None = app.context.get("caller")
    if caller and (limits := list(_limits_of(caller, own))):
        response.headers |= _limit_headers(caller.tenant, limits)
    return response


def _limits_of(caller: Caller, own: CountedLimit | None) -> Iterator[CountedLimit]:
    if caller.rate_limit:
        yield CountedLimit("default", caller.bucket, caller.rate_limit)
    if own:
        yield own.of_caller(caller)


def _limit_headers(tenant: str, limits: Sequence[CountedLimit]) -> dict[str, str]:
    """What is known without asking: after a start, what the bucket answered.

    Source: draft-ietf-httpapi-ratelimit-headers, sections 3 and 4.
    """
    deps = face_dependencies()
    now = microseconds_of(deps.now())
    stands = [_print_standing(each, deps.rate_limits.last_seen(tenant, each.bucket), now) for each in limits]
    return {
        "RateLimit-Policy": ", ".join(f'"{name}";q={limit.per_second};w=1' for name, _, limit in limits),
        "RateLimit": ", ".join(stands),
    }


def _print_standing(counted: CountedLimit, tat: int, now: int) -> str:
    """`r` may be now; `t` is the seconds until it is one more."""
    seconds = whole_seconds(until_more(tat, now, counted.limit))
    return f'"{counted.name}";r={remaining(tat, now, counted.limit)};t={seconds}'


def _no_route(app: APIGatewayHttpResolver) -> StepcallError:
    path = app.current_event.path
    routes = [*app._static_routes, *app._dynamic_routes]
    allowed = sorted({route.method for route in routes if route.rule.match(path)})
    return MethodNotAllowedError(allowed) if allowed else RouteNotFoundError()


def caller(app: APIGatewayHttpResolver) -> Caller:
    """Who sent the request at hand."""
    authenticated: Caller = app.context["caller"]
    return authenticated


def headers(app: APIGatewayHttpResolver) -> Mapping[str, str]:
    """The request's headers by lower-case name."""
    sent: Mapping[str, str] = app.context["headers"]
    return sent


def carried(app: APIGatewayHttpResolver) -> str:
    """The key or token that the request came with; empty when there was none."""
    return carried_key(headers(app), app.current_event.query_string_parameters)


def patience(app: APIGatewayHttpResolver, seconds: float) -> float:
    """How long to wait at most: a start that took long leaves less of the time that the gateway gives."""
    left: float = app.lambda_context.get_remaining_time_in_millis() / 1000
    return min(seconds, left - SECONDS_TO_ANSWER)


def read_body(app: APIGatewayHttpResolver, default: Any = None) -> Any:
    """The body as JSON, `default` when there is none. Raises BodyTooLargeError, MalformedJsonError."""
    body = read_bytes(app)
    if not body and default is not None:
        return default
    if not body:
        raise MalformedJsonError("The request has no body; send a JSON object.")
    return read_json(body)


def read_bytes(app: APIGatewayHttpResolver, limit: int = MAX_BODY_BYTES, advice: str = "") -> bytes:
    """The body as it was sent. Raises BodyTooLargeError, which gives the advice, MalformedJsonError."""
    body = _raw_body(app)
    if len(body) > limit:
        raise BodyTooLargeError(f"A request's body may have {limit:,} bytes.{advice}")
    return body


def _raw_body(app: APIGatewayHttpResolver) -> bytes:
    """The body's bytes: what a caller can put there is not always text."""
    body = app.current_event.get("body") or ""
    if not app.current_event.get("isBase64Encoded"):
        return str(body).encode(errors="surrogatepass")
    try:
        return b64decode(body)
    except binascii.Error as exc:
        raise MalformedJsonError("The request's body cannot be decoded.") from exc


def read_model(value: Any, model: type[ModelT], *, by_alias: bool = False, context: Any = None) -> ModelT:
    """A request as its model; `context` is for its validators.

    Raises InvalidRequestError with as many problems as an answer holds: those of known fields come first.
    """
    try:
        return model.model_validate(value, by_alias=by_alias, by_name=not by_alias, context=context)
    except ValidationError as exc:
        problems = first_problems(map(with_short_location, problems_of(exc, model, by_alias=by_alias)))
        raise InvalidRequestError("The request is not valid.", problems) from exc


def json_response(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response[str]:
    return Response(status, content_type=JSON, body=print_json(body), headers=dict(headers or {}))


def require_carried(body: str | bytes) -> None:
    """Lambda carries a body as text of a JSON document: a quotation mark in it takes two bytes, or four in a string.

    Raises AnswerTooLargeError.
    """
    if len(body) * MOST_BYTES_OF_A_CHARACTER <= MAX_ANSWER_BYTES:
        return
    text = body.decode() if isinstance(body, bytes) else body
    if len(print_json(text).encode(errors="surrogatepass")) > MAX_ANSWER_BYTES:
        raise AnswerTooLargeError


def headers_of(error: Exception) -> dict[str, str]:
    """The headers that say what this one error knows."""
    if isinstance(error, MethodNotAllowedError):
        return {"Allow": ", ".join(error.allowed)}
    return {"Retry-After": str(error.retry_after)} if isinstance(error, RateLimitedError) else {}


def log_refusal(error: Exception, status: HTTPStatus, *, is_bug: bool) -> None:
    """What operators look into. A bug's text goes to the log and nowhere else."""
    if is_bug:
        logger.exception("request_failed", exc_info=error)
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log_fact("request_refused", status=str(status.value), error=str(error))
