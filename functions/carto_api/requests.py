"""What the CARTO face takes. Parameters that it does not know are ignored."""

import re
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from carto_api.call_statement import is_call, is_select, read_call
from stepcall.domain.json_text import MalformedJsonError, read_json
from stepcall.domain.procedure_call import QueryParameters
from stepcall.runtime.http import InvalidRequestError
from stepcall.use_cases.call_procedure import CallProcedure

MAX_CALL_BYTES = 16 * 1024
"""A call is kept with its job, and shown in lists of them."""
MAX_URL_FIELDS = 100
NUMBER = re.compile(r"[1-9][0-9]{0,5}")
DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 100
JOB_KEY = "query"
QUERY_KEY = "q"


class SqlRequest(NamedTuple):
    """A statement and its query parameters."""

    statement: str
    parameters: QueryParameters


def read_sql_body(body: Any, key: str) -> SqlRequest:
    """A request by POST. `key` is what it calls the statement. Raises InvalidRequestError."""
    if not isinstance(body, dict):
        raise InvalidRequestError(f'The body must be a JSON object with the key "{key}".')
    return SqlRequest(_statement(body.get(key), key), _parameters(body.get("queryParameters")))


def read_sql_url(raw_query: str, key: str) -> SqlRequest:
    """A request by GET, from the URL as it was sent: `%20`, `+` and a space are one. Raises InvalidRequestError."""
    sent = _url_fields(raw_query)
    return SqlRequest(_statement(sent.get(key), key), _parameters(_json_of(sent.get("queryParameters"))))


def read_page(raw_query: str) -> tuple[int, int]:
    """The page's number, from 1, and its size. Raises InvalidRequestError."""
    sent = _url_fields(raw_query)
    size = _number(sent.get("page_size"), "page_size", DEFAULT_PAGE_SIZE)
    if size > MAX_PAGE_SIZE:
        raise InvalidRequestError(f"page_size may be at most {MAX_PAGE_SIZE}.")
    return _number(sent.get("page"), "page", 1), size


def read_command(connection: str, request: SqlRequest) -> CallProcedure:
    """Raises CallSyntaxError, InvalidRequestError."""
    if is_select(request.statement):
        raise InvalidRequestError(f"A job is a CALL: send a SELECT to /v3/sql/{connection}/query, as `{QUERY_KEY}`.")
    if is_call(request.statement) and len(request.statement.encode(errors="surrogatepass")) > MAX_CALL_BYTES:
        message = f"A CALL may have {MAX_CALL_BYTES:,} bytes: send large values as queryParameters."
        raise InvalidRequestError(message)
    call = read_call(request.statement)
    return CallProcedure(connection, request.statement, call, request.parameters)


def _url_fields(raw_query: str) -> dict[str, str]:
    try:
        fields = parse_qs(raw_query, keep_blank_values=True, max_num_fields=MAX_URL_FIELDS)
    except ValueError as exc:
        raise InvalidRequestError(f"The URL has more than {MAX_URL_FIELDS} parameters.") from exc
    return {name: values[-1] for name, values in fields.items()}


def _statement(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidRequestError(f'"{key}" is missing: it must be the SQL statement, as text.')
    return value


def _json_of(text: str | None) -> Any:
    if not text or not text.strip():
        return None
    try:
        return read_json(text)
    except MalformedJsonError as exc:
        raise InvalidRequestError(f"queryParameters must be JSON. {exc}") from exc


def _parameters(value: Any) -> QueryParameters:
    if value is None:
        return {}
    if not isinstance(value, dict | list):
        raise InvalidRequestError("queryParameters must be an object for @name, or an array for ?.")
    return value


def _number(text: str | None, name: str, default: int) -> int:
    if text is None:
        return default
    if not NUMBER.fullmatch(text):
        raise InvalidRequestError(f"{name} must be a number from 1.")
    return int(text)
