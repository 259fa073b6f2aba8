"""API access to a workflow: what its routes take, and how it is shown, with calls that are ready to paste."""

import shlex
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field

from stepcall.domain.connection import NAME_PATTERN
from stepcall.domain.json_text import write_json
from stepcall.use_cases.enable_api_access import ApiAccess
from workflows_api.example_values import example_of

Json = dict[str, Any]
TOKEN = "YOUR_TOKEN"  # noqa: S105 - a place to put one


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ApiAccessUpdate(_Strict):
    """`PUT /workflows/{workflow_id}/api-access`."""

    cache: bool | None = None


class NewApiAccess(_Strict):
    """`POST /workflows/{workflow_id}/api-access`."""

    connection: Annotated[str, Field(pattern=NAME_PATTERN)] | None = None
    cache: bool | None = None


def print_no_access() -> Json:
    return {"enabled": False}


def print_access(access: ApiAccess, origin: str) -> Json:
    """`origin` is where this API was reached, without a slash at its end."""
    procedure = access.procedure
    return {
        "enabled": True,
        "workflow_version": procedure.workflow_version,
        "procedure": procedure.name,
        "in_sync": access.in_sync,
        "cache": procedure.cache,
        "connection": procedure.connection,
        "output_table": access.has_output_table,
        "examples": _examples(access, f"{origin}/v3/sql/{procedure.connection}/job"),
    }


def origin_of(headers: Mapping[str, str]) -> str:
    """Scheme, host and port as the request at hand was sent; the gateway says the scheme."""
    return f"{headers.get('x-forwarded-proto', 'https')}://{headers.get('host', '')}"


def _examples(access: ApiAccess, url: str) -> Json:
    inputs = access.version.definition.input
    query = f"CALL `{access.procedure.name}`({','.join(f'@{each.name}' for each in inputs)})"
    values = {each.name: example_of(each) for each in inputs}
    asked = {"query": query, "queryParameters": write_json(values), "access_token": TOKEN}
    body = write_json({"query": query, "queryParameters": values})
    return {"get": f"{url}?{urlencode(asked, quote_via=quote, safe='')}", "post": _curl(url, body)}


def _curl(url: str, body: str) -> str:
    parts = [
        f"curl --location {shlex.quote(url)}",
        "--header 'Content-Type: application/json'",
        f"--header 'Authorization: Bearer {TOKEN}'",
        f"--data {shlex.quote(body)}",
    ]
    return " \\\n    ".join(parts)
